"""Step mode on the page: the switch, and the card in which a paused turn tells what its next step will do.

    if steps.settle(): st.rerun()                  # what became of a turn that this tab was stepping
    with container: steps.card(job)
    steps.watch(job, job.before)                   # another tab may step on as well

The worker's job owns the turn: a reload or a second tab finds it at the same stop.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from memory.errors import InspectorError
from memory.pictures.picture import typed
from memory.steps import STEPS, Before, BeforeModel, BeforePrompt, BeforeWrite
from memory.trace import Step
from memory.worker import HOLD_SECONDS, Job
from pages.ui import pictures, step_prompt, step_stops
from pages.ui.words import plural, tokens

_PAUSE = (
    '<span style="border-left:3px solid;border-right:3px solid;padding:0 1px;margin-right:3px;font-size:10px"></span>'
)
EVERY = 0.5
"""Seconds between two looks at a turn that another tab may have moved on."""
NAMES: dict[Step, str] = {"read": "Read", "prompt": "Prompt", "model": "Model", "write": "Write"}
STOPPED: dict[Step, str] = {
    "read": "before the memory reads",
    "prompt": "before the prompt is put together",
    "model": "before the model",
    "write": "before the memory writes",
}


def stepping() -> bool:
    """Whether the next message goes step by step."""
    return bool(st.session_state.get("chat_stepping"))


def switch(jobs: Sequence[Job]) -> None:
    """Draw the switch; turned off in the middle of a turn, that goes on to its end."""
    stepped = [job for job in jobs if job.stepped]
    if stepped and "chat_stepping" not in st.session_state:
        st.session_state.chat_stepping = True  # this tab has found the turn that another one steps through

    def turned() -> None:
        if not st.session_state.chat_stepping:
            for job in stepped:
                _go(job, None)

    st.toggle(
        "Step by step",
        key="chat_stepping",
        persist_state="session",
        on_change=turned,
        help="Stop before each of the four steps of a turn (read, prompt, model, write) to see what it will do to your "
        "message, and change the prompt before the model sees it. Turned off in the middle, the turn goes on to its "
        "end.",
    )


def settle() -> bool:
    """Tell what became of the turn that this tab was stepping, where it ended between two drawings of the page."""
    job: Job | None = st.session_state.get("chat_step_job")
    if not job or not job.done:
        return False
    told(job)
    return True


def told(job: Job) -> None:
    """Say what went wrong with an answer; a message of which nothing was sent goes back into the box."""
    state = st.session_state
    state.pop("chat_step_job", None)
    taken_back = job.status == "withdrawn" and state.pop("chat_step_taken", None) == job.id
    if job.error is not None:
        state.chat_notice = str(job.error)
    if (taken_back or (job.error and job.reply.turn is None)) and job.replaces is None:
        state.chat_restore = typed(job.query, job.pictures)
        pictures.back(job)
        _without_empty(job)


def _without_empty(job: Job) -> None:
    """Remove the conversation that was begun for a message of which nothing was sent, where it is still empty."""
    state, talk = st.session_state, job.conversation
    if state.pop("chat_begun", None) != talk.thread:
        return
    with suppress(InspectorError):
        opened = talk.store.open(talk.user, talk.thread, "", 0)
        if opened.length or opened.pending:
            return
        talk.store.purge(talk.user, talk.thread)
        state.chat_thread = None
        state.chat_memory, state.chat_settings = opened.thread.memory, opened.thread.settings


def card(job: Job) -> None:
    """Draw the four steps with the place where the turn is, what comes next, and the buttons."""
    before = job.before
    st.session_state.chat_step_job = job
    with st.container(border=True, gap="small", key="chat_step"):
        _diagram(job, before)
        with st.container(gap="small"):
            if before is None:
                st.caption(_doing(job))
            elif isinstance(before, BeforeModel):
                step_prompt.draw(job, before)
            else:
                step_stops.draw(before, job)
        # The buttons have the same place at every stop, so that the keyboard stays on them.
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            step = before.step if before else None
            last = step == "write"
            end = "Let it write" if not isinstance(before, BeforeWrite) or before.stateful else "Finish"
            st.button(
                "Send to the model" if step == "model" else end if last else "Next step",
                icon=":material/skip_next:",
                key=f"chat_step_next_{job.id}",
                on_click=_go,
                args=(job, step or "write"),
            )
            if not last:
                st.button(
                    "Run to the end",
                    icon=":material/fast_forward:",
                    key=f"chat_step_run_{job.id}",
                    on_click=_go,
                    args=(job, None),
                )
            st.button(
                "Stop",
                icon=":material/stop_circle:",
                type="tertiary",
                key=f"chat_step_stop_{job.id}",
                on_click=_stop,
                args=(job,),
                help="The answer is stored and stays. The memory takes this turn in with your next message."
                if last
                else "Nothing is sent; your message goes back into the box.",
            )
        if step in ("read", "write"):
            st.caption(
                f"It waits here for {HOLD_SECONDS / 60:.0f} minutes, also when you close the page: "
                + ("then the memory writes." if last else "then your message is kept, to be sent again.")
            )


def _go(job: Job, step: Step | None) -> None:
    """Go on with a step, or with all of them; what was changed in the prompt is taken over first."""
    if isinstance(job.before, BeforeModel) and not step_prompt.apply(job):
        return
    if step:
        job.next(step)
    else:
        job.run_on()


def _stop(job: Job) -> None:
    st.session_state.chat_step_taken = job.id
    job.stop()
    job.join(2.0)


def _diagram(job: Job, before: Before | None) -> None:
    """Draw read → prompt → model → write as a list; texts of plug-ins and people are set as text."""
    place = STEPS.index(before.step) if before else max(len(job.stops) - 1, 0)
    rows = []
    for number, step in enumerate(STEPS):
        here = number == place
        word = "done" if number < place else ("next" if before else "now") if here else "later"
        mark = "✓" if number < place else (_PAUSE if before else "▸") if here else "·"
        look = "2px solid currentColor" if here else "1px solid color-mix(in srgb, currentColor 28%, transparent)"
        pad = "4px 8px" if here else "5px 9px"
        arrow = '<span aria-hidden="true" style="float:right">→</span>' if number < len(STEPS) - 1 else ""
        rows.append(
            f'<li{" aria-current=" + chr(34) + "step" + chr(34) if here else ""} style="flex:1 1 140px;min-width:0;'
            f'border:{look};border-radius:5px;padding:{pad};margin:0;font-size:13px;line-height:19px">'
            f'<div><span aria-hidden="true">{mark}</span> <b>{number + 1} {NAMES[step]}</b> {word}{arrow}</div>'
            f"<div style='overflow-wrap:anywhere'>{html.escape(_said(job, step, number < place))}</div></li>"
        )
    title = f"Step by step: stopped {STOPPED[before.step]}" if before else "Step by step"
    st.html(
        f'<p style="margin:0 0 6px;font-weight:600">{html.escape(title)}</p>'
        f'<ol aria-label="The four steps of this turn" style="display:flex;flex-wrap:wrap;gap:6px;list-style:none;'
        f'margin:0;padding:0">{"".join(rows)}</ol>'
    )


def _said(job: Job, step: Step, done: bool) -> str:
    """Say in a few words what a step did, or will do."""
    stops = job.stops
    recalled, sent, answered = stops.get("prompt"), stops.get("model"), stops.get("write")
    if step == "read":
        if done and isinstance(recalled, BeforePrompt):
            return f"recalled {step_stops.recalled(recalled.recall, recalled.exact)}"
        return f"{job.conversation.memory.label} chooses what to recall"
    if step == "prompt":
        if done and isinstance(sent, BeforeModel):
            edited = ", edited" if sent.edited else ""
            return f"{plural(len(sent.messages), 'message')}, {tokens(sent.tokens, sent.exact)}{edited}"
        return "the pieces are put in order"
    if step == "model":
        if done and isinstance(answered, BeforeWrite):
            return "answered" if answered.turn.status == "complete" else "did not finish its answer"
        return "answers from the prompt alone"
    if isinstance(answered, BeforeWrite) and not answered.stateful:
        return "there is nothing to write"
    return "the memory takes the turn in"


def _doing(job: Job) -> str:
    if job.status == "saving":
        return "The answer waits for the store to take it."
    if job.status == "writing":
        return "The answer is stored, and the memory writes."
    return "The model reads the prompt and answers." if "model" in job.stops else "The memory reads."


@st.fragment(run_every=EVERY)
def watch(job: Job, before: Before | None) -> None:
    """Draw the page again when the turn has moved on by another tab, or has waited too long."""
    if job.before is not before:
        st.rerun(scope="app")
