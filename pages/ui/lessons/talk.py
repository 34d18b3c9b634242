"""The live conversation of a lesson: whose it is, with which memory it is read, and every turn of it.

    spot = draw_head(live, job)     # of several people one is chosen
    draw_turns(live, spot)
    mirror = draw_job(job)          # the answer on its way; mirror.follow() draws it to its end

It is a real conversation in the real store. It goes on by the steps of its lesson, so it has no box and no buttons.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from memory.base import Turn
from memory.catalog import load
from memory.lessons.lesson import Action
from memory.lessons.live import FIRST, Live, Spot
from memory.models import provider_of
from memory.steps import BeforeModel
from memory.trace import Trace
from memory.worker import Job
from pages.ui import longterm_chat, step_stops
from pages.ui.answering import Mirror
from pages.ui.controls import kind_of, label_of, with_value
from pages.ui.messages import MODEL, USER, draw_ended, draw_said, draw_text, figures, not_done
from pages.ui.pictures import draw_pictures
from pages.ui.step_prompt import source_line
from pages.ui.words import badge, escaped, literal, model_name, tokens
from pages.ui.words import label_of as memory_name

SHOWN = 2
"""How many of the newest turns are drawn at first, and with them the first one that is spoken of."""


def draw_head(live: Live, job: Job | None = None) -> Spot | None:
    """Draw the title with memory and model, and of several people or conversations who and which; return that one.

    Where an answer is on its way it is that `job`'s; None where nobody has spoken there yet.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Live conversation**", width="content")
        badges = st.empty()
    spot = _which(live, job)
    spec = (spot.memory, spot.settings) if spot else _first(live)
    model = "demo model" if provider_of(live.models.chat) == "demo" else model_name(live.models.chat)
    badges.markdown(f"{badge('gray', memory_said(*spec))} {badge('gray', model)}")
    return spot


def memory_said(name: str, settings: object) -> str:
    """Name a memory with the settings that are not its usual ones; where all are, with its first number."""
    cls = load().memories.get(name)
    given = dict(settings) if isinstance(settings, dict) else {}
    if cls is None:
        return name
    usual = cls().settings.model_dump(mode="json")
    other = {key: value for key, value in given.items() if key in usual and value != usual[key]}
    if not other:
        numbers = [key for key, value in usual.items() if type(value) in (int, float)]
        other = {key: usual[key] for key in numbers[:1]}
    said = []
    for key, value in other.items():
        label = label_of(key, kind_of(cls.Settings.model_fields[key]))
        text = f"{value:,}" if type(value) in (int, float) else " ".join(str(value).split())[:60]
        said.append(with_value(label, value, text))
    return ", ".join([memory_name(name), *said])


def _first(live: Live) -> tuple[str, object]:
    memory = load().memory(live.lesson.memory)
    return memory.name, memory.settings.model_dump(mode="json")


def _which(live: Live, job: Job | None) -> Spot | None:
    """Let somebody of the lesson be chosen, and one of that person's conversations; who spoke last comes first."""
    people, state = live.lesson.people, st.session_state
    speaks = next((who for who, user in live.users.items() if job and user == job.conversation.user), live.person)
    who = speaks
    if len(people) > 1:
        of = (live.lesson.lesson, speaks, live.length, job.id if job else "")
        if state.get("lessons_person_of") != of:
            state["lessons_person"], state["lessons_person_of"] = speaks, of
        names = {person.id: escaped(browser_of(person.name)) for person in people}
        look = {"key": "lessons_person", "required": True, "label_visibility": "collapsed", "wrap": True}
        who = st.segmented_control("Whose browser", list(names), format_func=lambda one: names[one], **look)
    own = [spot for spot in live.spots if spot.person == who]
    current = live.spot(who)
    if job and who == speaks:
        return next((spot for spot in own if spot.id == job.conversation.thread), None)
    if len(own) < 2:
        return current
    ids = {spot.id: _named(spot, place) for place, spot in enumerate(own)}
    key = f"lessons_spot_{current.id if current else ''}"
    chosen = st.segmented_control(
        "Conversation",
        list(ids),
        default=current.id if current else None,
        format_func=lambda one: ids[one],
        required=True,
        key=key,
        label_visibility="collapsed",
        wrap=True,
    )
    return next((spot for spot in own if spot.id == chosen), current)


