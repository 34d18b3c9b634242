"""The cycle of a turn, read → prompt → model → write, drawn around a real turn with the figures of its trace.

    cycle(trace, trace.turn_id)                 # a turn that is over: four stations, each with what it did
    cycle(*on_its_way(job))                     # on its way: as far as it has come

One that was too quick to be seen on its way lights up station by station when it is drawn for the first time.
What has been lit stays lit. Where motion is not wanted nothing moves, and all the same is told.

Session key: `lessons_cycle`, what was drawn last.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple

import streamlit as st

from memory.base import Recall
from memory.catalog import load
from memory.reply import AFTER_TOOLS
from memory.steps import STEPS
from memory.trace import Step, Trace
from memory.worker import Job
from pages.ui.step_stops import colour_of, recalled
from pages.ui.steps import NAMES
from pages.ui.words import COLOURS, colour, measured, model_name, number, plural, seconds, segment, tokens

OVER = len(STEPS)
JUST = 5.0
"""For so many seconds after its end a turn has just been played."""
EACH = 0.7
"""Seconds from one station's lighting up to the next one's."""
_SAYS: dict[Step, str] = {
    "read": "The memory chooses what to recall.",
    "prompt": "The pieces are put in order.",
    "model": "It answers from the prompt alone.",
    "write": "The turn is stored, and the memory takes it in.",
}
"""What a station does, before it has done it."""
_NAMED = {"query": "your message"}
State = Literal["done", "now", "later", "failed"]
_WORDS: dict[State, str] = {"done": "✓ done", "now": "▸ now", "later": "later", "failed": "✕ failed"}


class Shown(NamedTuple):
    """What was drawn last: a turn, the station where it was, from which one on they lit up, and when."""

    turn_id: str
    place: int
    since: int
    at: float


def on_its_way(job: Job) -> tuple[Trace | None, str, Step | None]:
    """Say how far a turn has come: its trace as far as there is one, its id, and its station, None when it is over."""
    trace = job.reply.trace
    if job.before:
        return trace, job.id, job.before.step
    if job.done:
        return trace, job.id, None
    if job.status in ("saving", "writing"):
        return trace, job.id, "write"
    return trace, job.id, "model" if trace else "read"


def cycle(trace: Trace | None, turn_id: str, at: Step | None = None) -> None:
    """Draw the four stations of a turn; it stands `at` one of them or is over."""
    place, now = STEPS.index(at) if at else OVER, time.time()
    last: Shown | None = st.session_state.get("lessons_cycle")
    if not last or last.turn_id != turn_id:
        last = Shown(turn_id, place, 0 if at or (trace and _just_played(trace, now)) else OVER, now)
    elif last.place != place:
        # Of what was to light up, that goes on which did not come to it.
        lit = min(last.since + int((now - last.at) / EACH), last.place, place)
        last = Shown(turn_id, place, lit, now)
    # Drawn again at the same station it is the same HTML, so that nothing moves a second time.
    st.session_state["lessons_cycle"] = last
    st.html(picture(trace, place, last.since))


def _just_played(trace: Trace, now: float) -> bool:
    return now - trace.at - sum(call.seconds for call in trace.calls) < JUST


def picture(trace: Trace | None, place: int, since: int) -> str:
    """Write the stations as HTML; those from `since` on light up one after the other, up to the one at `place`."""
    rows = []
    for number_of, step in enumerate(STEPS):
        state: State = "done" if number_of < place else "now" if number_of == place else "later"
        told, bar = [_SAYS[step]], ""
        if state == "done" and trace:
            state = "failed" if _failed(trace, step) else state
            told, bar = list(_told(trace, step)), _bar(trace) if step == "prompt" else ""
        moves = " moves" if since <= number_of <= place else ""
        here = ' aria-current="step"' if state == "now" else ""
        rows.append(
            f'<li class="{step} {state}{moves}" style="--n:{number_of - since}"{here}>'
            f'<div class="head"><b>{number_of + 1} {NAMES[step]}</b><span>{_WORDS[state]}</span></div>'
            f"{bar}{''.join(f'<div>{line}</div>' for line in told)}</li>"
        )
    named = f"turn {trace.turn + 1:,}" if trace else "this turn"
    return f'{_STYLE}<ol class="lesson-cycle" aria-label="The four stations of {named}">{"".join(rows)}</ol>'


def _told(trace: Trace, step: Step) -> Iterator[str]:
    """Say what a station did, in lines of HTML."""
    if step == "read":
        yield f"Recalled {recalled(Recall(trace.items), trace.exact)}."
        yield from _left(trace)
    elif step == "prompt":
        yield f"{tokens(trace.prompt_tokens, trace.exact)} in all:"
        yield from (f'<i class="dot" style="background:{paint}"></i>{said}' for paint, said, _ in _segments(trace))
    elif step == "model":
        yield from _answered(trace)
    else:
        yield from _wrote(trace)


def _left(trace: Trace) -> Iterator[str]:
    gist = sum(end - first for one in trace.left_out if one.kind == "summary" for first, end in [one.turns])
    rest = [one for one in trace.left_out if one.kind != "summary"]
    whole = sum(one.turns[1] - one.turns[0] for one in rest if one.message is None)
    single = sum(one.message is not None for one in rest)
    if gist:
        yield f"{plural(gist, 'turn')} only in a summary."
    if counts := [plural(count, noun) for count, noun in ((whole, "turn"), (single, "message")) if count]:
        yield f"{' and '.join(counts)} stored, not sent."


def _segments(trace: Trace) -> Iterator[tuple[str, str, int]]:
    """Give each source of the prompt: its colour, its name with its tokens, its tokens."""
    brought = next((item for item in trace.items if item.segment == "memory"), None)
    for name, size in trace.segments.items():
        if size:
            paint = colour(colour_of(brought) if name == "memory" and brought else COLOURS[name])
            said = _NAMED.get(name) or segment(name, [trace])
            yield paint, _safe(f"{said} {number(size, trace.exact)}"), size


def _bar(trace: Trace) -> str:
    parts = "".join(f'<span style="flex-grow:{size};background:{paint}"></span>' for paint, _, size in _segments(trace))
    return f'<div class="bar" aria-hidden="true">{parts}</div>'


def _answered(trace: Trace) -> Iterator[str]:
    if not (call := trace.reply):
        yield "It was not asked."
        return
    sure = measured(call, trace)
    yield _safe(model_name(trace.model))
    yield f"{number(call.input_tokens, sure)} tokens in, {number(call.output_tokens, sure)} out"
    yield seconds(call.seconds)
    if call.error:
        yield _safe(_short(call.error))
    if more := sum(one.purpose == AFTER_TOOLS for one in trace.calls):
        yield f"Asked {plural(more, 'more time')} after its tools."


def _wrote(trace: Trace) -> Iterator[str]:
    yield f"Turn {trace.turn + 1:,} is stored."
    wrote, memory = trace.after.wrote if trace.after else (), load().memories.get(trace.memory)
    if wrote:
        yield f"The memory wrote {plural(len(wrote), 'note')}."
    elif trace.after:
        yield "The memory took it in." if trace.after.covered > trace.turn else "The memory takes it in later."
    elif memory and not memory.stateful:
        yield "The memory keeps no notes of its own."
    else:
        yield "The memory did not take it in."
    own = sorted((call for call in trace.own_calls if call.purpose != AFTER_TOOLS), key=lambda call: call.purpose)
    for purpose, group in groupby(own, key=lambda call: call.purpose):
        calls = list(group)
        size = sum(call.input_tokens + call.output_tokens for call in calls if not call.reused)
        sure = all(measured(call, trace) for call in calls)
        yield _safe(f"{plural(len(calls), 'call')} of its own ({purpose}), {tokens(size, sure)}.")


def _failed(trace: Trace, step: Step) -> bool:
    if step == "model":
        return bool(trace.reply and trace.reply.error)
    return step == "write" and trace.after is None and bool(trace.errors) and not _failed(trace, "model")


def _short(text: str, most: int = 90) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()} …"


def _safe(text: str) -> str:
    return html.escape(text)


# Streamlit removes SVG from its HTML, so the arrows are letters; a reader of the page hears the list alone.
_STYLE = """<style>
.lesson-cycle { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 26px; max-width: 620px;
  margin: 2px 0 6px; padding: 0 !important; list-style: none; font-size: 13px; line-height: 18px; }
