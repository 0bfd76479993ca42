"""Changes as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from gettext import NullTranslations

from policies.direction import Direction
from policies.locale import translations
from policies.model import Topic
from policies.summary.names import direction, listed, number, topic


def change(
    vendor: str,
    title: str,
    counts: tuple[int, int, int, int],
    topics: Sequence[Topic],
    lang: str,
    directions: Mapping[Topic, Direction] | None = None,
) -> tuple[str, ...]:
    """A change in sentences. `counts` are passages added, removed, reworded and moved.

    `directions`: which way it goes on its topics, where that is known.
    """
    messages = translations(lang)
    parts = [text for text in _counted(messages, counts, lang) if text]
    what = listed(parts, lang) if parts else messages.gettext("only marks and spaces")
    first = messages.gettext("%(vendor)s changed “%(title)s”: %(what)s.") % {
        "vendor": vendor,
        "title": title,
        "what": what,
    }
    if not topics:
        return (first, messages.gettext("No topic that we watch was recognised in it."))
    ways = directions or {}
    names = messages.gettext("; ").join(
        _directed(t, ways.get(t, Direction.UNCLEAR), lang) for t in topics
    )
    return (first, messages.gettext("It touches: %(topics)s.") % {"topics": names})


def _directed(about: Topic, way: Direction, lang: str) -> str:
    """A topic with its direction; without one that is unclear."""
    name = topic(about, lang).lower()
    if way is Direction.UNCLEAR:
        return name
    said = translations(lang).gettext("%(topic)s (%(direction)s)")
    return said % {"topic": name, "direction": direction(way, lang).lower()}


def _counted(
    messages: NullTranslations, counts: tuple[int, int, int, int], lang: str
) -> tuple[str, ...]:
    added, removed, replaced, moved = counts
    texts = (
        (added, messages.ngettext("%(n)s passage added", "%(n)s passages added", added)),
        (removed, messages.ngettext("%(n)s passage removed", "%(n)s passages removed", removed)),
        (
            replaced,
            messages.ngettext("%(n)s passage reworded", "%(n)s passages reworded", replaced),
        ),
        (moved, messages.ngettext("%(n)s passage moved", "%(n)s passages moved", moved)),
    )
    return tuple(text % {"n": number(count, lang)} for count, text in texts if count)
