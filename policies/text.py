"""A body becomes a document: blocks of text, with headings, list items and table rows kept.

White space is folded as a browser folds it; every other character stays as it came. Parsing
never runs what a page brings, and what a page brings cannot make it run long: the walk over a
page is linear and does not recurse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from bs4 import BeautifulSoup
from bs4.builder._lxml import LXMLTreeBuilder
from bs4.dammit import EncodingDetector
from bs4.element import PreformattedString, Tag
from markdown_it import MarkdownIt
from markdown_it.token import Token

from policies.errors import BadInput
from policies.model import Block, BlockKind, Document

_BLOCK_TAGS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset"
    " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol"
    " p pre section summary table tbody td tfoot th thead tr ul".split()
)
_SILENT_TAGS = frozenset(
    "audio button canvas datalist embed head iframe input map math noscript object option script"
    " select style svg template textarea video".split()
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LISTS = ("ul", "ol", "menu")
_STRUCTURE = [*_HEADINGS, "table", "ul", "ol"]
_FURNITURE = (
    "nav, header, footer, aside, [role=navigation], [role=banner], [role=contentinfo],"
    " [role=search], [role=dialog], [role=alertdialog]"
)
_MAIN = "main, [role=main], article"
_SPACE = re.compile(r"[ \t\n\r\f\v]+")
# What neither a database nor a screen takes: control characters and lone surrogates.
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ENDS_LINE = (".", "!", "?", ":", ";", "…")
# 2026-11-23, from the real pages of two and a half years: the largest has 3,874 tags, 340,000
# characters, and tags forty deep. A page of 100,000 tags takes 150 MB and some seconds to read.
_MOST_NODES = 100_000  # tags, attributes and comments together
_DEEPEST = 2_000  # unclosed <b> and <font> do add up
_MOST_CHARACTERS = 2_000_000
# A container of main content that holds less of the page than this is not where the text is.
_MAIN_SHARE = 0.3


class TooMuch(BadInput):
    """A page holds more than a page of policy can, and is not taken apart."""


def decode(body: bytes, declared: str | None = None) -> str:
    """The characters of a body. `declared`: the charset that the HTTP header names.

    UTF-8 goes before what is declared: text in another charset is practically never valid
    UTF-8, and servers name the wrong charset. Raises BadInput where no charset fits.
    """
    for mark, marked in _MARKS:
        if body.startswith(mark):
            return body.decode(marked, errors="replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    in_document = EncodingDetector.find_declared_encoding(body, is_html=True)
    found = [
        text for charset in (declared, in_document, "windows-1252") if (text := _by(charset, body))
    ]
    for text in found:
        if not _is_garbled(text):
            return text
    if not found:
        raise BadInput("no charset fits the page's bytes")
    return found[0]


def _by(charset: str | None, body: bytes) -> str | None:
    """The characters of a body by a charset, or None where it does not fit."""
    try:
        decoded = body.decode(charset or "ascii")
    except (LookupError, ValueError):  # no such charset, not its bytes, a NUL in its name
        return None
    return None if "\x00" in decoded else decoded


def _is_garbled(text: str) -> bool:
    """Whether most Greek, Cyrillic, Hebrew or Arabic letters stand beside Latin ones.

    Then they are accented Latin letters, read by a charset that is not the page's.
    """
    return 2 * len(_BESIDE_LATIN.findall(text)) > len(_OTHER_SCRIPTS.findall(text))


_OTHER_SCRIPTS = re.compile("[\u0370-\u06ff]")
_BESIDE_LATIN = re.compile("(?<=[A-Za-z])[\u0370-\u06ff]|[\u0370-\u06ff](?=[A-Za-z])")


class _Builder(LXMLTreeBuilder):
    """Builds a tree that stays within bounds. Raises TooMuch."""

    _nodes = 0

    def start(self, tag: Any, attrs: Any, nsmap: Any = MappingProxyType({})) -> None:
        """A tag begins."""
        self._count(1 + len(attrs))
        super().start(tag, attrs, nsmap)
        if self.soup is not None and len(self.soup.tagStack) > _DEEPEST:
            raise TooMuch(f"the page nests its tags more than {_DEEPEST:,} deep")

    def comment(self, text: Any) -> None:
        """A comment was passed."""
        self._count(1)
        super().comment(text)

    def pi(self, target: str, data: str) -> None:
        """A processing instruction was passed."""
        self._count(1)
        super().pi(target, data)

    def _count(self, more: int) -> None:
        self._nodes += more
        if self._nodes > _MOST_NODES:
            raise TooMuch(f"the page has more than {_MOST_NODES:,} tags and attributes")


class HtmlPage:
    """A parsed page; each reading of it is a document of its own.

    Raises TooMuch where it holds more than a page of policy can.
    """

    def __init__(self, html: str) -> None:
        self._soup = BeautifulSoup(html, builder=_Builder())

    @cached_property
    def title(self) -> str | None:
        """The page's title, folded."""
        tag = self._soup.title
        return _clean("".join(tag.strings)) or None if tag else None

    @cached_property
    def lang(self) -> str | None:
        """The language that the page declares, in lower case: "en-gb"."""
        tag = self._soup.find("html")
        value = tag.get("lang") if isinstance(tag, Tag) else None
        return value.strip().lower()[:35] or None if isinstance(value, str) else None

    def has(self, css: str) -> bool:
        """Whether something on the page matches a CSS selector."""
        return self._soup.select_one(css) is not None

    def selected(self, select: Sequence[str], remove: Sequence[str] = ()) -> Document:
        """The document of what the selectors select, in page order; empty where nothing is."""
        skip = {id(tag) for css in remove for tag in self._soup.select(css)}
        roots = _outermost(self._soup.select(", ".join(select)), skip) if select else []
        return self._document(roots, skip)

    @cached_property
    def main(self) -> Document:
        """The document of the main content, found without being told where it is."""
        body = self._soup.body or self._soup
        skip = {id(tag) for tag in body.select(_FURNITURE)}
        whole = self._document([body], skip)
        # A form may be a search box or wrap the whole page (ASP.NET); only the first is furniture.
        most = 0.3 * len(body.get_text())
        forms = _outermost(body.find_all("form"), set())
        skip.update(id(form) for form in forms if len(form.get_text()) < most)
        found = [self._document([root], skip) for root in _outermost(body.select(_MAIN), skip)]
        best = max(found, key=lambda document: len(document.text), default=None)
        if best and len(best.text) >= _MAIN_SHARE * len(whole.text):
            return best
        return self._document([body], skip)

    @cached_property
    def whole(self) -> Document:
        """The document of everything that a page shows, furniture included."""
        return self._document([self._soup.body or self._soup], set())

    @cached_property
    def _laid_out(self) -> set[int]:
        """Identities of what holds headings, lists or tables: such a table row lays out a page."""
        holders: set[int] = set()
        for tag in self._soup.find_all(_STRUCTURE):
            node = tag.parent
            while node is not None and id(node) not in holders:
                holders.add(id(node))
                node = node.parent
        return holders

    def write(self, writer: _Writer) -> None:
        """Add everything that the page shows to a document in the making."""
        _Walk(writer, self._laid_out).over(self._soup, set())

    def _document(self, roots: Iterable[Tag], skip: set[int]) -> Document:
        writer = _Writer()
        walk = _Walk(writer, self._laid_out)
        for root in roots:
            walk.over(root, skip)
        return replace(writer.document(), title=self.title, lang=self.lang)


