"""Reads the text of a page of html: what a reader sees of it, no script, no style, nothing fetched.

>>> read_html("a.html", b"<h1>Gates</h1><script>alert(1)</script><p>Open at nine.</p>").text
'Gates\n\nOpen at nine.'
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from memory.knowledge.reading import Read, decoded

_UNREAD = {"script", "style", "template", "noscript", "head", "svg", "iframe", "object", "select", "textarea"}
_OWN_LINE = {"br", "li", "tr", "dt", "dd", "option", "caption", "figcaption", "div"}
_OWN_PARAGRAPH = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "section", "article"),
    *("header", "footer", "main", "nav", "aside", "figure", "hr", "form", "body", "title"),
}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.I)
_VOID = {"br", "hr", "img", "input", "meta", "link", "wbr", "source", "col", "area", "base", "embed", "track", "param"}


def read_html(name: str, data: bytes) -> Read:
    """Return the text with the lines of the source; raises BadInput for what is no text."""
    declared = _CHARSET.search(data[:4096])
    text, told = decoded(name, data, declared[1].decode("ascii").lower() if declared else "")
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return Read("".join(reader.parts).rstrip(), "line", tuple(reader.marks), told)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.marks: list[tuple[int, int]] = []
        self._length = 0
        self._unread: list[str] = []
        self._pre = 0
        self._gap = ""  # what parts the next text from the last one

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._unread.append(tag)
        elif tag == "body":
            self._unread.clear()  # a head that nobody has closed ends here
        self._pre += tag == "pre"
        self._between(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._between(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unread:
            while self._unread.pop() != tag:
                pass
        self._pre = max(0, self._pre - (tag == "pre"))
        if tag not in _VOID:
            self._between(tag)
        if tag in ("td", "th"):
            self._wider(" ")

    def handle_data(self, data: str) -> None:
        if self._unread:
            return
        line = self.getpos()[0]
        plain = data if self._pre else re.sub(r"\s+", " ", data)
        if not plain.strip():
            self._wider(" " if plain else "")
            return
        if plain[0] == " ":
            self._wider(" ")
        line += len(data[: len(data) - len(data.lstrip())].splitlines()) - 1 if data[:1] in "\r\n" else 0
        if self.parts:
            self._add(self._gap)
        if not self.marks or self.marks[-1][1] < line:
            self.marks.append((self._length, line))
        self._gap = " " if plain[-1] == " " else ""
        self._add(plain if self._pre else plain.strip())

    def _between(self, tag: str) -> None:
        self._wider("\n\n" if tag in _OWN_PARAGRAPH else "\n" if tag in _OWN_LINE else "")

    def _wider(self, gap: str) -> None:
        if (gap.count("\n"), len(gap)) > (self._gap.count("\n"), len(self._gap)):
            self._gap = gap

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self._length += len(text)
