"""The policy, and `inert`: what no Markdown may do, read by a CommonMark parser.

tests/browser/test_shell.py reads the same with Streamlit's own parser, in a browser.
"""

from __future__ import annotations

import asyncio
import doctest
import random
import re
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pages.ui import security
from pages.ui.security import SecurityHeaders, content_security_policy, inert

# Streamlit never draws HTML, so a reader that does is the stricter judge.
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

FOREIGN = "http://foreign.example/i.png"

# What the constructs of Streamlit's Markdown are made of, and what hides them from a careless reading.
PIECES = [
    f"![a]({FOREIGN})",
    f"[t]({FOREIGN})",
    f"![r][ref]\n\n[ref]: {FOREIGN}\n",
    f"[![n]({FOREIGN})]({FOREIGN})",
    f"![a](<{FOREIGN}> 'title')",
    f"<img src='{FOREIGN}'>",
    f"<{FOREIGN}>",
    f"www.foreign.example/`x ![i]({FOREIGN}) `",
    FOREIGN,
    "```mermaid\ngraph TD; A-->B\n```\n",
    "~~~ mer&#109;aid\ngraph TD; A-->B\n~~~\n",
    ":red[x]",
    ":material/home:",
    ":streamlit:",
    ":::name\n",
    "$$\n",
    "`",
    "``",
    "```\n",
    "````py\n",
    "~~~\n",
    "$",
    "|",
    "\n|-|-|\n",
    "\n---\n",
    "\\",
    "!",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "<div>\n",
    "<!--",
    "-->",
    "&#33;",
    "{",
    "}",
    "\n",
    "\n\n",
    "\n> ",
    "\n- ",
    "\n1. ",
    "\n    ",
    "\n\t",
    "\n  ",
    "\r",
    "\x0c",
    "\u2028",
    "\u00a0",
    "# ",
    "*",
    "_",
    "a",
    " ",
    "javascript:alert(1)",
    "[^1]",
    "\n[^1]: ",
    "@",
]
markdown = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=14).map("".join)


def tokens(text: str) -> list[Token]:
    found: list[Token] = []
    for token in READER.parse(text):
        found.append(token)
        found.extend(token.children or [])
    return found


@given(markdown)
@example(f"\\![a]({FOREIGN})")
@example(f"\\\\![a]({FOREIGN})")
@example(f"!\\[a]({FOREIGN})")
@example(f"$ ` $ ![a]({FOREIGN}) ` $")
@example(f"`a\n- ![a]({FOREIGN})`")
@example(f"[a](http://x.example/`y) ![a]({FOREIGN}) `")
@example(f"|a|b|\n|-|-|\n|`x|![a]({FOREIGN})`|")
@example(f"text\n    ````\n    ![a]({FOREIGN})\n    ```")
@settings(max_examples=600)
def test_nobodys_markdown_draws_a_picture_or_html(text: str) -> None:
    for token in tokens(inert(text)):
        assert token.type not in ("image", "html_inline", "html_block", "math_inline"), (token, inert(text))
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(("http://", "https://"))
        if token.type == "fence":
            assert "mermaid" not in token.info.lower()


@given(markdown)
@settings(max_examples=300)
def test_every_letter_that_was_typed_is_still_there(text: str) -> None:
    def letters(value: str) -> str:
        return "".join(char for char in value if char.isalnum())

    drawn = letters(inert(text).replace("&amp;", "&"))
    remaining = iter(drawn)
    lost = [char for char in letters(text.replace("mermaid", "")) if char not in remaining]
    # Titles of links and languages of fences are dropped on purpose.
    if "'" not in text and '"' not in text and "``" not in text and "~~~" not in text:
        assert not lost


@given(st.text(alphabet="ab![](){}<>$:`~|\\ \n\t", max_size=60).filter(lambda code: "``````" not in code))
@settings(max_examples=300)
def test_a_block_of_code_keeps_its_bytes(code: str) -> None:
    text = f"Before ![x]({FOREIGN})\n\n``````python\n{code}\n``````\n\nAfter :red[x]"
    (fence,) = [token for token in READER.parse(inert(text)) if token.type == "fence"]
    # Streamlit empties lines of white space, in code too, before it reads Markdown.
    assert (fence.info, fence.content) == ("python", re.sub(r"(?m)^[ \t]+$", "", f"{code}\n"))


