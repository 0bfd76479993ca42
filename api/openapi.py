"""The OpenAPI document: what APIFlask derives from the views, and what it cannot know."""

from __future__ import annotations

from typing import Any

from api.errors import PROBLEM, Problem
from api.v1.params import Form

_HEADERS = {
    "ETag": {
        "description": "Send it back as If-None-Match; 304 says that nothing changed.",
        "schema": {"type": "string"},
    },
}
_HERE = "#/components/schemas/"
_ELSEWHERE = {
    "headers": {name: {"schema": {"type": "string"}} for name in ("Location", "Link", "Vary")}
}
_WHEN = {
    "in": "header",
    "name": "Accept-Datetime",
    "required": False,
    "schema": {"type": "string", "examples": ["Tue, 25 Jun 2024 18:32:00 GMT"]},
    "description": "When; if not given, now.",
}
_NOT_MODIFIED = {"description": "Nothing changed since the ETag in If-None-Match."}


def complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
    """Name the media type of errors, 304, and that every operation may fail in one shape."""
    if isinstance(spec, str):  # YAML, which is not served
        return spec
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _problem(schemas)
    _name_alike(spec)
    problem = {"content": {PROBLEM: {"schema": {"$ref": f"{_HERE}Problem"}}}}
    for path in spec.get("paths", {}).values():
        for operation in path.values():
            answers = operation["responses"]
            for status, answer in list(answers.items()):
                if status.startswith(("4", "5")):
                    answers[status] = {"description": answer["description"], **problem}
                elif status == "302":
                    answers[status] = {"description": answer["description"], **_ELSEWHERE}
                    operation["parameters"] = [*operation.get("parameters", []), _WHEN]
                elif status == "200":
                    answer.setdefault("headers", {}).update(_HEADERS)
                    answer.setdefault("content", {}).update(_other_forms(operation))
            answers["304"] = _NOT_MODIFIED
            answers.setdefault("400", {"description": "A parameter cannot be used", **problem})
            answers["default"] = {"description": "An error (RFC 9457)", **problem}
    return spec


def _name_alike(spec: dict[str, Any]) -> None:
    """Give each shape one name: APIFlask keeps a copy of it for every answer that holds it.

    Raises ValueError where two shapes have the same name.
    """
    schemas = spec["components"]["schemas"]
    plain = {name: name.rpartition(".")[2] for name in schemas}
    _rename(spec, {f"{_HERE}{old}": f"{_HERE}{new}" for old, new in plain.items()})
    named: dict[str, Any] = {}
    for old, new in plain.items():
        if named.setdefault(new, schemas[old]) != schemas[old]:
            raise ValueError(f"two shapes of the API are called {new!r}")
    spec["components"]["schemas"] = dict(sorted(named.items()))


def _rename(value: Any, names: dict[str, str]) -> None:
    """Let references below a value name what they mean by other names."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            value["$ref"] = names.get(value["$ref"], value["$ref"])
        for below in value.values():
            _rename(below, names)
    elif isinstance(value, list):
        for below in value:
            _rename(below, names)


def _other_forms(operation: dict[str, Any]) -> dict[str, Any]:
    """The media types that `format` of an operation offers besides JSON."""
    forms = {
        Form(value)
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "format"
        for choice in [parameter["schema"], *parameter["schema"].get("anyOf", [])]
        for value in choice.get("enum", [])
    }
    return {form.media_type: {"schema": {"type": "string"}} for form in sorted(forms - {Form.JSON})}


def _problem(schemas: dict[str, Any]) -> dict[str, Any]:
    for name in ("HTTPError", "ValidationError"):
        schemas.pop(name, None)
    schema = Problem.model_json_schema(ref_template=_HERE + "{model}")
    schemas.update(schema.pop("$defs", {}))
    return schema
