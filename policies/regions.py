"""Which region a text is for, by its spelling and by the regions that it names.

A page that comes in British spelling one day and in American the next has not been edited; its
visitor was taken for somebody from elsewhere. Spelling is told for English only, from endings and
from words that have one spelling in each. In every language, words that name a region may be
there for its people only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import yaml

# (American, British), as parts of a word in lower case. 2026-11-22: on the histories in
# `shared/ota` a text in one spelling has at most 4 % words of the other.
_PAIRS = (
    (r"\w{3,}iz(?:e|ed|es|ing|ation|ations)", r"\w{3,}is(?:e|ed|es|ing|ation|ations)"),
    (r"analyz(?:e|ed|es|ing)", r"analys(?:e|ed|ing)"),
    (r"(?:behavi|col|fav|hon|neighb|endeav)or\w*", r"(?:behavi|col|fav|hon|neighb|endeav)our\w*"),
    (r"programs?", r"programmes?"),
    (r"fulfill", r"fulfil"),
    (r"centers?", r"centres?"),
    (r"license[ds]?", r"licence[ds]?"),
)
# Words in -ise everywhere, which tell nothing.
_EVERYWHERE = re.compile(
    r"(?:adv|advert|comprom|compr|dev|disgu|enterpr|exerc|exper|franch|improv|ot?herw|prec|prem"
    r"|prom|ra|rev|superv|surpr|tele?v|w|expert|no|prop|like?w)is(?:e|ed|es|ing|ation|ations)"
)
_AMERICAN = re.compile("|".join(american for american, _ in _PAIRS))
_BRITISH = re.compile("|".join(british for _, british in _PAIRS))
_FEWEST = 3  # words that tell, below which nothing is told
_SHARE = 0.8  # of them in one spelling


def region_of(texts: Iterable[str], lang: str) -> str | None:
    """ "us" or "gb" for English text that is clearly written so, else None."""
    if lang != "en":
        return None
    american = british = 0
    for text in texts:
        for word in re.findall(r"[a-z]+", text.lower()):
            if _AMERICAN.fullmatch(word):
                american += 1
            elif _BRITISH.fullmatch(word) and not _EVERYWHERE.fullmatch(word):
                british += 1
    total = american + british
    if total < _FEWEST:
        return None
    if american >= _SHARE * total:
        return "us"
    return "gb" if british >= _SHARE * total else None


def names_region(text: str, lang: str) -> bool:
    """Whether a text names a region, or its law; False in a language without a list of them."""
    names = _names(lang)
    return names is not None and names.search(text) is not None


@cache
def _names(lang: str) -> re.Pattern[str] | None:
    listed = yaml.safe_load(files("policies").joinpath("regions.yaml").read_text("utf-8")).get(lang)
    if not listed:
        return None
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, listed))})\b")
