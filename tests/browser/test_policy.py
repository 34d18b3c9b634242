"""What a page may load, in a real browser: nothing from elsewhere, whatever somebody wrote.

python -m pytest tests/browser/test_policy.py
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.foreign import Foreign
from tests.browser.person import NewContext, settled, wait_until
from tests.browser.server import AppServer, running_app
from tests.test_security import PIECES

# Draws one kind of element after another, under the policy.
GALLERY_APP = """
import pandas as pd
import streamlit as st
from pages.ui.security import SecurityHeaders
if __name__ != "__main__":
    from starlette.middleware import Middleware
    app = st.App(__file__, middleware=[Middleware(SecurityHeaders)])
else:
    frame = pd.DataFrame({"turn": [1, 2, 3], "tokens": [40, 80, 60]})
    st.echarts_chart({"xAxis": {"type": "category", "data": ["1", "2"]}, "yAxis": {},
                      "series": [{"type": "bar", "data": [3, 4]}]}, alt="Two bars")
    st.line_chart(frame, x="turn", y="tokens")
    st.dataframe(frame)
    st.code("print('code')", language="python")
    st.markdown("$x^2$ :material/home: and :blue-badge[history]")
    st.mermaid_chart("graph TD; A-->B")
    component = st.components.v2.component(
        "counter",
        html='''
        <button id="b">press</button>
        ''',
        js='''
        export default function(component) {
            component.parentElement.querySelector("#b").onclick = () => component.setTriggerValue("pressed", 7)
        }
        ''',
    )
    result = component(key="c", on_pressed_change=lambda: None)
    st.text(f"pressed={result.pressed}")
    st.markdown("FOREIGN")
    st.text("The end")
"""

# Draws each text of a file, made inert or not, with no policy that would help.
TEXTS_APP = """
import json, os
from pathlib import Path
import streamlit as st
from pages.ui.security import inert, inert_label
texts = json.loads(Path(os.environ["TEXTS"]).read_text())
make, label = (inert, inert_label) if os.environ["INERT"] == "1" else (str, str)
with st.container(key="texts"):
    for number, text in enumerate(texts):
        if number % 5 == 4:
            st.write_stream([make(text)])
        elif number % 5 == 3:
            st.expander(label(text)).text("inside")
        elif number % 5 == 2:
            st.caption(make(text))
        else:
            st.chat_message("user", avatar=":material/person:").markdown(make(text))
st.text("The end")
"""


def complaints(page: Page) -> list[str]:
    """Collects what the browser's console says of the policy, and every uncaught error."""
    found: list[str] = []
    page.on(
        "console", lambda message: found.append(message.text) if "Content Security Policy" in message.text else None
    )
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.mark.parametrize("path", ["/", "/settings"])
def test_each_page_comes_with_a_policy_and_keeps_it(app: AppServer, new_context: NewContext, path: str) -> None:
    page = new_context().new_page()
    found = complaints(page)
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((app.url, app.url.replace("http", "ws"), "data:", "blob:"))
            else elsewhere.append(request.url)
        ),
    )
    response = page.goto(app.url + path)
    settled(page)
    assert response is not None
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert found == []
    assert elsewhere == []


def test_charts_diagrams_and_a_component_of_ours_work_under_the_policy(
    new_context: NewContext, scratch: Path, foreign: Foreign
) -> None:
    script = scratch / "gallery.py"
    script.write_text(GALLERY_APP.replace("FOREIGN", f"![picture]({foreign.url}/policy.png)"))
    with running_app(script) as server:
        page = new_context().new_page()
        found = complaints(page)
        page.goto(server.url)
        expect(page.get_by_text("The end")).to_be_visible()
        settled(page)
        expect(page.get_by_test_id("stEChartsChart").or_(page.locator("[class*=echarts]")).first).to_be_visible()
        page.get_by_role("button", name="press").click()
        expect(page.get_by_text("pressed=7")).to_be_visible()
        wait_until(page, lambda: found)
        page.wait_for_timeout(1_000)
    assert foreign.hits == []
    assert found, "the picture was to be refused by the policy"
    assert all(f"{foreign.url}/policy.png" in complaint for complaint in found), found


TRAPS_AT_LEAST = 15
"""How many of the traps' addresses are fetched where nothing stops them; it is more."""


