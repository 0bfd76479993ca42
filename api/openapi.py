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
_NOT_MODIFIED = {"description": "Nothing changed since the ETag in If-None-Match."}


def complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
    """Name the media type of errors, 304, and that every operation may fail in one shape."""
    if isinstance(spec, str):  # YAML, which is not served
        return spec
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _problem(schemas)
    problem = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for path in spec.get("paths", {}).values():
        for operation in path.values():
            answers = operation["responses"]
            for status, answer in list(answers.items()):
                if status.startswith(("4", "5")):
                    answers[status] = {"description": answer["description"], **problem}
                elif status == "200":
                    answer.setdefault("headers", {}).update(_HEADERS)
                    answer.setdefault("content", {}).update(_other_forms(operation))
            answers["304"] = _NOT_MODIFIED
            answers.setdefault("400", {"description": "A parameter cannot be used", **problem})
            answers["default"] = {"description": "An error (RFC 9457)", **problem}
    return spec


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
    schema = Problem.model_json_schema(ref_template="#/components/schemas/Problem.{model}")
    for name, nested in schema.pop("$defs", {}).items():
        schemas[f"Problem.{name}"] = nested
    return schema
