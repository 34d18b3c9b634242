"""The side panel as the tests of its views draw it: a conversation, the panel of it, and what was drawn.

store, thread = talk(["My name is Alex.", "What is my name?"], "window:k=2")
"at turn 2 of 2" in drawn(show(store, thread, "Prompt"))
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from streamlit.testing.v1 import AppTest

from memory import threads
from memory.base import Turn
from memory.catalog import load
from memory.conversation import Conversation
from memory.inspection.inspect import Inspection, inspect
from memory.prompt import message_of
from memory.services import Models
from memory.stores.inmemory import InMemoryStore
from memory.trace import Kind, Trace
from memory.views import View

SCRIPT = """
import streamlit as st
from pages.ui.panel import panel
with st.sidebar:
    if not st.session_state.get("elsewhere"):
        panel(*st.session_state["case"])
"""
USER = "u1"
DEMO = Models()
VIEWS = ("Memory now", "Prompt", "Left out", "Cost")
TALK = ("My name is Alex.", "I live in Lyon.", "I like tea.", "I have a dog.", "What is my name?")
HOSTILE = "![x](https://evil.example/a.png) <img src=x onerror=alert(1)> :red-badge[x] **b** $a$"


def talk(said: Sequence[str], spec: str = "window:k=2", models: Models = DEMO) -> tuple[InMemoryStore, str]:
    """Hold a conversation with the demo model; returns the store and the thread's id."""
    store, memory = InMemoryStore(), load().memory(spec)
    thread = threads.new(store, USER, memory)
    go_on(store, thread.id, said, spec, models)
    return store, thread.id


def go_on(
    store: InMemoryStore, thread: str, said: Sequence[str], spec: str = "window:k=2", models: Models = DEMO
) -> None:
    conversation = Conversation(store, USER, thread, load().memory(spec), models, instructions="Be brief.")
    for query in said:
        "".join(conversation.reply(query))


def imported(store: InMemoryStore, length: int, memory: str = "", kind: Kind = "import") -> str:
    thread = threads.new(store, USER, load().memory("window"))
    turns = [Turn(f"t{i}", (message_of("human", f"Fact {i}.", "o200k_base"),), at=1.0) for i in range(length)]
    store.extend(USER, thread.id, turns, [Trace(kind, i, f"t{i}", 1.0, memory, read_length=i) for i in range(length)])
    return thread.id


def length_of(store: InMemoryStore, thread: str) -> int:
    return store.open(USER, thread, "").length


def show(store: InMemoryStore, thread: str, view: str = "Memory now", **state: object) -> AppTest:
    """Draw the panel of a thread."""
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["case"] = (store, USER, thread, length_of(store, thread) if thread else 0)
    app.session_state["panel_view"] = view
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def drawn(app: AppTest) -> str:
    """Return everything that was drawn as Markdown."""
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def seen(store: InMemoryStore, thread: str, index: int | None = None) -> Inspection:
    length = length_of(store, thread)
    found = inspect(store, USER, thread, length - 1 if index is None else index, length)
    assert found
    return found


def with_view(case: Inspection, view: View) -> Inspection:
    """Return an inspection that is drawn as this view."""
    other = replace(case)
    other.__dict__["view"] = view
    return other


def xray(app: AppTest) -> dict:
    """Return what our component was given to draw; the test runner has no browser to run it."""
    return json.loads(app.get("bidi_component")[0].proto.json)


def strip(app: AppTest) -> list[dict]:
    return json.loads(app.get("echarts_chart")[0].proto.spec)["series"][0]["data"]