@pytest.mark.parametrize(
    "code", [f"`![a]({FOREIGN})`", "`` a`b ``", "`:red[x]`", "`$x$`", "`<b>`", "`c:\\new\\table`", "`a -> b: c`"]
)
def test_code_inside_a_sentence_keeps_its_bytes(code: str) -> None:
    assert code in inert(f"Write {code}, then :red[x].")


def test_code_in_a_list_keeps_its_bytes() -> None:
    text = "1. Do this:\n\n   ```sh\n   echo ![x] $HOME :a:\n   ```\n2. Done."
    assert inert(text) == text


def test_an_indented_block_keeps_its_bytes() -> None:
    text = "Look:\n\n    x[0] = a[1] # ![x]\n\ndone"
    assert inert(text) == text


@pytest.mark.parametrize(
    ("typed", "drawn"),
    [
        ("[the page](https://example.org/a)", "[the page](<https://example.org/a>) (example.org)"),
        ("[https://a.example](https://b.example)", "[https\\://a.example](<https://b.example>) (b.example)"),
        ("[a](https://gооgle.com)", "[a](<https://gооgle.com>) (xn--ggle-55da.com)"),
        ("[a](https://x.example/b_(c) \"title\")", "[a](<https://x.example/b_(c)>) (x.example)"),
        ("At https://x.example/a_b, see.", "At [https\\://x.example/a\\_b](<https://x.example/a_b>), see."),
        ("[write](mailto:ann@example.org)", "write (ann@example.org)"),
    ],
)  # fmt: skip
def test_a_link_says_where_it_leads(typed: str, drawn: str) -> None:
    assert inert(typed) == drawn


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/settings",
        "?page=x",
        "https://bank.example@evil.example",
        "https://evil.example\\@bank.example",
        "ftp://evil.example",
        "https&#58;//evil.example",
    ],
)
def test_an_address_that_is_no_plain_host_makes_no_link_of_its_text(address: str) -> None:
    assert "\\[text\\]" in inert(f"[text]({address})")


def test_plain_text_passes_as_it_is() -> None:
    for text in (
        "",
        "Hello, *you*.",
        "# Title\n\n- one\n- two\n\n| a | b |\n|---|--:|\n| 1 | 2 |",
        "8-)",
        "100 % & more",
    ):
        assert inert(text) == text


def test_prices_are_no_formula() -> None:
    assert inert("$5 and $10") == "\\$5 and \\$10"


def test_a_megabyte_is_made_inert_in_seconds() -> None:
    text = "".join(random.Random(1).choices(PIECES, k=60_000))
    for hard in (
        text,
        "[" * 200_000,
        "`" * 200_000,
        "![" * 100_000,
        "> " * 50_000,
        "` `` " * 40_000,
        "https://" * 50_000,
    ):
        begin = time.thread_time()
        inert(hard)
        assert time.thread_time() - begin < 20, hard[:20]


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(security).failed == 0


def test_the_policy_names_the_inline_script_of_the_installed_streamlit() -> None:
    assert "'sha256-" in content_security_policy()
    assert "unsafe-inline" not in content_security_policy().split("script-src")[1].split(";")[0]
    assert "unsafe-eval" not in content_security_policy()


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "chat.example.org", "[::1]:8501"])
def test_the_policy_allows_the_pages_own_socket_under_whatever_host_it_was_asked_for(host: str) -> None:
    assert f"connect-src 'self' ws://{host} wss://{host};" in content_security_policy(host)


@pytest.mark.parametrize("host", ["", "a b", "x; img-src *", "evil.example/path", "a\r\nb", "*", "x:y", "é.example"])
def test_a_host_that_is_none_gets_nothing_into_the_policy(host: str) -> None:
    assert "connect-src 'self';" in content_security_policy(host)


def test_every_response_carries_the_policy_and_its_companions() -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"x", b"y")]})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(SecurityHeaders(inner)({"type": "http", "headers": [(b"host", b"a.example")]}, None, send))  # type: ignore[arg-type]
    headers = dict(sent[0]["headers"])
    assert headers[b"x"] == b"y"
    assert headers[b"content-security-policy"].decode() == content_security_policy("a.example")
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
