"""What came of a comparison, in a real browser: clicks lead to what was missed, downloads are opened and looked at.

python -m pytest tests/browser/test_compare_results.py
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Download, Locator, Page, expect

from memory.compare.written import read
from tests.browser.person import NewContext, fits, settled, wait_until
from tests.browser.server import AppServer, running_app
from tests.pages.compared import compared

Axe = Callable[[Page], list[str]]
# Results alone, under the policy of the app; ?many asks for forty columns.
APP = """
import streamlit as st
from pages.ui.security import SecurityHeaders
if __name__ != "__main__":
    from starlette.middleware import Middleware
    app = st.App(__file__, middleware=[Middleware(SecurityHeaders)])
else:
    from pages.ui.compare.results import draw_results
    from tests.pages.compared import compared
    st.set_page_config(page_title="Results", layout="wide")
    few = ("buffer", "window:k=2", "summary", "none")
    many = "vector:k=" + "..".join(str(k) for k in range(1, 37))
    specs = {True: (few, many, "many"), False: (few, "vector:k=1..2..3", "few")}
    memories, sweep, id = specs["many" in st.query_params]
    with st.container():
        st.title("Results")
        draw_results(*compared(*memories, sweep=sweep, id=id))
"""
GROUNDS = {"light": (255, 255, 255), "dark": (20, 22, 26)}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    script = tmp_path_factory.mktemp("results") / "app.py"
    script.write_text(APP, encoding="utf-8")
    with running_app(script) as server:
        yield server


def opened(app: AppServer, new_context: NewContext, path: str = "/", **options: object) -> Page:
    page = new_context(**options).new_page()
    page.goto(app.url + path)
    settled(page)
    expect(page.get_by_text("Take away", exact=True)).to_be_visible()
    return page


def frontier(page: Page) -> Locator:
    return page.get_by_role("img", name=re.compile("^Evidence found against tokens per question"))


def click_point(page: Page, label: str, listed: str) -> None:
    """Click the point left of its name, as soon as the chart stands still; then this column is listed."""
    name = frontier(page).locator("text", has_text=re.compile(f"^{label}$")).first
    box = page.get_by_role("combobox", name=re.compile("Missed by"))

    def clicked() -> bool:
        name.scroll_into_view_if_needed()
        place = name.bounding_box()
        assert place
        page.mouse.click(place["x"] - 8, place["y"] + place["height"] / 2)
        page.wait_for_timeout(1000)
        settled(page)
        return box.input_value() == listed

    wait_until(page, clicked)
    expect(box).to_have_value(listed)


def saved(page: Page, button: str) -> Download:
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return download.value


def bytes_of(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


# --- what a click leads to --------------------------------------------------------------------------------------------


def test_a_click_on_a_point_lists_what_it_missed_and_why(app: AppServer, new_context: NewContext) -> None:
    page = opened(app, new_context)
    click_point(page, "B Window", "B Window k 2")
    expect(page.get_by_text("Where does Maria work?").first).to_be_visible()
    expect(page.get_by_text(re.compile("turn 2, Alex: “My sister Maria works at a bakery")).first).to_be_visible()
    expect(page.get_by_text(re.compile("not sent: outside the last k = 2|not sent: .*k=2")).first).to_be_visible()
    click_point(page, "D None", "D None")


def test_the_keyboard_reaches_the_same_questions(app: AppServer, new_context: NewContext) -> None:
    page = opened(app, new_context)
    box = page.get_by_role("combobox", name=re.compile("Missed by"))
    box.focus()
    box.press_sequentially("A Buffer")
    box.press("Enter")
    settled(page)
    expect(page.get_by_text("nothing missed")).to_be_visible()


def test_among_forty_lines_the_one_under_the_pointer_is_named(app: AppServer, new_context: NewContext) -> None:
    page = opened(app, new_context, "/?many", height=1400)
    chart = page.get_by_role("img", name=re.compile("^Input tokens by turn"))
    line = chart.locator("path[stroke-dasharray]").last
    expect(line).to_be_visible()

    def named() -> bool:
        x, y = line.evaluate(_MIDDLE)
        page.mouse.move(x, y - 6)
        page.mouse.move(x, y)
        page.wait_for_timeout(500)
        clear = chart.locator("text").evaluate_all(_CLEAR)
        return len(clear) == 1 and "Vector store" in clear[0]

    wait_until(page, named, 20)
    assert named()


_MIDDLE = """
path => {
  const at = path.getPointAtLength(path.getTotalLength() * 0.8), to = path.getScreenCTM()
  return [at.x * to.a + to.e, at.y * to.d + to.f]
}
"""
_CLEAR = """
texts => texts.filter(t => /^[A-Z0-9.]+ [A-Z]/.test(t.textContent))
  .filter(t => Number(t.getAttribute("fill-opacity") ?? t.getAttribute("opacity") ?? 1) > 0.5).map(t => t.textContent)
