"""The left side of a step: its text, the question or the button that plays, then what came of it, and the way on.

draw_step(at, live)
"""

from __future__ import annotations

import streamlit as st

from memory import rates
from memory.errors import InspectorError
from memory.lessons.glossary import Term
from memory.lessons.lesson import Action
from memory.lessons.live import Live
from memory.lessons.loading import load
from memory.lessons.words import fill, new_terms
from memory.steps import BeforeModel
from pages.ui.lessons import predicting, state
from pages.ui.lessons.checks import draw_checks
from pages.ui.lessons.ideas import draw_idea
from pages.ui.lessons.results import draw_results
from pages.ui.lessons.state import Opened
from pages.ui.security import inert
from pages.ui.words import escaped


def draw_step(at: Opened, live: Live, busy: bool) -> None:
    """Draw a step; `live` is what its figures are measured on, `busy` says that something is being played."""
    step = at.step
    with st.container(gap="small", key="lessons_text"):
        st.subheader(f"Step {at.number} of {len(at.lesson.steps)}: {escaped(step.title)}", anchor=False)
        if at.number == 1:
            taught = at.lesson.teaches
            draw_idea(at.lesson.idea or (taught[0] if len(taught) == 1 else at.lesson.memory))
        st.markdown(filled(step.text, live))
        _terms(new_terms(at.lesson, at.number))
        if at.missing and not at.played:
            _catch_up(at, busy)
        elif step.predict and at.open_question:
            _question(at, live, busy)
        elif step.play and not at.played and not busy:
            _play_button(at)
        if at.over:
            with st.container(gap="small", key="lessons_outcome"):
                _outcome(at, live)
            _way_on(at, busy)


def filled(text: str, live: Live | None) -> str:
    """Return a text of a lesson with its figures, as inert Markdown."""
    return inert(fill(text, live, escaped).text)


def _terms(terms: list[Term]) -> None:
    """Explain the words that are used here for the first time."""
    if terms:
        st.caption("  \n".join(f"**{escaped(term.name)}**: {escaped(term.means)}" for term in terms))


# --- before it is played ----------------------------------------------------------------------------------------------


def _question(at: Opened, live: Live, busy: bool) -> None:
    assert at.step.predict
    if busy:
        return
    guess = predicting.ask(at.step.predict, at.key("predict"), lambda text: filled(text, live))
    if at.step.play:
        st.caption("What comes is shown when you have predicted.")
    if guess is None:
        return
    try:
        # A question that plays nothing is done with when it is skipped; 0 is no choice and stands for that.
        if guess.value is not None or not at.step.play:
            at.stage.answer(at.number, guess.value if guess.value is not None else 0)
        if at.step.play:
            play(at)
    except InspectorError as error:
        st.markdown(f":red[:material/error:] {inert(str(error))}")
        return
    st.session_state.lessons_watched = at.arrival
    st.rerun()


def play(at: Opened) -> None:
    """Have the step played; raises BadInput, StoreUnavailable and LimitReached."""
    if said := sum(bool(action.say) for action in at.step.play):
        rates.admit(at.stage.store, at.stage.owner, "turns", said)
    st.session_state.lessons_played = at.stage.play(at.number)


def _play_button(at: Opened) -> None:
    label, icon = named(at.step.play, at.progress.done > 0)
    if not st.button(label, icon=icon, key=at.key("play")):
        return
    try:
        play(at)
    except InspectorError as error:
        st.markdown(f":red[:material/error:] {inert(str(error))}")
        return
    st.rerun()


def _catch_up(at: Opened, busy: bool) -> None:
    """Offer to play what the step goes on from."""
    missing = at.missing
    first, several = missing[0], len(missing) > 1
    which = f"steps {first} to {missing[-1]}" if several else f"step {first}"
    with st.container(border=True, gap="small", key="lessons_catch_up"):
        st.markdown(f"This step goes on from {which}, which {'were' if several else 'was'} not played yet.")
        with st.container(horizontal=True, gap="small"):
            if st.button(f"Go to step {first}", icon=":material/undo:", key=at.key("back"), disabled=busy):
                state.turn_to(at, first)
                st.rerun()
            if st.button(
                f"Play {which} now",
                icon=":material/fast_forward:",
                key=at.key("catch_up"),
                disabled=busy,
                type="tertiary",
            ):
                st.session_state.lessons_catching_up = at.number
                st.rerun()


