"""Messages in a person's language: gettext catalogs, read as they are written.

English is the language of the sources, so it has no catalog. The others lie beside this file
as `<language>.po` (the site has its own in `api/locale`) and are compiled in memory.
"""

from __future__ import annotations

from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "fr")  # what people can be told in
FORMATS = {"en": "en_GB", "fr": "fr_FR"}  # whose dates and numbers go with them


@lru_cache(maxsize=64)
def translations(lang: str, folder: Path = Path(__file__).parent) -> NullTranslations:
    """The messages of a language in that folder; where it has none, the English ones."""
    source = folder / f"{lang}.po"
    if not source.is_file():
        return NullTranslations()
    with source.open("rb") as stream:
        catalog = read_po(stream, locale=lang)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