"""


# --- what is taken away -----------------------------------------------------------------------------------------------


def test_files_hold_the_figures(app: AppServer, new_context: NewContext) -> None:
    page = opened(app, new_context)
    experiment, results, _ = compared("buffer", "window:k=2", "summary", "none", sweep="vector:k=1..2..3", id="few")
    kept = read(bytes_of(saved(page, "JSON")))
    assert [column.spec for column in kept[0].columns] == [column.spec for column in experiment.columns]
    assert kept[1][0, 1].tokens == results[0, 1].tokens
    rows = list(csv.DictReader(io.StringIO(bytes_of(saved(page, "CSV by memory")).decode())))
    assert [float(row["recall"]) for row in rows] == pytest.approx(
        [results[0, place].evidence.all.recall for place in range(7)], abs=1e-6
    )
    turns = list(csv.DictReader(io.StringIO(bytes_of(saved(page, "CSV by turn")).decode())))
    assert [float(row["prompt_tokens"]) for row in turns[:8]] == list(results[0, 0].tokens)
    report = bytes_of(saved(page, "Report")).decode()
    assert report.startswith("# A move")
    assert "Evidence in the prompt is not answer accuracy" in report


def test_a_memory_leaves_as_an_archive_of_code(app: AppServer, new_context: NewContext) -> None:
    page = opened(app, new_context)
    page.get_by_text("Leave with code").click()
    settled(page)
    page.get_by_role("button", name="Make the files").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 4 files").click()
    assert download.value.suggested_filename == "a-buffer-langchain.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "create_agent" in archive.read("agent.py").decode()
        rows = json.loads(archive.read("conversation.json"))["turns"]
        assert rows[0]["human"]["content"].startswith("Hello! I live in Oslo")


@pytest.mark.parametrize("theme", GROUNDS)
def test_pictures_have_plain_colours_a_ground_and_legible_words_in_both_themes(
    app: AppServer, new_context: NewContext, theme: str
) -> None:
    page = opened(app, new_context, color_scheme=theme)
    frontier(page).scroll_into_view_if_needed()
    page.get_by_text("Pictures of the charts").click()
    settled(page)
    title = "Evidence found against tokens"
    drawn = bytes_of(saved(page, f"SVG of {title}"))
    svg = ElementTree.fromstring(drawn)
    assert b"light-dark" not in drawn
    assert b"var(" not in drawn
    ground = next(svg.iter("{http://www.w3.org/2000/svg}rect"))
    assert ground.get("fill") == f"rgb{GROUNDS[theme]}"
    words = list(svg.iter("{http://www.w3.org/2000/svg}text"))
    assert {"A Buffer", "B Window", title, "tokens per question"} <= {"".join(node.itertext()) for node in words}
    for node in words:
        assert _contrast(node.get("fill") or "", GROUNDS[theme]) > 4.5, "".join(node.itertext())
    picture = Image.open(io.BytesIO(bytes_of(saved(page, f"PNG of {title}")))).convert("RGB")
    assert picture.getpixel((2, 2)) == GROUNDS[theme]
    assert picture.width == 2 * int(svg.get("width") or 0)
    # The title's letters are there, in a colour that is far from the ground.
    head = picture.crop((0, 20, 600, 60)).convert("L")
    low, high = head.getextrema()
    assert high - low > 180


def test_a_picture_can_have_the_other_theme_s_ground(app: AppServer, new_context: NewContext) -> None:
    page = opened(app, new_context, color_scheme="dark")
    page.get_by_text("Pictures of the charts").click()
    settled(page)
    page.get_by_label("Ground").select_option("light")
    svg = ElementTree.fromstring(bytes_of(saved(page, "SVG of Input tokens by turn")))
    assert next(svg.iter("{http://www.w3.org/2000/svg}rect")).get("fill") == f"rgb{GROUNDS['light']}"
    for node in svg.iter("{http://www.w3.org/2000/svg}text"):
        assert _contrast(node.get("fill") or "", GROUNDS["light"]) > 4.5
        # The edge that letters have is the ground's colour: an edge of the other theme's would blot them.
        assert node.get("stroke") in (None, "none", f"rgb{GROUNDS['light']}")


def test_the_button_that_saves_unfinished_colours_is_not_there(app: AppServer, new_context: NewContext) -> None:
    page = opened(app, new_context)
    frontier(page).hover()
    expect(page.get_by_role("button", name=re.compile("^Download as SVG"))).to_have_count(0)


# --- everywhere -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height", "theme"), [(1280, 800, "light"), (390, 844, "dark")])
@pytest.mark.parametrize("path", ["/", "/?many"])
def test_results_fit_and_can_be_read_by_everybody(
    app: AppServer, new_context: NewContext, axe: Axe, width: int, height: int, theme: str, path: str
) -> None:
    page = opened(app, new_context, path, width=width, height=height, color_scheme=theme)
    frontier(page).scroll_into_view_if_needed()
    expect(frontier(page).locator("svg path")).not_to_have_count(0)
    settled(page)
    assert fits(page)
    assert axe(page) == []
    assert page.evaluate(_OVERLAPPING, "[class*=_frontier]") == []


_OVERLAPPING = """
scope => {
  const names = [...document.querySelector(scope).querySelectorAll("svg text")].filter(t => t.textContent.trim())
  // A letter's box is higher than what is seen of it.
  const boxes = names.map(t => [t.textContent, t.getBoundingClientRect()])
  return boxes.flatMap(([a, x], i) => boxes.slice(i + 1).filter(([, y]) =>
    x.left < y.right - 2 && y.left < x.right - 2 && x.top < y.bottom - 5 && y.top < x.bottom - 5
  ).map(([b]) => `${a} / ${b}`))
}
"""


def _contrast(colour: str, ground: tuple[int, int, int]) -> float:
    parts = [int(part) for part in re.findall(r"\d+", colour)[:3]]
    one, other = sorted((_luminance(parts), _luminance(ground)), reverse=True)
    return (one + 0.05) / (other + 0.05)


def _luminance(parts: list[int] | tuple[int, ...]) -> float:
    red, green, blue = (part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
