"""The items of one file become a Vendor: which keys there are, and what they are by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from policies.catalog import values
from policies.catalog.reading import Item
from policies.model import (
    Assistant,
    Control,
    ControlKind,
    OtaSource,
    Page,
    Policy,
    PolicyKind,
    Scope,
    Site,
    Vendor,
)

T = TypeVar("T")

_VENDOR = ("name", "assistants", "sites", "controls", "policies")
_SITE = ("hosts", "paths", "assistants")
_CONTROL = ("kind", "name", "assistants", "url", "steps")
_POLICY = ("title", "kind", "scope", "assistants", "select", "remove", "pages")
_PAGE = ("url", "select", "remove", "earlier", "render", "ota")


def vendor(root: Item, vendor_id: str) -> Vendor:
    """The vendor that a file declares; only of use where the sheet has no problems."""
    given = root.record(_VENDOR, required=("name", "assistants", "policies"))
    name = given["name"].text() if "name" in given else ""
    if name:
        given["name"].claim("vendor name", name.casefold())
    assistants = tuple(
        Assistant(id=assistant_id, name=item.text())
        for assistant_id, item in _by_id(given.get("assistants"), "assistant")
    )
    known = tuple(assistant.id for assistant in assistants)
    return Vendor(
        id=vendor_id,
        name=name,
        assistants=assistants,
        sites=_sites(given["sites"], known) if "sites" in given else (),
        controls=tuple(
            _control(item, control_id, known)
            for control_id, item in _by_id(given.get("controls"), "control")
        ),
        policies=tuple(
            _policy(item, vendor_id, policy_id, known)
            for policy_id, item in _by_id(given.get("policies"), "policy")
        ),
    )


def _sites(listed: Item, known: tuple[str, ...]) -> tuple[Site, ...]:
    """Hosts, alone or in groups that share paths and assistants."""
    seen: dict[str, Item] = {}
    sites: list[Site] = []
    for item in listed.items():
        given = {"hosts": item} if item.is_text else item.record(_SITE, required=("hosts",))
        paths = _texts(given.get("paths"), values.path)
        assistants = _assistants(given.get("assistants"), known)
        for host_item in given["hosts"].items() if "hosts" in given else []:
            host = host_item.checked(values.host)
            for path in paths or ("",):
                first = seen.setdefault(f"{host}{path}", host_item)
                if host and first is not host_item:
                    host_item.complain(f"{host}{path} is listed already, in line {first.line}")
            host_item.claim("host", host)
            sites.append(Site(host=host, paths=paths, assistants=assistants))
    return tuple(sites)


def _control(item: Item, control_id: str, known: tuple[str, ...]) -> Control:
    given = item.record(_CONTROL, required=("kind", "name"))
    if given and not {"url", "steps"} & set(given):
        item.complain("expected `url`, `steps` or both: how does a person get there?")
    kind = given["kind"].choice([k.value for k in ControlKind]) if "kind" in given else ""
    names = _by_language(given.get("name"), Item.text)
    steps = _by_language(given.get("steps"), _texts)
    if "steps" in given and "name" in given and set(names) != set(steps):
        given["steps"].complain(
            f"expected the languages of `name`, {', '.join(names)}, got {', '.join(steps)}"
        )
    return Control(
        id=control_id,
        kind=ControlKind(kind) if kind else ControlKind.SETTINGS,
        assistants=_assistants(given.get("assistants"), known),
        name=names,
        url=given["url"].checked(values.link) if "url" in given else None,
        steps=steps,
    )


def _policy(item: Item, vendor_id: str, policy_id: str, known: tuple[str, ...]) -> Policy:
    given = item.record(_POLICY, required=("title", "kind", "pages"))
    kind = given["kind"].choice([k.value for k in PolicyKind]) if "kind" in given else ""
    assistants = _assistants(given.get("assistants"), known)
    scope = Scope.ASSISTANT if "assistants" in given else Scope.GENERAL
    if "scope" in given:
        scope = Scope(given["scope"].choice([s.value for s in Scope]) or scope)
    policy_id = f"{vendor_id}.{policy_id}"
    return Policy(
        id=policy_id,
        vendor_id=vendor_id,
        kind=PolicyKind(kind) if kind else PolicyKind.NOTICE,
        title=given["title"].text() if "title" in given else "",
        scope=scope,
        assistants=assistants,
        pages=tuple(_pages(given, vendor_id, policy_id, scope)),
    )


def _pages(
    policy: Mapping[str, Item], vendor_id: str, policy_id: str, scope: Scope
) -> Iterator[Page]:
    """A policy's pages: under a language, an address or a record with the key `url`."""
    select = _texts(policy.get("select"), values.selector)
    remove = _texts(policy.get("remove"), values.selector)
    for locale, item in _entries(policy.get("pages"), "page"):
        if complaint := values.locale(locale):
            item.complain(complaint)
        if item.is_text:
            given = {"url": item}
        elif item.is_record:
            given = item.record(_PAGE, required=("url",))
        else:
            given = {}
            item.complain("expected an address, or lines of which one is `url:`")
        lang, _, region = locale.partition("-")
        yield Page(
            id=f"{policy_id}.{locale}",
            vendor_id=vendor_id,
            policy_id=policy_id,
            lang=lang,
            region=region or None,
            url=_address(given["url"]) if "url" in given else "",
            scope=scope,
            select=_texts(given["select"], values.selector) if "select" in given else select,
            remove=_texts(given["remove"], values.selector) if "remove" in given else remove,
            earlier_urls=tuple(_address(i) for i in _all(given.get("earlier"))),
            render=given["render"].flag() if "render" in given else False,
            ota=tuple(source for i in _all(given.get("ota")) for source in _archived(i)),
        )


def _address(item: Item) -> str:
    url = item.checked(values.address)
    if url:
        item.claim("address", values.same_address(url))
    return url


def _archived(item: Item) -> Iterator[OtaSource]:
    text = item.checked(values.archive)
    if text:
        item.claim("archived document", text)
        collection, service, terms = text.split("/")
        yield OtaSource(collection=collection, service=service, terms=terms)


def _assistants(listed: Item | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """Ids of this vendor's assistants, in the order of the vendor."""
    named = {item.choice(known) for item in _all(listed)} if known else set()
    return tuple(assistant for assistant in known if assistant in named)


def _entries(item: Item | None, what: str) -> list[tuple[str, Item]]:
    """Keys and values where at least one is expected; none where the key itself is missing."""
    if item is None:
        return []
    found = item.entries()
    if not found and item.is_record:
        item.complain(f"expected at least one {what}")
    return list(found.items())


def _by_id(item: Item | None, what: str) -> Iterator[tuple[str, Item]]:
    for key, value in _entries(item, what):
        if complaint := values.slug(key):
            value.complain(complaint)
        yield key, value


def _by_language(item: Item | None, take: Callable[[Item], T]) -> dict[str, T]:
    """What stands under each language; under at least one."""
    found: dict[str, T] = {}
    for lang, value in _entries(item, "language"):
        if complaint := values.language(lang):
            value.complain(complaint)
        found[lang] = take(value)
    return found


def _all(item: Item | None) -> list[Item]:
    return item.items() if item else []


def _texts(item: Item | None, check: Callable[[str], str | None] | None = None) -> tuple[str, ...]:
    """The texts of a list, or of a single value."""
    taken = (i.checked(check) if check else i.text() for i in _all(item))
    return tuple(text for text in taken if text)
