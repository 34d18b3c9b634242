"""The pictures of ideas and the cycle of a turn, as they are handed to the browser.

python -m pytest tests/pages/test_lessons_pictures.py
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args
from xml.etree import ElementTree

import pytest
from streamlit.testing.v1 import AppTest

from memory import lessons, threads, worker
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import BadInput
from memory.lessons.lesson import Idea
from memory.services import Models
from memory.steps import STEPS
from memory.stores.inmemory import InMemoryStore
from memory.trace import Trace
from pages.ui.lessons.cycle import OVER, on_its_way, picture
from pages.ui.lessons.ideas import IDEAS, idea
from pages.ui.lessons.shapes import LOOKS, WIDTH
from tests.memory.test_steps import until
from tests.pages.panels import TALK, USER, talk

SHIPPED = sorted((Path(lessons.__file__).parent / "shipped").glob("*.toml"))
SPACE = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "text", "rect", "circle", "path", "polyline", "polygon"}
ATTRIBUTES = {
    *("viewBox", "role", "aria-label", "x", "y", "width", "height", "rx", "cx", "cy", "r", "d", "points", "fill"),
    *("stroke", "stroke-width", "stroke-dasharray", "text-anchor", "font-size", "font-weight"),
}


def words(drawn: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in drawn.iter(f"{SPACE}text")]


# --- ideas


@pytest.mark.parametrize("cls", load().memories.values(), ids=lambda cls: cls.short)
def test_every_memory_of_the_catalogue_has_a_picture_of_its_own_or_that_of_the_contract(cls: type) -> None:
    assert idea(cls.short) is idea(cls.__name__)
    assert cls.short in IDEAS or idea(cls.short) is idea("contract")
    assert cls.short in IDEAS or not cls.__module__.startswith("memory.strategies.")


def test_the_picture_of_a_window_is_as_wide_as_its_k() -> None:
    assert "the last 2 of six turns" in idea("window:k=2").alt
    assert idea("window:k=9") is idea("window:k=0") is idea("window")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_memory_that_a_lesson_teaches_has_a_picture_with_words_for_those_who_do_not_see_it(file: Path) -> None:
    lesson = tomllib.loads(file.read_text(encoding="utf-8"))
    for spec in lesson.get("teaches") or [lesson["memory"]]:
        assert len(idea(spec).alt) > 60
        assert idea(spec).caption


@pytest.mark.parametrize("name", IDEAS)
def test_a_picture_is_well_formed_and_loads_nothing(name: str) -> None:
    drawn = ElementTree.fromstring(idea(name).svg)
    for element in drawn.iter():
        assert element.tag.removeprefix(SPACE) in SHAPES
        assert set(element.attrib) <= ATTRIBUTES
        for paint in ("fill", "stroke"):
            assert re.fullmatch(r"none|var\(--st-[a-z-]+-color\)", element.get(paint, "none"))
    assert (drawn.get("role"), drawn.get("aria-label")) == ("img", idea(name).alt)


@pytest.mark.parametrize("name", IDEAS)
def test_every_colour_of_a_picture_has_a_word_beside_it(name: str) -> None:
    drawn = ElementTree.fromstring(idea(name).svg)
    frames = list(drawn.iter(f"{SPACE}rect"))
    keys = [frame for frame in frames if frame.get("width") == "11" and frame.get("height") == "11"]
    painted = {(frame.get("fill"), frame.get("stroke"), frame.get("stroke-dasharray")) for frame in frames}
    named = {(frame.get("fill"), frame.get("stroke"), frame.get("stroke-dasharray")) for frame in keys}
    worded = {
        (look.fill, look.stroke, "4 3" if look.dashed else None): name for name, look in LOOKS.items() if look.word
    }
    assert painted & set(worded) == named
    assert len(words(drawn)) >= len(keys)


@pytest.mark.parametrize("name", IDEAS)
def test_a_picture_stays_within_its_frame(name: str) -> None:
    drawn = ElementTree.fromstring(idea(name).svg)
    bottom = float(drawn.attrib["viewBox"].split()[3])
    for frame in drawn.iter(f"{SPACE}rect"):
        x, y, width, height = (float(frame.attrib[part]) for part in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + width <= WIDTH
        assert y + height <= bottom
    for line in drawn.iter(f"{SPACE}text"):
        assert float(line.attrib["y"]) <= bottom
        assert int(line.attrib["font-size"]) >= 11


def test_every_idea_that_a_lesson_can_name_has_a_picture() -> None:
    assert set(get_args(Idea)) <= set(IDEAS)


def test_a_caption_fits_a_line_of_a_phone_and_no_two_pictures_say_the_same() -> None:
    ideas = [idea(name) for name in IDEAS]
    assert len({one.caption for one in ideas}) == len({one.alt for one in ideas}) == len(ideas)
    assert all(one.caption.endswith(".") and len(one.caption) <= 60 for one in ideas)


def test_a_spec_leads_to_its_memorys_picture_and_an_unknown_name_to_a_sentence() -> None:
    assert idea("window:k=7") is idea("window")
    with pytest.raises(BadInput, match="window"):
        idea("windo")


def test_the_component_gets_the_picture_and_its_caption() -> None:
    app = AppTest.from_string("from pages.ui.lessons.ideas import draw_idea\ndraw_idea('window:k=2')").run(timeout=60)
    assert not app.exception
    given = json.loads(app.get("bidi_component")[0].proto.json)
    assert given == {"svg": idea("window:k=2").svg, "caption": idea("window").caption}


# --- the cycle


def traced(spec: str, said: Sequence[str] = TALK) -> Trace:
    store, thread = talk(said, spec)
    return store.traces(USER, thread, len(said) - 1, len(said))[0]


def station(html: str, step: str) -> str:
    """Return what a station says, without its tags."""
    return re.sub(r"<[^>]+>", " ", html.split(f'<li class="{step} ')[1].split("</li>")[0])


@pytest.mark.parametrize(
    "spec", ["none", "window:k=2", "summary", "summary_buffer:max_token_limit=60", "vector:k=2", "kg"]
)
def test_the_numbers_of_the_cycle_are_those_of_the_trace(spec: str) -> None:
    trace = traced(spec)
    drawn = picture(trace, OVER, OVER)
    assert trace.reply
    assert f"{trace.prompt_tokens} tokens in all" in station(drawn, "prompt")
    shown = [int(size) for size in re.findall(r" (\d+) ", station(drawn, "prompt").partition("in all:")[2])]
    assert shown == [size for size in trace.segments.values() if size]
    widths = [int(size) for size in re.findall(r"flex-grow:(\d+)", drawn)]
    assert widths == shown
    assert sum(widths) == trace.prompt_tokens
    assert f"{trace.reply.input_tokens} tokens in, {trace.reply.output_tokens} out" in station(drawn, "model")
    read = sum(item.tokens for item in trace.items)
    assert (f", {read} tokens" if read else "Recalled nothing") in station(drawn, "read")
    assert f"Turn {trace.turn + 1} is stored" in station(drawn, "write")


def test_the_cycle_says_what_was_left_out_and_what_was_written() -> None:
    window, summary = traced("window:k=2"), traced("summary")
    assert "2 turns stored, not sent" in station(picture(window, OVER, OVER), "read")
    assert "keeps no notes of its own" in station(picture(window, OVER, OVER), "write")
    assert "4 turns only in a summary" in station(picture(summary, OVER, OVER), "read")
    written = station(picture(summary, OVER, OVER), "write")
    size = sum(call.input_tokens + call.output_tokens for call in summary.own_calls)
    assert "The memory wrote 1 note" in written
    assert f"1 call of its own (summary), {size} tokens" in written


def test_each_station_says_in_a_word_where_the_turn_is() -> None:
    trace = traced("window:k=2")
    for place, step in enumerate(STEPS):
        drawn = picture(trace, place, place)
        assert drawn.count('aria-current="step"') == 1
        assert "▸ now" in station(drawn, step)
        assert [("✓ done" in station(drawn, other)) for other in STEPS] == [at < place for at in range(OVER)]
    assert "aria-current" not in picture(trace, OVER, OVER)
    assert "later" in station(picture(None, 0, 0), "write")


def test_stations_light_up_from_where_the_turn_was_seen_last_and_a_turn_of_before_stands_still() -> None:
    trace = traced("window:k=2")
    moving = [bool(re.search(f'class="{step} done moves"', picture(trace, OVER, 2))) for step in STEPS]
    assert moving == [False, False, True, True]
    still = picture(trace, OVER, OVER)
    assert " moves" not in still.partition("</style>")[2]
    assert "prefers-reduced-motion: reduce" in still


def test_a_failed_model_and_names_of_others_are_told_and_never_read_as_html() -> None:
    trace = traced("window:k=2")
    assert trace.reply
    failed = replace(trace.reply, error="<img src=x onerror=alert(1)> is no answer")
    drawn = picture(replace(trace, calls=(failed,), model="<script>alert(1)</script>"), OVER, OVER)
    assert "✕ failed" in station(drawn, "model")
    assert "&lt;img" in drawn
    assert "<img" not in drawn
    assert "<script" not in drawn


def test_a_turn_on_its_way_stands_at_the_station_where_it_waits() -> None:
    store, memory = InMemoryStore(), load().memory("summary")
    thread = threads.new(store, USER, memory)
    job = worker.start(Conversation(store, USER, thread.id, memory, Models()), "I live in Lyon.", stepped=True)
    known = []
    for step in STEPS:
        until(lambda step=step: job.before and job.before.step == step)
        trace, turn_id, at = on_its_way(job)
        known.append(trace is not None)
        assert (turn_id, at) == (job.id, step)
        job.next(step)
    until(lambda: job.done)
    assert known == [False, False, True, True]
    assert on_its_way(job) == (job.reply.trace, job.id, None)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(monkeypatch)


class Page:
    """A page that draws a cycle at a time of its own; `moves` are the stations that light up."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        def script() -> None:
            import streamlit as st

            from pages.ui.lessons.cycle import cycle

            cycle(*st.session_state["case"])

        self.now = 1_000.0
        patch.setattr("pages.ui.lessons.cycle.time", SimpleNamespace(time=lambda: self.now))
        self.app = AppTest.from_function(script, default_timeout=60)

    def moves(self, trace: Trace, at: str | None = None) -> list[str]:
        self.app.session_state["case"] = (trace, trace.turn_id, at)
        drawn = self.app.run().get("html")[0].proto.body
        return re.findall(r'class="(\w+) \w+ moves"', drawn)


def test_a_turn_that_has_just_been_played_lights_up_and_stands_still_when_it_is_opened_later(page: Page) -> None:
    trace = replace(traced("window:k=2"), at=999.0)
    assert page.moves(trace) == list(STEPS)
    page.now += 60
    assert page.moves(trace) == list(STEPS)  # the same HTML, of which the browser moves nothing again
    assert page.moves(replace(trace, turn_id="older")) == []


def test_a_turn_that_goes_on_before_its_stations_were_lit_lights_those_that_are_left(page: Page) -> None:
    trace = traced("window:k=2")
    assert page.moves(trace, "model") == ["read", "prompt", "model"]
    page.now += 1.0
    assert page.moves(trace) == ["prompt", "model", "write"]
    page.now += 60
    assert page.moves(replace(trace, turn_id="next"), "read") == ["read"]
    page.now += 60
    assert page.moves(replace(trace, turn_id="next")) == list(STEPS)
