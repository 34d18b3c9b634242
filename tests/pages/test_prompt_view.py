"""The prompt of a turn as the panel draws it.

python -m pytest tests/pages/test_prompt_view.py
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from memory.catalog import load
from memory.conversation import Conversation
from memory.edited_prompt import as_sent, edited, reworded
from memory.inspection.laid_out import Look, lay_out
from memory.inspection.pieces import pieces
from memory.inspection.sent import as_json, with_sources
from memory.inspection.used import used
from memory.pictures.album import take_in
from memory.pictures.picture import worded
from memory.services import Models
from memory.store import TRACE, to_json
from memory.stores.inmemory import InMemoryStore
from pages.ui.sources import name
from pages.ui.xray import xray_data
from tests.pages.panels import (
    TALK,
    USER,
    drawn,
    go_on,
    imported,
    seen,
    show,
    talk,
    xray,
)
from tests.pictures.drawn import beach, cat


def test_the_prompt_view_shows_what_was_sent():
    store, thread = talk(TALK)
    app = show(store, thread, "Prompt")
    pieces = xray(app)["pieces"]
    assert [piece["source"] for piece in pieces] == [
        "Instructions",
        "History: turn 3",
        "History: turn 4",
        "Your message",
    ]
    assert pieces[1]["why"] == "One of the last k=2 turns."
    [query] = pieces[3]["texts"]
    assert (query["role"], query["text"], query["rest"]) == ("user", "What is my name?", "")
    assert ":gray-badge[instructions 3]" in drawn(app)
    sent = json.loads(as_json(seen(store, thread).rebuilt.prompt))
    assert sent[0] == {"role": "system", "content": "Be brief."}
    assert sent[-1] == {"role": "user", "content": "What is my name?"}


def test_a_prompt_whose_texts_are_gone_says_that_it_is_not_what_was_sent():
    store, thread = talk(TALK)
    assert "not quite what was sent" not in drawn(show(store, thread, "Prompt"))
    store._users[USER][thread].texts.clear()
    assert "not quite what was sent" in drawn(show(store, thread, "Prompt"))


def test_a_long_prompt_is_drawn_at_both_ends():
    store = InMemoryStore()
    thread = imported(store, 200)
    go_on(store, thread, ["What is fact 7?"], "buffer")
    app = show(store, thread, "Prompt")
    assert len(xray(app)["pieces"]) == 40
    [gap] = xray(app)["gaps"]
    assert (gap["text"], gap["hint"], gap["at"]) == ("… 162 more turns", "Show the last 100", 6)


def test_counts_of_another_tokenizer_are_marked():
    store, thread = talk(TALK, models=Models(price_as="anthropic:claude-sonnet-4-5"))
    assert "= ≈ " in drawn(show(store, thread, "Prompt"))


# --- where each piece came from ---------------------------------------------------------------------------------------


def lines(app):
    """Every piece that can be chosen: those of the prompt, and the lines of its quotes."""
    pieces = xray(app)["pieces"]
    return [*pieces, *(line for piece in pieces for line in piece.get("lines", ()))]


@pytest.mark.parametrize("memory", sorted(load().memories))
def test_the_tokens_of_what_is_drawn_add_up_to_the_total(memory):
    store, thread = talk(TALK, memory)
    app = show(store, thread, "Prompt")
    total = seen(store, thread).trace.prompt_tokens
    pieces = xray(app)["pieces"]
    assert sum(piece["tokens"] for piece in pieces) == total
    assert f"**= {total:,} tokens**" in drawn(app)
    for piece in pieces:
        assert not piece.get("lines") or sum(line["tokens"] for line in piece["lines"]) == piece["tokens"]
    assert sum(piece["cached"] for piece in pieces) == min(total, seen(store, thread).trace.prefix)


def test_of_a_long_prompt_the_hidden_part_counts_too():
    store = InMemoryStore()
    thread = imported(store, 200)
    go_on(store, thread, ["What is fact 7?"], "buffer")
    data = xray(show(store, thread, "Prompt"))
    total = seen(store, thread).trace.prompt_tokens
    assert sum(piece["tokens"] for piece in [*data["pieces"], *data["gaps"]]) == total


def test_a_summary_says_its_version_since_when_and_what_it_covers():
    app = show(*talk(TALK, "summary"), "Prompt")
    piece = next(piece for piece in xray(app)["pieces"] if piece["source"] == "Summary v4")
    assert piece["colour"] == "violet"
    assert "Version 4, rewritten after turn 4. It tells of turns 1 to 4." in piece["about"]
    assert piece["leads"][0]["title"] == "Summary v4 in Memory now"
    assert [lead["title"] for lead in piece["leads"][1:]] == [f"Turn {turn} in Memory now" for turn in range(1, 5)]


def test_a_quoted_line_is_a_span_of_its_own_with_its_rank_and_score():
    app = show(*talk(TALK, "vector:k=1"), "Prompt")
    line = next(line for line in lines(app) if line.get("text") == "Human: My name is Alex.")
    assert line["about"][1].startswith("Rank 1, score ")
    assert line["leads"] == [
        {"label": "Turn 1", "title": "Turn 1 in Memory now", "turn": 0, "goal": "panel_source_card"}
    ]
    assert line["chips"] == ["overlaps"]
    assert line["about"][-1] == "Overlaps with the answer: Alex."
    assert [line["text"][start:end] for start, end in line["marks"]] == ["Alex"]


def test_a_triple_has_a_readable_name_and_leads_to_the_graph():
    app = show(*talk(("Sam works at Acme.", "Where does Sam work?"), "kg"), "Prompt")
    piece = next(piece for piece in xray(app)["pieces"] if piece["colour"] == "green")
    assert piece["source"] == "Triple: Sam works at Acme"
    assert piece["leads"][0]["goal"] == "panel_form_0_card"


def test_retrieved_sent_and_overlapping_are_counted_apart():
    app = show(*talk((*TALK[:4], "My dog has a name.", TALK[4]), "vector:k=1"), "Prompt")
    assert "near misses · **1** sent · **1** overlaps with the answer" in drawn(app)
    assert xray(app)["missed"]["title"] == "Retrieved, not sent"
    app = show(*talk(TALK, "window:k=2"), "Prompt")
    assert "retrieved" not in drawn(app)
    assert "**2** sent" in drawn(app)
    assert xray(app)["missed"] is None


def test_where_the_prefix_breaks_is_said_above_the_piece():
    store, thread = talk(TALK)
    data = xray(show(store, thread, "Prompt"))
    trace = seen(store, thread).trace
    assert trace.prefix >= 3
    assert data["pieces"][0]["cached"] == data["pieces"][0]["tokens"]
    assert data["pieces"][-1]["cached"] == 0
    assert data["broken"]["text"].startswith("prefix breaks")
    assert "turn 2" in data["broken"]["text"]


def test_without_a_prompt_before_nothing_is_shaded():
    data = xray(show(*talk(TALK[:1]), "Prompt"))
    assert data["broken"] is None
    assert not any(piece["cached"] for piece in data["pieces"])


def test_the_provider_s_own_count_stands_beside_ours_and_is_explained():
    store, thread = talk(TALK)
    assert "The built-in model counts the same" in drawn(show(store, thread, "Prompt"))
    trace = store.traces(USER, thread, 4, 5)[0]
    call = replace(trace.calls[0], model="openai:gpt-5-mini", input_tokens=trace.prompt_tokens + 28)
    store._users[USER][thread].traces[4] = to_json(TRACE, replace(trace, calls=(call,)))
    assert "28 more than our" in drawn(show(store, thread, "Prompt"))


def test_a_prompt_that_was_edited_says_so():
    store, thread = talk(TALK[:1])
    app = show(store, thread, "Prompt")
    assert "Edited in step mode" not in drawn(app)
    found = seen(store, thread)
    messages = as_sent(found.rebuilt.prompt, "o200k_base")
    mine = (*messages[:-1], reworded(messages[-1], "Who am I?", "o200k_base"))
    prompt = edited(messages, mine, "o200k_base", 8192, "demo")
    object.__setattr__(found, "rebuilt", replace(found.rebuilt, prompt=prompt, edited=True))
    data = xray_data(found, lay_out(found, Look()), used(found.trace, pieces(prompt), "", ""), Look())
    assert data["pieces"][-1]["chips"] == ["edited"]
    assert data["pieces"][-1]["texts"][0]["text"] == "Who am I?"


def test_the_exact_text_names_its_sources_for_a_reader():
    store, thread = talk(("Sam works at Acme.", "Where does Sam work?"), "kg")
    rows = json.loads(with_sources(seen(store, thread).rebuilt.prompt, lambda span: name(seen(store, thread), span)))
    triple = next(row for row in rows if row["item"].startswith("triple-"))
    assert triple["source"] == "Triple: Sam works at Acme"
    assert sum(row["tokens"] for row in rows) == seen(store, thread).trace.prompt_tokens


# --- where it leads ---------------------------------------------------------------------------------------------------

LEAD = """
import streamlit as st
from pages.ui.sources import follow
follow(st.session_state["seen"], st.session_state["lead"])
"""


def followed(found, lead):
    app = AppTest.from_string(LEAD, default_timeout=60)
    app.session_state["seen"], app.session_state["lead"] = found, lead
    app.run()
    assert not app.exception
    return app.session_state


def test_a_source_that_is_chosen_is_open_in_memory_now():
    found = seen(*talk(TALK, "summary"))
    state = followed(found, {"turn": 1})
    assert (state["panel_view"], state["panel_source"], state["panel_moment"]) == ("Memory now", 2, "asked")
    state = followed(found, {"note": "summary:4"})
    assert (state["panel_view"], state["panel_note"]) == ("Memory now", "summary:4")


@pytest.mark.parametrize("lead", [{}, {"turn": 99}, {"note": "summary:99"}, {"note": ""}, {"page": "x"}])
def test_a_source_that_is_not_there_breaks_nothing(lead):
    followed(seen(*talk(TALK, "summary")), lead)


def test_the_pictures_behind_a_prompt_are_shown_with_what_of_them_was_sent() -> None:
    store, thread = talk([], "combined:memories=window(k=1)+multimodal")
    for read, said in ((beach(), "Our holiday."), (cat(), "My cat.")):
        pictures = take_in(store, USER, thread, [read])
        talked = Conversation(store, USER, thread, load().memory("combined:memories=window(k=1)+multimodal"))
        "".join(talked.reply(worded(said, pictures), pictures=pictures))
    app = show(store, thread, "Prompt")
    assert "your message: told in words" in drawn(app)
    assert len(app.get("image")) == 2
    assert "PNG file" not in app.caption[0].value
    go_on(store, thread, ["What was in the picture of the beach?"], "combined:memories=window(k=1)+multimodal")
    app = show(store, thread, "Prompt")
    assert "beach.png, turn 1: its caption alone" in drawn(app)
    store._users[USER][thread].pictures.clear()
    assert "the picture itself is not kept here" in drawn(show(store, thread, "Prompt"))
