"""All lessons with how far this browser is in each, the files that are broken, and the glossary.

overview(user)
"""

from __future__ import annotations

import streamlit as st

from memory.errors import InspectorError
from memory.lessons.lesson import Lesson
from memory.lessons.loading import Lessons, load
from memory.lessons.progress import Desk, Progress, edition
from pages.ui import connections
from pages.ui.lessons import state
from pages.ui.lessons.glossary_view import glossary_button
from pages.ui.security import inert
from pages.ui.words import escaped, plural


def overview(user: str) -> bool:
    """Draw the list, where a click opens a lesson where it was left; say whether it is known where that was."""
    lessons, known = load(), _kept(user)
    kept = known or {}
    found = list(lessons.found.values())
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.title("Lessons", width="content")
        glossary_button()
    done = sum(bool(kept[one.lesson].finished_at) for one in found if one.lesson in kept)
    st.markdown(
        f"{plural(len(found), 'lesson')}, each beside a real conversation: you read, you predict, the messages are "
        "sent with the real memory, and what the text says is checked on what came of it. "
        + (
            f"**{done} of {len(found)} finished** in this browser."
            if done
            else "Begin with the first where chatbot memory is new to you. No key is needed: the demo model answers."
        )
    )
    _next(found, kept)
    half = (len(found) + 1) // 2
    for place, part in zip(st.columns(2, gap="medium"), (found[:half], found[half:]), strict=True):
        with place:
            for lesson in part:
                _row(lesson, kept.get(lesson.lesson))
    _broken(lessons)
    return known is not None


def _kept(user: str) -> dict[str, Progress] | None:
    try:
        return Desk(connections.store(), user).all()
    except InspectorError as error:
        st.warning(f"How far you are cannot be read: {inert(str(error))}", icon=":material/cloud_off:")
        return None


def _next(found: list[Lesson], kept: dict[str, Progress]) -> None:
    """Offer to go on where this browser was last, else with the first lesson that it has not finished."""
    begun = [one for one in found if (been := kept.get(one.lesson)) and been.run and not been.finished_at]
    last = max(begun, key=lambda one: kept[one.lesson].begun_at, default=None)
    lesson = last or next((one for one in found if not _finished(kept.get(one.lesson))), None)
    if lesson is None:
        return
    verb = "Go on with" if last else "Begin with" if lesson is found[0] else "Next:"
    label = f"{verb} {lesson.number}. {escaped(lesson.title)}"
    if st.button(label, icon=":material/play_arrow:", key="lessons_next_lesson"):
        state.open_lesson(lesson.lesson)
        st.rerun()


def _row(lesson: Lesson, progress: Progress | None) -> None:
    with st.container(gap="xxsmall", key=f"lessons_row_{lesson.lesson}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button(
                f"{lesson.number}. {escaped(lesson.title)}",
                type="tertiary",
                icon=":material/task_alt:" if _finished(progress) else ":material/school:",
                key=f"lessons_open_{lesson.lesson}",
                wrap=True,
            ):
                state.open_lesson(lesson.lesson)
                st.rerun()
        st.caption(f"{escaped(lesson.about)}  \n{_status(lesson, progress)}")


def _finished(progress: Progress | None) -> bool:
    return bool(progress and progress.finished_at)


def _status(lesson: Lesson, progress: Progress | None) -> str:
    """Say how far this browser is in a lesson."""
    takes = f"{plural(len(lesson.steps), 'step')}, about {plural(lesson.minutes, 'minute')}"
    if progress is None or not (progress.run or progress.finished_at):
        return f"{takes} · not begun"
    if progress.finished_at:
        return f"{takes} · **finished**"
    if progress.edition != edition(lesson):
        return f"{takes} · changed since you began it: it begins anew"
    return f"{takes} · **at step {progress.step} of {len(lesson.steps)}**"


def _broken(lessons: Lessons) -> None:
    if not lessons.broken:
        return
    st.subheader("Files that are no lessons yet")
    st.caption("The others are not touched by it. `python -m memory lessons check FILE` says everything that is wrong.")
    for broken in lessons.broken:
        st.markdown(f":red[:material/error:] **{inert(broken.file)}**: {inert(broken.error)}")
