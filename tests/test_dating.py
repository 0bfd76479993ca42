"""A page's own date is told in seven languages, and not guessed."""

from __future__ import annotations

import pytest

from policies.dating import stated_date
from policies.passages import is_incidental


@pytest.mark.parametrize(
    ("lang", "line", "told"),
    [
        ("en", "Last updated: June 25, 2024", "2024-06-25"),
        ("en", "Effective 1st March 2023", "2023-03-01"),
        ("en", "Last Updated: September 2025", "2025-09"),
        ("en", "Version of 2024-02-29", "2024-02-29"),
        ("en", "Updated 25/06/2024", "2024-06-25"),
        ("en", "Updated 06/25/2024", "2024-06-25"),
        ("en", "Updated 04/05/2024", None),  # April or May
        ("en", "Version of 2023-02-29", None),  # was not in the calendar
        ("en", "Updated in June", None),
        ("en", "We began in June 2024 with a new assistant.", None),
        ("en", "Updated for model 9999 in May", None),
        ("fr", "Dernière mise à jour : 1er août 2024", "2024-08-01"),
        ("fr", "En vigueur le 3 févr. 2022", "2022-02-03"),
        ("de", "Stand: 12. März 2024", "2024-03-12"),
        ("de", "Zuletzt aktualisiert im Dezember 2021", "2021-12"),
        ("es", "Última actualización: 9 de enero de 2025", "2025-01-09"),
        ("it", "Ultimo aggiornamento: 30 settembre 2023", "2023-09-30"),
        ("pt", "Última atualização: 7 de março de 2020", "2020-03-07"),
        ("nl", "Laatst bijgewerkt op 4 mei 2022", "2022-05-04"),
        ("ja", "最終更新日: 2024-06-25", None),
    ],
)
def test_the_date_of_a_line(lang: str, line: str, told: str | None) -> None:
    assert stated_date(["Your voice", line], lang) == told


def test_the_first_line_that_tells_is_taken_and_long_ones_are_not() -> None:
    long = f"We updated this on June 1, 2020, {'and this is how it came about, ' * 5}"
    lines = [long, "Updated 04/05/2024", "Updated May 4, 2024", "Updated June 2, 2022"]
    assert stated_date(lines, "en") == "2024-05-04"
    assert stated_date([], "en") is None


@pytest.mark.parametrize(
    "line",
    [
        "Stand: 12. März 2024",
        "Zuletzt aktualisiert am 3. Mai 2024",
        "Última actualización: 9 de enero de 2025",
        "Ultimo aggiornamento: 30 settembre 2023",
        "Última atualização: 7 de março de 2020",
        "Laatst bijgewerkt op 4 mei 2022",
    ],
)
def test_such_a_line_is_no_change(line: str) -> None:
    assert is_incidental(line)