def traps(url: str) -> list[str]:
    return [
        f"![a]({url}/1)",
        f"\\![a]({url}/2)",
        f"\\\\![a]({url}/3)",
        f"![a][r]\n\n[r]: {url}/4",
        f"![r]\n\n[r]: {url}/5",
        f"[![n]({url}/6)]({url}/7)",
        f"![a]({url.removeprefix('http:')}/8)",
        f"<img src='{url}/9'>",
        f"$ ` $ ![a]({url}/10) ` $",
        f"`a\n- ![a]({url}/11)`",
        f"[a](http://x.example/`y) ![a]({url}/12) `",
        f"|a|b|\n|-|-|\n|`x|![a]({url}/13)`|",
        f"text\n    ````\n    ![a]({url}/14)\n    ```",
        f"www.a.example/`x ![a]({url}/15) `",
        f":red[`](x) ![a]({url}/16) `]",
        f":::x{{a='`'}}\n![a]({url}/17)\n`",
        f"$$\n```\n$$\n![a]({url}/18)\n```",
        f"[^1]\n\n[^1]: ```\n![a]({url}/19)\n```",
        f"<div>\n```\n\n![a]({url}/20)\n```",
        f"- ```\n![a]({url}/21)\n```",
        f"> ```\n![a]({url}/22)\n> ```",
        f"```mermaid\ngraph TD; A[<img src='{url}/23'>]-->B\n```",
        f"~~~ mer&#109;aid-x\ngraph TD; A[<img src='{url}/24'>]-->B\n~~~",
        f"# ![a]({url}/25)",
        f"- [ ] ![a]({url}/26)",
        f"![a](<{url}/27> 'title')",
        f"!&#91;a]({url}/28)",
        f"&#33;[a]({url}/29)",
        f"![a](\n{url}/30\n)",
        f"![![a]({url}/31)]({url}/32)",
        f"![video]({url}/33.mp4)",
        f"  \t![a]({url}/34)",
        f":red[![a]({url}/35)]",
        f"<a@b.example>`![a]({url}/36)`",
        f"![unfinished]({url}/37",
        f"**![a]({url}/38)",
        ":material/home: :material_home: :streamlit:",
        ":red[red] :blue-badge[badge] :rainbow[x] :small[s] $x^2$",
        "[a](javascript:alert(1)) [b](/settings) [c](data:text/html,x)",
    ]


def mixtures(url: str, number: int) -> list[str]:
    """Random sequences of what Markdown is made of, the same ones every time."""
    chance = random.Random(20)
    pieces = [piece.replace("http://foreign.example", url) for piece in PIECES]
    texts = ["".join(chance.choices(pieces, k=chance.randint(2, 12))) for _ in range(number)]
    return [text for text in texts if text.strip()]


def drawn(
    page: Page, scratch: Path, foreign: Foreign, *, make_inert: bool, texts: list[str]
) -> tuple[set[str], dict[str, int]]:
    """What was fetched elsewhere, and how many of each suspicious element there are, with no policy to help."""
    foreign.hits.clear()
    script, data = scratch / "texts.py", scratch / "texts.json"
    script.write_text(TEXTS_APP)
    data.write_text(json.dumps(texts))
    with running_app(script, TEXTS=str(data), INERT="1" if make_inert else "0") as server:
        page.goto(server.url)
        expect(page.get_by_text("The end")).to_be_visible(timeout=60_000)
        settled(page)
        if not make_inert:
            wait_until(page, lambda: len(foreign.hits) > TRAPS_AT_LEAST)
        page.wait_for_timeout(2_000)
        box = ".st-key-texts"
        counts = {
            name: page.locator(f"{box} {selector}").count()
            for name, selector in {
                "pictures": ":is(img, video, audio, iframe, object, embed)",
                "formulas": ".katex",
                "coloured": ":is(.stMarkdownColoredText, .stMarkdownColoredBackground, .stMarkdownBadge)",
                "icons": "[data-testid=stMarkdownContainer] [role=img]",
                "other addresses": "a:not([href^='http://']):not([href^='https://']):not([href^='mailto:']):not([href^='#'])",
            }.items()
        }
    return {hit.split("?")[0] for hit in foreign.hits}, counts


def test_what_others_wrote_loads_nothing_even_where_no_policy_helps(
    new_context: NewContext, scratch: Path, foreign: Foreign
) -> None:
    page = new_context().new_page()
    fetched, counts = drawn(page, scratch, foreign, make_inert=False, texts=traps(foreign.url))
    assert len(fetched) > TRAPS_AT_LEAST, "the traps must work where nothing stops them"
    assert all(counts.values()), counts
    texts = traps(foreign.url) + mixtures(foreign.url, 150)
    fetched, counts = drawn(page, scratch, foreign, make_inert=True, texts=texts)
    assert fetched == set()
    assert counts == dict.fromkeys(counts, 0)


def test_directives_and_html_appear_as_they_were_typed(
    new_context: NewContext, scratch: Path, foreign: Foreign
) -> None:
    typed = [":red[x] :material/home: <b>bold</b> $5 and $6", "![a](http://x.example/i.png)", ":smile: 10:30:45 :-)"]
    page = new_context().new_page()
    script, data = scratch / "texts.py", scratch / "texts.json"
    script.write_text(TEXTS_APP)
    data.write_text(json.dumps(typed))
    with running_app(script, TEXTS=str(data), INERT="1") as server:
        page.goto(server.url)
        expect(page.get_by_text("The end")).to_be_visible()
        for text in typed:
            expect(page.get_by_text(text)).to_be_visible()
