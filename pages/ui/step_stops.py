"""What a paused turn will do next, in words, at the stops before read, prompt and write.

    step_stops.draw(job.before, job)

The stop before the model has its prompt to edit: `pages/ui/step_prompt.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from memory.base import Item, Recall
from memory.inspection.pieces import kind_of
from memory.money.prices import dollars
from memory.prompt import PromptMessage
from memory.steps import BeforePrompt, BeforeRead, BeforeWrite
from memory.trace import Call
from memory.worker import Job
from pages.ui import controls
from pages.ui.sources import COLOURS
from pages.ui.words import badge, escaped, literal, model_name, note_name, place, plural, score, tokens, turns

MOST = 8
"""How many pieces, and how many reasons, are told one by one."""


def draw(before: BeforeRead | BeforePrompt | BeforeWrite, job: Job) -> None:
    """Draw what the next step will do."""
    if isinstance(before, BeforeRead):
        _read(before)
    elif isinstance(before, BeforePrompt):
        _prompt(before)
    else:
        _write(before, job)


def _read(before: BeforeRead) -> None:
    memory = escaped(before.memory)
    if not before.turns:
        st.markdown(
            f"**Next, {memory} reads.** Nothing was said before your message, so there is nothing to recall yet: "
            "send a few more and watch this step."
        )
    else:
        st.markdown(
            f"**Next, {memory} reads** the {plural(before.turns, 'turn')} that {_are(before.turns)} stored, and your "
            f"message. It chooses what of them the model gets to see: at most {tokens(before.budget, before.exact)}. "
            "The model is asked nothing yet."
        )
    settings = [badge("gray", _setting(name, value)) for name, value in before.settings.items()]
    notes = []
    if before.stateful and before.turns:
        cover = "covers" if before.notes == 1 else "cover"
        notes.append(
            f"Its {plural(before.notes, 'note')} {cover} {before.covered:,} of {plural(before.turns, 'turn')}."
        )
    if before.calls:
        notes.append(f"Its search makes a vector of your message: {_cost(before.calls)}.")
    if settings:
        st.markdown(f"Settings: {' '.join(settings)}")
    if notes:
        st.caption(" ".join(notes))


def _setting(name: str, value: object) -> str:
    label = controls.label_of(name, controls.Kind(type(value)))
    said = "automatic" if value is None else plural(len(value), "fact") if isinstance(value, dict) else str(value)
    return controls.with_value(label, value, said)


def _prompt(before: BeforePrompt) -> None:
    recall, exact = before.recall, before.exact
    left = sum(one.turns[1] - one.turns[0] for one in recall.left_out if one.message is None)
    st.markdown(
        f"**It has recalled {recalled(recall, exact)}.** Next the prompt is put together, in this order, word for word "
        "as the model will get it:"
    )
    rows = []
    if before.instructions:
        rows.append(f"{badge('gray', 'instructions')} your system prompt, {tokens(before.instructions, exact)}")
    shown, rest = recall.items[:MOST], recall.items[MOST:]
    rows += [
        f"{badge(colour_of(item), _name(item, before))} {escaped(item.why)}, {tokens(item.tokens, exact)}"
        for item in shown
    ]
    if rest:
        rows.append(f"… and {plural(len(rest), 'more piece')}, {tokens(sum(item.tokens for item in rest), exact)}")
    rows.append(f"{badge('yellow', 'your message')} as you typed it, {tokens(before.query, exact)}")
    st.markdown("\n".join(f"1. {row}" for row in rows))
    if recall.left_out:
        gone = [
            f"{place(one.turns[0], one.message) if one.message is not None else turns(one.turns)}: {escaped(one.why)}"
            + (f" ({score(one.score)})" if one.score is not None else "")
            for one in recall.left_out[:MOST]
        ]
        more = f" … and {len(recall.left_out) - MOST:,} more" if len(recall.left_out) > MOST else ""
        head = f"Left out, {plural(left, 'turn')}" if left else "Left out"
        st.caption(f"{head}: {'; '.join(gone)}{more}.")


def recalled(recall: Recall, exact: bool) -> str:
    """Say what was recalled: turns, single messages of turns and notes, with their tokens."""
    single = sum(item.ref.startswith("message:") for item in recall.items)
    spans = sum(item.turns[1] - item.turns[0] for item in recall.items if item.turns) - single
    notes = sum(item.turns is None for item in recall.items)
    counts = {"turn": spans, "message": single, "note": notes}
    found = " and ".join(plural(count, noun) for noun, count in counts.items() if count)
    return f"{found}, {tokens(recall.tokens, exact)}" if found else "nothing"


def colour_of(item: Item) -> str:
    """Name the colour of what an item brings, as the x-ray of a prompt draws it."""
    turn = item.turns[0] if item.turns else None
    return COLOURS[kind_of(PromptMessage("system", "", item.segment, item.ref, 0, "", turn, quoted=item.quoted))]


def _name(item: Item, before: BeforePrompt) -> str:
    if item.turns is None:
        return note_name(item.ref, before.notes)
    if item.ref.startswith("message:"):
        return place(item.turns[0], int(item.ref.partition(".")[2]))
    return turns(item.turns)


def _write(before: BeforeWrite, job: Job) -> None:
    turn, memory, model = before.turn, escaped(before.memory), escaped(model_name(job.conversation.models.chat))
    said = f"{model} has answered" if turn.status == "complete" else f"{model} did not finish its answer"
    st.markdown(
        f"**{said}, and turn {turn.index + 1:,} is stored**: your message as you typed it, and this answer. Whatever "
        "you do now, it is not lost."
    )
    if not before.stateful:
        st.markdown(
            f"**Next, {memory} writes nothing:** it keeps no notes of its own. At your next message it reads the "
            "stored turns again."
        )
        return
    missing = before.turns - before.covered
    what = "this turn" if missing == 1 else f"{plural(missing, 'turn')}, with those that it has not seen yet"
    st.markdown(f"**Next, {memory} takes in {what}.** {_work(before)}")
    if before.problem:
        st.caption("What that costs cannot be said beforehand.")


def _work(before: BeforeWrite) -> str:
    """Say which notes it writes and which calls it makes for them."""
    parts = []
    if before.calls:
        purposes = dict.fromkeys(call.purpose for call in before.calls)
        parts.append(
            f"For that it calls its model {plural(len(before.calls), 'time')} ({escaped(', '.join(purposes))}): "
            f"{_cost(before.calls)}."
        )
    elif not before.problem:
        parts.append("That calls no model and costs nothing.")
    if before.notes:
        names = [literal(note_name(ref)) for ref in before.notes[:MOST]]
        parts.append(f"It writes {', '.join(names)}{' and others' if len(before.notes) > MOST else ''}.")
    return " ".join(parts)


def _cost(calls: Sequence[Call]) -> str:
    """Add up what calls take by estimate."""
    total: Decimal | None = Decimal(0)
    for call in calls:
        total = None if total is None or call.cost is None else total + call.cost
    of = calls[0]
    named = f" as {model_name(of.priced_as)}" if of.priced_as != of.model else ""
    into = sum(call.input_tokens for call in calls)
    return f"about {plural(into, 'token')} in, {escaped(dollars(total) + named)}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
