"""The prompt as it will be sent, each message in a box that can be changed; messages are added and removed.

    step_prompt.draw(job, job.before)      # once a run, at the stop before the model
    step_prompt.apply(job)                 # what was changed is what the model gets; False where it would refuse

The boxes of this tab stand in `chat_step_rows`; the worker's job has what was last taken over, for every tab.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from memory.edited_prompt import ADDED, EDITED_WHY, added, reworded
from memory.errors import BadInput
from memory.inspection.pieces import kind_of
from memory.money.prices import dollars
from memory.prompt import PromptMessage
from memory.steps import BeforeModel
from memory.worker import Job
from pages.ui.security import inert
from pages.ui.sources import COLOURS
from pages.ui.words import badge, escaped, model_name, note_name, percentage, place, tokens

MOST, HEIGHT, HEAD = 340, 290, 48
"""Boxes that take more than MOST pixels together scroll at a HEIGHT; each has so many for what stands above it."""
FIRST, LAST = 10, 30
"""How many messages of a long prompt are drawn from its beginning and from its end."""
ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
_OFFERED: dict[str, Literal["system", "human", "ai"]] = {"system": "system", "user": "human", "assistant": "ai"}


@dataclass(frozen=True)
class _Row:
    """A box: the message that it was made of, and the text that was last taken over."""

    id: int
    message: PromptMessage
    text: str


def draw(job: Job, before: BeforeModel) -> None:
    """Draw the boxes, their tokens and what sending them costs."""
    rows, state = _rows(job, before), st.session_state
    st.markdown(
        f"**Next, {escaped(model_name(before.model))} gets this prompt, and nothing else.** You may change it: try "
        "removing what the memory recalled. The conversation keeps your message as you typed it."
    )
    hidden = range(FIRST, len(rows) - LAST)
    if len(hidden) < 2 or state.get("chat_step_all") == job.id:
        hidden = range(0)
    scrolls = sum(HEAD + _height(row.text) for row in rows) > MOST
    with st.container(height=HEIGHT if scrolls else "content", border=scrolls, gap="xsmall"):
        for number, row in enumerate(rows):
            if number not in hidden:
                # In a container of its own a box keeps its height where the whole scrolls.
                with st.container(gap="xxsmall"):
                    _box(job, number, row, before)
            elif number == hidden[0]:
                of = sum(rows[one].message.tokens for one in hidden)
                st.button(
                    f"Show {len(hidden):,} more messages ({of:,} tokens)",
                    type="tertiary",
                    icon=":material/unfold_more:",
                    key="chat_step_more",
                    on_click=_show_all,
                    args=(job,),
                )
    if problem := state.get("chat_step_error"):
        st.markdown(f":red[:material/error:] {inert(problem)}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_price(before))
        if before.edited:
            st.button(
                "Undo all changes",
                icon=":material/undo:",
                type="tertiary",
                key="chat_step_undo",
                on_click=_undo,
                args=(job,),
            )


def apply(job: Job) -> bool:
    """Take over what stands in this tab's boxes; False, with the reason told, where a model would refuse it."""
    state, before = st.session_state, job.before
    if not isinstance(before, BeforeModel):
        return True
    rows = [_typed(job, row, before.encoding) for row in _rows(job, before)]
    try:
        job.edit([row.message for row in rows])
    except BadInput as error:
        state.chat_step_error = str(error)
        return False
    state.pop("chat_step_error", None)
    now = job.before
    if isinstance(now, BeforeModel) and len(now.messages) == len(rows):
        _keep(job, now, rows)
    return True


def _rows(job: Job, before: BeforeModel) -> list[_Row]:
    """Return this tab's boxes, made anew where another tab has changed the prompt."""
    kept = st.session_state.get("chat_step_rows")
    if kept and kept[0] == job.id and kept[1] is before:
        rows: list[_Row] = kept[2]
        return rows
    rows = [_Row(_new_id(), message, message.content) for message in before.messages]
    _keep(job, before, rows)
    st.session_state.pop("chat_step_error", None)
    return rows


def _keep(job: Job, before: BeforeModel, rows: list[_Row]) -> None:
    st.session_state.chat_step_rows = (job.id, before, rows)


def _new_id() -> int:
    made: int = st.session_state.get("chat_step_made", 0) + 1
    st.session_state.chat_step_made = made
    return made


def _key(job: Job, name: str) -> str:
    return f"chat_step_{name}_{job.id}"


