"""The side panel on the server: each view of the newest turn, in a short thread and in a long one, in one run.

Threads of 100 and 10,000 turns are stored in an embedded Redis; Streamlit's own test runner draws the panel of each in
turn, so that a busy machine slows both. What counts is the ratio of the medians: it should stay near 1, also where a
memory sends every turn, since only those that are looked at are read.

    make bench-panel       or  python -m benchmarks.panel --turns 100 1000 --memories window

A summary is given a version for each turn, and entities a note for every tenth.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from streamlit.testing.v1 import AppTest

from benchmarks.page import ENCODING, stored_turn
from memory import threads
from memory.base import Memory, Note, State, Turn, rewind
from memory.catalog import load
from memory.prompt import assemble
from memory.server.connect import connect
from memory.services import Models
from memory.store import Store
from memory.stores.redis import RedisStore
from memory.trace import StateRef, Trace, reference

USER = "bench"
VIEWS = ("Memory now", "Prompt", "Left out", "Cost")
RICH = 3
"""How many of the last turns carry a full trace: the one that is drawn, and those that it is compared with."""
BUDGET = 10_000_000
"""Tokens of a prompt at most: a buffer sends every turn."""
SCRIPT = """
import streamlit as st
from pages.ui.panel import panel
with st.sidebar:
    panel(*st.session_state["case"])
"""


def notes_of(memory: Memory, length: int) -> list[Note]:
    """The notes that a memory would have written in so many turns."""
    if memory.short == "summary":
        return [Note("summary", turn, f"Gist of {turn} turns. " * 12, (0, turn), turn) for turn in range(1, length + 1)]
    if memory.short == "entity":
        return [
            Note(f"entity-{turn:016x}", 1, f"Place {turn} was seen.", (turn - 1, turn), turn, {"name": f"Place {turn}"})
            for turn in range(10, length + 1, 10)
        ]
    return []


def fill(store: Store, memory: Memory, length: int) -> str:
    """Store a thread with what a memory knows of it."""
    thread = threads.new(store, USER, memory)
    turns, notes = [stored_turn(index) for index in range(length)], notes_of(memory, length)
    traces = [Trace("import", turn.index, turn.id, turn.at) for turn in turns[:-RICH]]
    for index in range(length - RICH, length):
        traces.append(_trace(memory, turns, index, _state(notes, index), _state(notes, index + 1)))
    store.extend(USER, thread.id, turns, traces)
    if notes:
        store.put_notes(USER, thread.id, {f"{memory.key}/{note.ref}": note for note in notes}, {})
        revision = store.open(USER, thread.id, memory.key, 0).revision
        store.put_state(USER, thread.id, memory.key, revision, _state(notes, length))
    return thread.id


def _state(notes: Sequence[Note], length: int) -> State:
    return replace(rewind((note for note in notes if note.since <= length), length), covered=length)


def _trace(memory: Memory, turns: Sequence[Turn], index: int, before: State, after: State) -> Trace:
    turn = turns[index]
    recall = memory.read(before, turns[:index], turn.human, Models().services(), BUDGET)
    items, _, _ = reference(recall, before, "")
    prompt = assemble("", recall, turns[:index], turn.human, ENCODING)
    what = {"memory": memory.name, "memory_key": memory.key, "settings": memory.settings.model_dump(mode="json")}
    what |= {"items": items, "left_out": recall.left_out, "read_length": index, "budget": BUDGET}
    what |= {"prompt_hash": prompt.hash(), "counts": prompt.counts}
    states = {"before": StateRef(index), "after": StateRef.of(after, before)} if memory.stateful else {}
    return Trace("turn", index, turn.id, turn.at, segments=prompt.segments(), **what, **states)


def measure(store: Store, memory: Memory, lengths: Sequence[int], view: str, rounds: int) -> list[list[float]]:
    """Draw one view of each thread, turn about; returns milliseconds by thread."""
    apps = []
    for length in lengths:
        app = AppTest.from_string(SCRIPT, default_timeout=300)
        app.session_state["case"] = (store, USER, fill(store, memory, length), length)
        app.session_state["panel_view"] = view
        apps.append(app.run())
    took: list[list[float]] = [[] for _ in apps]
    for _ in range(rounds):
        for app, times in zip(apps, took, strict=True):
            began = time.perf_counter()
            app.run()
            times.append((time.perf_counter() - began) * 1000)
            if app.exception:
                raise SystemExit(app.exception[0].message)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description="The side panel on the server, by stored turns.")
    parser.add_argument("--turns", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--memories", nargs="+", default=["window", "buffer", "summary", "entity"])
    parser.add_argument("--views", nargs="+", default=VIEWS, choices=VIEWS)
    parser.add_argument("--rounds", type=int, default=9, help="how often each is drawn")
    given = parser.parse_args()
    lengths = sorted(given.turns)
    folder = Path(tempfile.mkdtemp(prefix="mi-"))
    connection = connect("", folder)
    try:
        print(
            f"{'memory':<16}{'view':<12}{''.join(f'{length:>9,} turns' for length in lengths)}    ratio   (ms, medians)"
        )
        for name in given.memories:
            for view in given.views:
                took = measure(RedisStore(connection), load().memory(name), lengths, view, given.rounds)
                middle = [median(times) for times in took]
                figures = "".join(f"{one:>15.0f}" for one in middle)
                print(f"{name:<16}{view:<12}{figures}{middle[-1] / middle[0]:>9.2f}", flush=True)
    finally:
        connection.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