def browser_of(name: str) -> str:
    """Say whose browser it is."""
    return "Your browser" if name == "You" else f"{name}'s browser"


def _named(spot: Spot, place: int) -> str:
    return f"Conversation {place + 1}" if spot.name == FIRST else literal(f"{spot.name[:1].upper()}{spot.name[1:]}")


def draw_turns(live: Live, spot: Spot | None, words: Sequence[str] = (), quiet: bool = False) -> None:
    """Draw the newest turns and the first that has one of the `words`, at a click all of them.

    A `quiet` one says nothing where there are none.
    """
    if spot is None or not spot.length:
        if not quiet:
            st.caption("Nothing was said yet.")
        return
    user, every = live.users[spot.person], f"lessons_all_{spot.id}"
    said = live.store.turns(user, spot.id, 0, spot.length)
    traces = {trace.turn_id: trace for trace in live.traces(spot.person, spot.name)}
    shown = {turn.index for turn in said[-SHOWN:]} | set(spoken_of(said, words)[:1])
    if st.session_state.get(every):
        shown = {turn.index for turn in said}
    hidden = len(said) - len(shown)
    if hidden and st.button(
        f"Show all {len(said):,} turns", type="tertiary", icon=":material/unfold_more:", key=f"{every}_button"
    ):
        st.session_state[every] = True
        st.rerun()
    for turn in said:
        if turn.index in shown:
            _turn(live, spot, turn, traces.get(turn.id), turn.index == spot.length - 1)
        elif turn.index - 1 in shown:
            st.caption("⋮")


def spoken_of(said: Sequence[Turn], words: Sequence[str]) -> list[int]:
    """Return the indexes of the turns that have one of the words."""
    wanted = [word.casefold() for word in words]
    texts = {turn.index: " ".join(message.content for message in turn.messages).casefold() for turn in said}
    return [index for index, text in texts.items() if any(word in text for word in wanted)]


def _turn(live: Live, spot: Spot, turn: Turn, trace: Trace | None, newest: bool) -> None:
    if turn.status == "forgotten":
        st.caption(f":material/ink_eraser: Turn {turn.index + 1:,} is forgotten.")
        return
    if turn.human:
        with st.chat_message("user", avatar=USER):
            draw_said(turn, "human")
            draw_pictures(live.store, live.users[spot.person], spot.id, turn.pictures)
    with st.chat_message("assistant", avatar=MODEL):
        longterm_chat.draw_calls(turn, trace)
        if turn.ai:
            draw_said(turn, "ai")
        draw_ended(turn)
        if newest:
            not_done(turn, trace)
            if trace and trace.kind == "turn":
                st.caption(figures(trace))


def draw_coming(actions: Sequence[Action], waits: str) -> None:
    """Draw the message that comes next, which `waits` for something."""
    said = next((action for action in actions if action.say), None)
    if said is None or not said.say:
        return
    with st.chat_message("user", avatar=USER):
        draw_text(" ".join([said.say] * min(said.times, 3)) + (" …" if said.times > 3 else ""), "lessons_coming")
        if said.picture:
            st.caption(f":material/image: with the picture {literal(said.picture)}")
    with st.chat_message("assistant", avatar=MODEL):
        st.caption(waits)


# --- the answer on its way --------------------------------------------------------------------------------------------


def draw_job(job: Job, stored: bool) -> Mirror:
    """Draw an answer as far as it is; one that is `stored` already stands among the turns."""
    return Mirror(job, stored, card=_card, ended=lambda job: None)


def _card(job: Job) -> None:
    """Draw what the next step of a paused turn will do."""
    if job.before is None:
        return
    with st.container(border=True, gap="small", key="lessons_stop"):
        if isinstance(job.before, BeforeModel):
            draw_waiting_prompt(job.before)
        else:
            step_stops.draw(job.before, job)


def draw_waiting_prompt(before: BeforeModel) -> None:
    """Draw the prompt of a turn that is paused before the model, piece by piece."""
    size = tokens(before.tokens, before.exact)
    st.markdown(f"**Next, {escaped(model_name(before.model))} gets this prompt, {size}, and nothing else:**")
    for number, message in enumerate(before.messages):
        with st.container(gap=None):
            st.markdown(f"{number + 1}. {source_line(message, before, badge)}")
            st.text(message.content)