def _typed(job: Job, row: _Row, encoding: str) -> _Row:
    """Return a box with what was typed into it since it was last taken over."""
    text = st.session_state.get(_key(job, f"text_{row.id}"), row.text)
    message = reworded(row.message, text or "", encoding)
    role = st.session_state.get(_key(job, f"role_{row.id}"))
    if message.item == ADDED and role and _OFFERED[role] != message.type:
        message = added(_OFFERED[role], message.content, encoding)
    return replace(row, message=message, text=message.content)


def _box(job: Job, number: int, row: _Row, before: BeforeModel) -> None:
    """Draw one message with what can be done to it."""
    message = row.message
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f"{number + 1}. {source_line(message, before, badge)}", width="stretch")
        with st.container(horizontal=True, gap="xsmall", width="content"):
            if message.type != "tool":
                st.button(
                    "Add above",
                    icon=":material/add:",
                    key=_key(job, f"add_{row.id}"),
                    type="tertiary",
                    on_click=_add,
                    args=(job, row.id),
                )
            st.button(
                "Remove",
                icon=":material/delete:",
                key=_key(job, f"drop_{row.id}"),
                type="tertiary",
                help="Its results go with it."
                if message.tool_calls
                else "Its call goes with it."
                if message.type == "tool"
                else None,
                on_click=_drop,
                args=(job, row.id),
            )
    if message.item == ADDED:
        st.selectbox(
            f"Who says message {number + 1}",
            list(_OFFERED),
            list(_OFFERED.values()).index(message.type),
            key=_key(job, f"role_{row.id}"),
            on_change=apply,
            args=(job,),
            width=150,
        )
    st.text_area(
        f"Message {number + 1}: {source_line(message, before, lambda colour, text: text)}",
        row.text,
        height=_height(row.text),
        key=_key(job, f"text_{row.id}"),
        on_change=apply,
        args=(job,),
        placeholder="What this message says",
        label_visibility="collapsed",
    )


def _show_all(job: Job) -> None:
    st.session_state.chat_step_all = job.id


def source_line(message: PromptMessage, before: BeforeModel, named: Callable[[str, str], str]) -> str:
    """Name where a message comes from, who says it and how large it is; `named` sets the source in its colour."""
    if message.item == ADDED:
        source = "added by you"
    elif message.segment in ("instructions", "query"):
        source = "instructions" if message.segment == "instructions" else "your message"
    elif message.item == "quotes":
        source = "quoted turns"
    else:
        source = place(message.turn) if message.turn is not None else note_name(message.item)
    calls = ", ".join(str(call.get("name")) for call in message.tool_calls)
    said = f"{ROLES[message.type]} calls {escaped(calls)}" if calls else ROLES[message.type]
    edited = ", edited" if message.why == EDITED_WHY else ""
    return f"{named(COLOURS[kind_of(message)], source)} {said}, {tokens(message.tokens, before.exact)}{edited}"


def _height(text: str) -> int:
    """Fit a box to its text, up to ten lines of it."""
    lines = sum(1 + len(line) // 80 for line in text.split("\n"))
    return max(68, 26 + 19 * min(lines, 10))


def _add(job: Job, before_row: int) -> None:
    """Put an empty box before another one; it is taken over when something is typed into it."""
    before = job.before
    if not isinstance(before, BeforeModel):
        return
    rows = [_typed(job, row, before.encoding) for row in _rows(job, before)]
    at = next(number for number, row in enumerate(rows) if row.id == before_row)
    rows.insert(at, _Row(_new_id(), added("system", "", before.encoding), ""))
    _keep(job, before, rows)


def _drop(job: Job, gone: int) -> None:
    before = job.before
    if not isinstance(before, BeforeModel):
        return
    rows = [_typed(job, row, before.encoding) for row in _rows(job, before)]
    _keep(job, before, [row for row in rows if row.id != gone])
    apply(job)


def _undo(job: Job) -> None:
    before = job.before
    if isinstance(before, BeforeModel):
        st.session_state.pop("chat_step_rows", None)
        st.session_state.pop("chat_step_error", None)
        try:
            job.edit(before.recalled)
        except BadInput as error:
            st.session_state.chat_step_error = str(error)


def _price(before: BeforeModel) -> str:
    """Say how large the prompt is and what reading it costs."""
    share = percentage(before.tokens / before.window)
    named = f" as {model_name(before.priced_as)}" if before.priced_as != before.model else ""
    edited = ", edited" if before.edited else ""
    cost = escaped(f"{dollars(before.cost)}{named}")
    return f"{tokens(before.tokens, before.exact)}{edited}: {share} of {before.window:,}, {cost} without the answer"
