"""A small comparison as the tests of its charts draw it: a conversation that was moved in, really run.

experiment, results, recordings = compared("buffer", "window:k=2", sweep="vector:k=1..2..3")
app = show(experiment, results, recordings)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from streamlit.testing.v1 import AppTest

from memory.base import Memory
from memory.catalog import load
from memory.compare.collect import run_of
from memory.compare.experiment import Column, Experiment, Listed, Sweep
from memory.compare.results import Results
from memory.formats import Question, Recording
from memory.formats.recording import Talk
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.services import Models
from tests.pages.panels import HOSTILE

Case = tuple[Experiment, Results, tuple[Recording, ...]]
SCRIPT = """
import streamlit as st
from pages.ui.compare.results import draw_results
draw_results(*st.session_state["case"])
"""
SAID = (
    "Hello! I live in Oslo, on the east side.",
    "My sister Maria works at a bakery in Lyon.",
    "I have a dog called Rex.",
    "I like hiking and strong coffee.",
    "Big news: I moved to Lisbon last week.",
    "What should I cook tonight?",
    "And what goes with it?",
    "Thank you, that was good.",
)
QUESTIONS = (
    Question("Where do I live now?", "moved", ("h4",), answer="In Lisbon.", outdated=("h0",)),
    Question("Where does Maria work?", "family", ("h1",), answer="At a bakery in Lyon."),
    Question("What is my dog called and what do I drink?", "family", ("h2", "h3")),
    Question("What is my shoe size?", "unanswerable"),
)


@cache
def recording(id: str = "moved", title: str = "A move", speaker: str = "Alex", rounds: int = 1) -> Recording:
    """Make the conversation; with several `rounds` it goes on with small talk."""
    talk = Talk()
    for place, said in enumerate((*SAID, *(f"Another remark, number {n}." for n in range(8 * (rounds - 1))))):
        talk.say("human", said, source=f"h{place}", name=speaker)
        talk.say("ai", f"I see, that is remark {place + 1}.", source=f"a{place}")
    return Recording(id, title, talk.turns(), QUESTIONS)


def hostile() -> Recording:
    """The same conversation of somebody whose name, title and words are meant to break out."""
    talk = Talk()
    for place in range(4):
        talk.say("human", f"{HOSTILE} {{b}} {place}", source=f"h{place}", name=HOSTILE[:60])
        talk.say("ai", HOSTILE, source=f"a{place}")
    return Recording("hostile", HOSTILE, talk.turns(), (Question(HOSTILE, HOSTILE, ("h0",), outdated=("h1",)),))


def compared(
    *specs: str, sweep: str = "", recordings: Sequence[Recording] = (), id: str = "e1", answer: bool = False
) -> Case:
    """Run memories over recordings; `sweep` is one memory with values, as in "window:k=1..2..5"."""
    recordings = tuple(recordings) or (recording(),)
    memories = [load().memory(spec) for spec in specs]
    columns, sweeps = [Column.of(memory) for memory in memories], []
    if sweep:
        head, values = sweep.rsplit("=", 1)
        swept: list[Memory] = [load().memory(f"{head}={value}") for value in values.split("..")]
        sweeps = [Sweep(head.partition(":")[2], len(columns), len(columns) + len(swept))]
        memories += swept
        columns += map(Column.of, swept)
    listed = tuple(Listed(one.id, one.title, len(one.turns), one.messages, len(one.questions)) for one in recordings)
    experiment = Experiment(
        id,
        recordings[0].title,
        "replay",
        tuple(columns),
        conversations=listed,
        sweeps=tuple(sweeps),
        answer=answer,
        status="done",
    )
    results: Results = {}
    for place, one in enumerate(recordings):
        replay = Replay(one, Models(), embedding("hashing"), prompts=False)
        for number, memory in enumerate(memories):
            with replay.run(memory) as run:
                results[place, number] = run_of(run, answer=answer)
    return experiment, results, recordings


def show(*case: Any, **state: object) -> AppTest:
    """Draw what came of a comparison."""
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["case"] = case
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def chart(app: AppTest, key: str) -> dict[str, Any]:
    """Return what ECharts was given for the chart whose key ends so."""
    found = next(one.proto for one in app.get("echarts_chart") if one.proto.id.endswith(key))
    return dict(json.loads(found.spec))


def alt(app: AppTest, key: str) -> str:
    """Return what a chart tells those who do not see it."""
    return str(next(one.proto.alt for one in app.get("echarts_chart") if one.proto.id.endswith(key)))