.lesson-cycle li { position: relative; margin: 0; padding: 6px 9px 7px; border-radius: 5px; overflow-wrap: anywhere;
  border: 1px solid color-mix(in srgb, currentColor 62%, transparent);
  background: color-mix(in srgb, currentColor 6%, transparent); }
.lesson-cycle .read { grid-area: 1 / 1; }
.lesson-cycle .prompt { grid-area: 1 / 2; }
.lesson-cycle .model { grid-area: 2 / 2; }
.lesson-cycle .write { grid-area: 2 / 1; }
.lesson-cycle .later { border-style: dashed; background: none; }
.lesson-cycle .now { outline: 2px solid currentColor; outline-offset: -1px; }
.lesson-cycle .head { display: flex; flex-wrap: wrap; justify-content: space-between; column-gap: 8px; }
.lesson-cycle .head > * { white-space: nowrap; }
.lesson-cycle .bar { display: flex; gap: 2px; height: 10px; margin: 3px 0 4px; }
.lesson-cycle .bar span { flex-basis: 0; min-width: 2px; border-radius: 2px; }
.lesson-cycle .dot { display: inline-block; width: 9px; height: 9px; margin-right: 6px; border-radius: 2px; }
.lesson-cycle li::after { position: absolute; width: 26px; height: 26px; text-align: center;
  font-size: 18px; line-height: 26px; }
.lesson-cycle .read::after { content: "→" / ""; left: 100%; top: calc(50% - 13px); }
.lesson-cycle .prompt::after { content: "↓" / ""; top: 100%; left: calc(50% - 13px); }
.lesson-cycle .model::after { content: "←" / ""; right: 100%; top: calc(50% - 13px); }
.lesson-cycle .write::after { content: "↑ next turn" / ""; bottom: 100%; left: 0; width: 100%; font-size: 13px; }
.lesson-cycle .later::after { opacity: 0.45; }
@keyframes lesson-cycle-lit {
  0% { background: none; outline: 0 solid transparent; }
  45% { background: color-mix(in srgb, currentColor 24%, transparent); outline: 3px solid currentColor; }
}
@keyframes lesson-cycle-beat { 50% { background: color-mix(in srgb, currentColor 22%, transparent); } }
.lesson-cycle .moves { animation: lesson-cycle-lit 0.8s calc(var(--n) * EACHs) backwards; }
.lesson-cycle .now.moves { animation: lesson-cycle-beat 1.4s infinite; }
@media (prefers-reduced-motion: reduce) { .lesson-cycle li { animation: none !important; } }
</style>""".replace("EACHs", f"{EACH}s")
