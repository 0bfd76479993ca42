"""What the site's pages are made of: pictures over time, two columns, citations, refusals."""

from __future__ import annotations

import io
import math
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from api.site import citing, columns, pictures
from api.site.citing import Cited
from api.site.columns import Row, Same
from api.site.painting import _ODD, Card, Mark, Means, across, letters, paint, wrapped
from api.site.pictures import Span
from api.site.strokes import strokes
from policies import rendering
from policies.changes import compare
from policies.direction import Direction
from policies.model import SpanKind, Stance
from policies.passages import split
from policies.text import read_plain

ROOT = Path(__file__).parents[1]
PARTS = ROOT / "api/site/templates/parts.html"


def at(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


FIRST, LAST = at(2015), at(2026)
DAYS = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC))


@st.composite
def a_span(draw: st.DrawFn) -> Span:
    since, until = sorted((draw(DAYS), draw(DAYS)))
    return Span(since, draw(st.sampled_from([None, until])), "stated", "x")


@given(st.lists(a_span(), max_size=40))
def test_every_bar_lies_in_the_picture_and_no_two_lie_on_each_other(spans: list[Span]):
    over = pictures.scale(at(2015), at(2026))
    drawn = pictures.picture(over, [("A topic", spans)], lanes=True)
    bars = drawn.bands[0].bars
    assert len(bars) + drawn.bands[0].left_out == len(spans)
    for bar in bars:
        assert 0 <= bar.x <= bar.x + bar.width <= 100.01
        assert 0 <= bar.y < bar.y + bar.height <= drawn.floor
    for one in bars:
        for other in bars:
            if one is not other and one.y == other.y:
                assert one.x + one.width <= other.x + 0.01 or other.x + other.width <= one.x + 0.01


def test_what_lasted_a_day_can_be_seen():
    over = pictures.scale(at(2015), at(2026))
    day = Span(at(2020), at(2020, 1, 2), "yes", "People may listen")
    drawn = pictures.picture(over, [("People listening", [day])])
    assert drawn.bands[0].bars[0].width >= 0.5


@pytest.mark.parametrize("years", [1, 3, 8, 20, 60])
def test_a_phone_has_room_for_the_years(years: int):
    over = pictures.scale(at(1970), at(1970 + years))
    assert 1 <= len(over.years()) <= 7
    assert [y.x for y in over.years()] == sorted(y.x for y in over.years())


def test_a_single_day_still_makes_a_picture():
    over = pictures.scale(at(2026, 5, 1), at(2026, 5, 1))
    assert over.at(at(2026, 5, 1)) == 100


def parts(old: str, new: str) -> list[rendering.Step | rendering.Unchanged]:
    before, after = split(read_plain(old), "en"), split(read_plain(new), "en")
    return list(rendering.whole(before, after, compare(before, after)))


SAME = "\n\n".join(f"Nothing is different in passage number {n}." for n in range(9))


def test_each_side_holds_its_whole_passage_and_marks_only_its_own_words():
    old, new = "We listen if you agree.", "We listen unless you object."
    found = list(columns.rows(parts(f"{old}\n\n{SAME}", f"{new}\n\n{SAME}")))
    row = next(r for r in found if isinstance(r, Row))
    assert "".join(run.text for run in row.before) == old
    assert "".join(run.text for run in row.after) == new
    assert {run.kind for run in row.before} == {SpanKind.EQUAL, SpanKind.REMOVED}
    assert {run.kind for run in row.after} == {SpanKind.EQUAL, SpanKind.ADDED}


def test_unchanged_text_is_folded_but_for_what_stands_beside_an_edit():
    found = list(columns.rows(parts(f"{SAME}\n\nA thing goes.", SAME)))
    told = [(row.count, row.folded) for row in found if isinstance(row, Same)]
    assert told == [(8, True), (1, False)]


def cited(title: str) -> Cited:
    return Cited(
        "48fb", title, "https://e.example/changes/48fb", at(2021), at(2026), "sha256:aa", None
    )


def test_a_citation_cannot_be_broken_by_words_of_a_page():
    made = citing.cite(cited("A} \\input{x} % $1 & #2_^~\nER  - "))
    title = next(line for line in made.bibtex.splitlines() if line.lstrip().startswith("title"))
    plain = title.replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")
    assert "\\input" not in title
    assert "\\%" in title
    assert made.ris.count("\nER  - ") == 1, "a record ends once"