def named(actions: list[Action], begun: bool = False) -> tuple[str, str]:
    """Say on a button what playing some actions does, with an icon."""
    if begun:
        return "Go on with this step", ":material/play_arrow:"
    said = sum(action.say is not None for action in actions)
    first = actions[0]
    if said == len(actions):
        return ("Send it" if said == 1 else f"Send these {said} messages"), ":material/send:"
    if len(actions) == 1:
        for name, label, icon in _DOES:
            if getattr(first, name) is not None:
                return label, icon
    return "Play this step", ":material/play_arrow:"


_DOES = (
    ("go", "Go on", ":material/skip_next:"),
    ("use", "Switch the memory", ":material/memory:"),
    ("again", "Have it answered again", ":material/refresh:"),
    ("thumb", "Give the thumb", ":material/thumbs_up_down:"),
    ("reflect", "Reflect now", ":material/psychology:"),
    ("forget", "Forget it", ":material/ink_eraser:"),
    ("reread", "Read it anew from the store", ":material/restart_alt:"),
    ("lint", "Check the rules", ":material/fact_check:"),
    ("compare", "Run the comparison", ":material/query_stats:"),
    ("document", "Put the document in", ":material/description:"),
)


# --- when it was played -----------------------------------------------------------------------------------------------


def _outcome(at: Opened, live: Live) -> None:
    """Draw what came of the step: the prediction beside it, the text that goes on, where to look, the checks."""
    step = at.step
    if step.predict:
        value = at.progress.answers.get(at.number)
        # A link may have put another memory in the place of that which the answer speaks of.
        holds = not at.own_memory or all(one.held for one in at.stage.judged(at.number, at.progress))
        predicting.draw_answer(step.predict, value or None, live, lambda text: filled(text, live), holds)
    if step.after:
        st.markdown(filled(step.after, live))
    if step.look and not at.shows("panel") and not at.compares:
        if at.marked:
            st.markdown(f":material/visibility: Marked in the conversation: {', '.join(map(escaped, at.marked))}.")
    elif step.look:
        st.markdown(f":material/visibility: Look at {_where(at, live)}: {filled(step.look.told, live)}")
    draw_results(step, live)
    if at.shows("claims"):
        draw_checks(step.claims, at.stage.judged(at.number, at.progress), lambda text: filled(text, live))


def _where(at: Opened, live: Live) -> str:
    """Say where that is which the step speaks of."""
    assert at.step.look
    if any(action.compare for action in at.step.play):
        return "the **comparison** below"
    if at.newest and live.job and isinstance(live.job.before, BeforeModel):
        return "the panel"  # it shows the prompt alone
    phone = " (on a phone: behind » at the top)" if at.number == 1 else ""
    return f"**{at.step.look.view}** in the panel{phone}"


def _way_on(at: Opened, busy: bool) -> None:
    """Draw the button that goes to the next step, or says that the lesson is finished."""
    if not at.last:
        following = at.stage.step(at.number + 1)
        if st.button(
            f"Next: {escaped(following.title)}",
            icon=":material/arrow_forward:",
            key=at.key("next"),
            disabled=busy,
            wrap=True,
        ):
            state.turn_to(at, at.number + 1)
            st.rerun()
    elif at.progress.finished_at:
        st.markdown(":material/task_alt: **You have finished this lesson.**")
        _next_lesson(at, busy)


def _next_lesson(at: Opened, busy: bool) -> None:
    """Draw the button that goes to the lesson after this one, where the others are not hidden."""
    names = list(load().found)
    place = names.index(at.lesson.lesson) + 1 if at.lesson.lesson in names else len(names)
    if place >= len(names) or not at.shows("overview"):
        return
    following = load().found[names[place]]
    label = f"Next lesson: {following.number}. {escaped(following.title)}"
    if st.button(label, icon=":material/arrow_forward:", key=at.key("next_lesson"), disabled=busy, wrap=True):
        state.open_lesson(following.lesson)
        st.rerun()