def read_html(html: str, select: Sequence[str] = (), remove: Sequence[str] = ()) -> Document:
    """The document of a page: what the selectors select, or the main content without any."""
    page = HtmlPage(html)
    return page.selected(select, remove) if select else page.main


def read_plain(text: str) -> Document:
    """The document of a plain text: paragraphs apart by empty lines."""
    writer = _Writer()
    for paragraph in re.split(r"\n[ \t\r]*\n", text):
        writer.add(paragraph)
        writer.end_block()
    return writer.document()


def read_markdown(text: str) -> Document:
    """The document of a Markdown text; links and emphasis leave their words behind."""
    writer = _Writer()
    depth = 0  # of lists
    for token in _MARKDOWN.parse(text):
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                depth += 1
            case "bullet_list_close" | "ordered_list_close":
                depth -= 1
            case "inline":
                _inline(token, writer)
            case "heading_close":
                writer.end_block(BlockKind.HEADING, int(token.tag[1]))
            case "paragraph_close" if depth:
                writer.end_block(BlockKind.LIST_ITEM, depth)
            case "paragraph_close":
                writer.end_block()
            case "th_close" | "td_close":
                writer.end_cell()
            case "tr_close":
                writer.end_block(BlockKind.TABLE_ROW)
            case "code_block" | "fence":
                writer.add(token.content)
                writer.end_block()
            case "html_block":
                HtmlPage(token.content).write(writer)
    document = writer.document()
    return replace(document, title=_first_heading(document))


_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 30}).enable("table")


def _inline(token: Token, writer: _Writer) -> None:
    for child in token.children or ():
        if child.type in ("text", "text_special", "code_inline"):
            writer.add(child.content)
        elif child.type == "softbreak":
            writer.add(" ")
        elif child.type == "hardbreak" or child.content.lower().startswith("<br"):
            writer.line_break()


def _first_heading(document: Document) -> str | None:
    heading = next((b for b in document.blocks if b.kind is BlockKind.HEADING), None)
    return document.text[heading.start : heading.end] if heading else None


def _clean(text: str) -> str:
    return _SPACE.sub(" ", _FORBIDDEN.sub("", text)).strip(" \xa0")


