"""What single values of a declaration have to look like: None, or what was expected instead."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import soupsieve

from policies.catalog.codes import LANGUAGES, REGIONS

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Second levels under which anybody registers names: a site there would be a whole country.
_REGISTRY = re.compile(r"(ac|asso|co|com|edu|gob|gouv|gov|ne|net|nom|or|org)\.[a-z]{2}")
_MAX_SELECTOR = 500
_DEFAULT_PORTS = {"http": 80, "https": 443}


def slug(text: str) -> str | None:
    """An id."""
    if _SLUG.fullmatch(text) and len(text) <= 60:
        return None
    return f"expected an id of lower-case letters, digits and dashes, got {text!r}"


def address(text: str) -> str | None:
    """The URL of a page, as it is fetched."""
    return link(text) or (
        "expected an address without `#`; a fragment is never fetched" if "#" in text else None
    )


def link(text: str) -> str | None:
    """A URL that a person may follow."""
    if not text.isascii() or re.search(r"[\s\\<>\"]", text):
        return f"expected an address with everything else than ASCII percent-encoded, got {text!r}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # the port is checked when it is read
    except ValueError:
        return f"expected an address, got {text!r}"
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return f"expected an address that begins with https:// or http://, got {text!r}"
    if parts.username is not None or parts.password is not None:
        return "expected an address without user name and password"
    return None


def same_address(url: str) -> str:
    """What two addresses share that lead to one page."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port not in {None, _DEFAULT_PORTS[parts.scheme]} else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.hostname}{port}{parts.path or '/'}{query}"


def host(text: str) -> str | None:
    """A registrable or full host name."""
    if "/" in text or ":" in text:
        return f"expected a host name without scheme, port and path, got {text!r}"
    if text != "localhost" and (not _HOST.fullmatch(text) or len(text) > 253):
        return f"expected a host name like amazon.fr in lower-case ASCII, got {text!r}"
    if _REGISTRY.fullmatch(text):
        return f"expected a host of the vendor; {text!r} is a registry's"
    return None


def path(text: str) -> str | None:
    """A prefix of paths, or a pattern where `*` stands for any characters."""
    if text.startswith("/") and text.isascii() and not re.search(r"[\s?#\\]", text):
        return None
    return f"expected a path that begins with `/`, without `?` and `#`, got {text!r}"


def language(text: str) -> str | None:
    """A language: "en"."""
    if text in LANGUAGES:
        return None
    return f"expected a two-letter language code (ISO 639-1) like en or fr, got {text!r}"


def locale(text: str) -> str | None:
    """A language with or without a region: "en", "fr-ca"."""
    lang, dash, region = text.partition("-")
    if text != text.lower() or "_" in text:
        return f"expected a language like `{text.lower().replace('_', '-')}`, got {text!r}"
    if complaint := language(lang):
        return complaint
    if dash and region not in REGIONS:
        hint = "; Great Britain is gb" if region == "uk" else ""
        return f"expected a two-letter country (ISO 3166-1) after `{lang}-`, got {region!r}{hint}"
    return None


def selector(text: str) -> str | None:
    """A CSS selector."""
    if len(text) > _MAX_SELECTOR:
        return f"expected a CSS selector of at most {_MAX_SELECTOR} characters"
    try:
        soupsieve.compile(text)
    except (soupsieve.SelectorSyntaxError, NotImplementedError, ValueError) as error:
        return f"expected a CSS selector, got {text!r} ({str(error).splitlines()[0]})"
    return None


def archive(text: str) -> str | None:
    """A document of Open Terms Archive: "contrib/Google Nest/Privacy Policy"."""
    parts = text.split("/")
    if len(parts) == 3 and all(part and part == part.strip() for part in parts):
        return slug(parts[0])
    return f"expected `collection/service/terms`, got {text!r}"