def test_a_citation_names_what_it_rests_on():
    made = citing.cite(cited("Acme: Notice"))
    assert "sha256:aa" in made.bibtex
    assert "sha256:aa" in made.ris
    assert "https://e.example/changes/48fb" in made.bibtex
    assert "2021-01-01" in made.bibtex


def test_the_extension_shows_the_same_shapes():
    shown = re.compile(r'"(\w+)": \'(<[^\']+)\'')
    ours = dict(shown.findall(PARTS.read_text(encoding="utf-8")))
    sprite = (ROOT / "extension/icons/shapes.svg").read_text(encoding="utf-8")
    theirs = dict(re.findall(r'<symbol id="(\w+)"[^>]*>(.*?)</symbol>', sprite))
    assert theirs == {name: ours.get(name) for name in theirs}
    stances = [ours[stance] for stance in Stance]
    assert len(set(stances)) == len(stances), "each stance has a shape of its own"


# --- cards -----------------------------------------------------------------------------


def shapes() -> dict[str, str]:
    return dict(re.findall(r'"(\w+)": \'(<[^\']+)\'', PARTS.read_text(encoding="utf-8")))


def test_every_shape_is_drawn_within_its_square():
    assert set(shapes()) >= {*(s.value for s in Stance), *(d.value for d in Direction)}
    for name, shape in shapes().items():
        points = [point for stroke in strokes(shape) for point in stroke.points]
        assert len(points) > 1, name
        assert all(2 <= x <= 22 and 2 <= y <= 22 for x, y in points), name


def test_a_curve_runs_where_its_svg_runs():
    ring = strokes('<circle cx="12" cy="12" r="9"/>')[0]
    assert all(abs(math.dist(point, (12, 12)) - 9) < 1e-6 for point in ring.points)
    bow = strokes('<path d="M6 12a6 6 0 0 1 12 0"/>')[0]
    assert min(y for _, y in bow.points) == pytest.approx(6), "over the top, as the sweep says"
    drop = strokes('<path d="M0 0c0 10 10 10 10 0s10-10 10 0z"/>')[0]
    assert max(y for _, y in drop.points) == pytest.approx(7.5)
    assert min(y for _, y in drop.points) == pytest.approx(-7.5), "s goes on as the curve before"
    assert drop.points[-1] == pytest.approx((0, 0))
    assert len(strokes('<circle cx="12" cy="12" r="9" stroke-dasharray="3 3.3"/>')) > 6
    with pytest.raises(ValueError, match="<ellipse>"):
        strokes("<ellipse/>")


def means() -> Means:
    drawn = {name: strokes(shape) for name, shape in shapes().items()}
    css = (ROOT / "api/site/static/tokens.css").read_text(encoding="utf-8").partition("@media")[0]
    return Means(dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css)), drawn)


def painted(card: Card) -> Image.Image:
    return Image.open(io.BytesIO(paint(card, means()))).convert("RGB")


def test_accents_have_letters_of_their_own():
    """No box stands for a letter that English or French, or a vendor's name, may need."""
    for font in (letters(40), letters(40, strong=True)):
        box = bytes(font.getmask("\U0010fffe"))
        wanted = "éèêëàâçùûîïôœÉÀÇ«»“”’…–€ñßøłš\xa0"
        assert [letter for letter in wanted if bytes(font.getmask(letter)) == box] == []


@pytest.mark.parametrize("words", ["word " * 500, "w" * 3000, "", " ", "\n\t\x00", "日本語"])
def test_words_of_any_length_stay_on_the_card(words: str):
    mark = Mark("opt_out", words)
    drawn = painted(Card(words, words, (mark, mark), foot=words))
    rows = painted(Card(words, rows=((words, mark),) * 40, foot=words))
    for one in (drawn, rows):
        right = one.crop((1140, 20, 1200, 630))
        assert len(right.getcolors() or ()) == 1, "the edge is free"


@given(st.text(max_size=200), st.integers(100, 1000), st.integers(1, 5))
def test_lines_are_as_wide_and_as_many_as_there_is_room_for(text: str, width: int, most: int):
    font = letters(40)
    lines = wrapped(text, font, width, most)
    assert len(lines) <= most
    assert all(across(line, font) <= width for line in lines)
    if len(lines) < most and not any(line.endswith(" …") for line in lines):
        assert "".join(lines).replace(" ", "") == _ODD.sub("", text).replace("\u202f", "\xa0")