class _Writer:
    """Collects inline text into blocks."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._texts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._line_broken = False

    def add(self, text: str) -> None:
        """Take inline text as it comes."""
        if self._line_broken and not text.isspace():
            self._line_broken = False
        self._parts.append(text.replace(_CELL, ""))

    def line_break(self, kind: BlockKind = BlockKind.PARAGRAPH, level: int = 0) -> None:
        """Take a forced line break: after a sentence, or doubled, it ends the block."""
        ended = "".join(self._parts[-3:]).rstrip().endswith(_ENDS_LINE)
        if self._line_broken or ended:
            self.end_block(kind, level)
        else:
            self._parts.append(" ")
            self._line_broken = True

    def end_cell(self) -> None:
        """Set a table cell apart from the next one of its row."""
        self._parts.append(_CELL)

    def end_block(self, kind: BlockKind = BlockKind.PARAGRAPH, level: int = 0) -> None:
        """Close the block, if it holds any text."""
        self._line_broken = False
        if not self._parts:
            return
        cells = "".join(self._parts).split(_CELL)
        self._parts.clear()
        text = " | ".join(cell for cell in map(_clean, cells) if cell)
        if not text:
            return
        if self._length + len(text) > _MOST_CHARACTERS:
            raise TooMuch(f"the page has more than {_MOST_CHARACTERS:,} characters of text")
        self._texts.append(text)
        self._blocks.append(Block(kind, level, self._length, self._length + len(text)))
        self._length += len(text) + 1

    def document(self) -> Document:
        """What was collected."""
        self.end_block()
        return Document("\n".join(self._texts), tuple(self._blocks))


_CELL = "\x1f"  # a control character: never a page's own, see `add`


def _outermost(tags: Iterable[Tag], skip: set[int]) -> list[Tag]:
    """Of tags in page order those that lie in no other one, nor in one of the skipped."""
    chosen: list[Tag] = []
    taken: dict[int, bool] = {}  # id of a tag -> whether it lies in a chosen or skipped one
    for tag in tags:
        path: list[Tag] = []
        node: Tag | None = tag
        while node is not None and id(node) not in taken and id(node) not in skip:
            path.append(node)
            node = node.parent
        inside = node is not None and taken.get(id(node), True)
        taken.update((id(passed), inside) for passed in path)
        if path and not inside:
            chosen.append(tag)
            taken[id(tag)] = True
    return chosen


def _events(root: Tag, skip: set[int]) -> Iterator[tuple[str, Tag | str]]:
    """("open", tag), ("text", string) and ("close", tag) in page order, without recursion."""
    yield "open", root
    stack = [(root, iter(root.children))]
    while stack:
        tag, children = stack[-1]
        node = next(children, None)
        if node is None:
            stack.pop()
            yield "close", tag
        elif isinstance(node, Tag):
            if id(node) not in skip:
                yield "open", node
                stack.append((node, iter(node.children)))
        elif not isinstance(node, PreformattedString):  # comments and declarations
            yield "text", str(node)


class _Walk:
    """Feeds the text of trees to a writer, in page order."""

    def __init__(self, writer: _Writer, laid_out: set[int]) -> None:
        self._writer = writer
        self._laid_out = laid_out  # identities of rows that lay out a page, and of other tags
        self._places = [(BlockKind.PARAGRAPH, 0)]  # kind and level of open blocks, innermost last
        self._lists = 0  # open lists
        self._silent = 0  # open tags whose text nobody sees

    def over(self, root: Tag, skip: set[int]) -> None:
        """Write a tree, without the tags of these identities."""
        for event, node in _events(root, skip):
            if isinstance(node, str):
                if not self._silent:
                    self._writer.add(node)
            elif self._is_seen(node, opens=event == "open"):
                self._boundary(node, opens=event == "open")
        self._writer.end_block(*self._places[-1])

    def _is_seen(self, tag: Tag, *, opens: bool) -> bool:
        in_heading = self._places[-1][0] is BlockKind.HEADING
        # Headings that fold and unfold their section are buttons.
        if tag.name in _SILENT_TAGS and not (tag.name == "button" and in_heading):
            self._silent += 1 if opens else -1
            return False
        return not self._silent

    def _boundary(self, tag: Tag, *, opens: bool) -> None:
        """A tag begins or ends: close what it sets apart, and remember where we are."""
        kind, level = self._places[-1]
        in_row = kind is BlockKind.TABLE_ROW
        if tag.name == "br":
            if opens and in_row:
                self._writer.add(" ")
            elif opens:
                self._writer.line_break(kind, level)
        elif tag.name in _BLOCK_TAGS:
            if not in_row or (tag.name == "tr" and not opens):
                self._writer.end_block(kind, level)
            elif tag.name in ("td", "th"):
                self._writer.end_cell()
            else:
                self._writer.add(" ")
            if opens:
                self._enter(tag)
            else:
                self._leave(tag)

    def _enter(self, tag: Tag) -> None:
        place = self._places[-1]
        if tag.name in _LISTS:
            self._lists += 1
        elif tag.name in _HEADINGS:
            self._places.append((BlockKind.HEADING, _HEADINGS[tag.name]))
        elif tag.name == "li":
            self._places.append((BlockKind.LIST_ITEM, max(self._lists, 1)))
        elif tag.name == "tr":
            row = place[0] is BlockKind.TABLE_ROW or id(tag) not in self._laid_out
            self._places.append((BlockKind.TABLE_ROW, 0) if row else place)

    def _leave(self, tag: Tag) -> None:
        if tag.name in _LISTS:
            self._lists -= 1
        elif tag.name in _HEADINGS or tag.name in ("li", "tr"):
            self._places.pop()
