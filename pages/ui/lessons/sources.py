"""The source of the memories that a lesson teaches, read from the very classes that run.

draw_sources(lesson)
"""

from __future__ import annotations

import inspect
from pathlib import Path

import streamlit as st

from memory.base import Memory
from memory.catalog import load
from memory.lessons.lesson import Lesson
from pages.ui.words import escaped, literal

_ROOT = Path(__file__).parents[3]


def draw_sources(lesson: Lesson) -> None:
    """Draw each memory's file, folded, with its path in the project."""
    for cls in taught(lesson):
        more = st.expander(
            f"The source of {escaped(cls.label)}, as it runs",
            type="compact",
            icon=":material/code:",
            key=f"lessons_source_{cls.short}",
            on_change="rerun",
        )
        if more.open:
            with more:
                path, text = source_of(cls)
                st.caption(f"{literal(path)}: what you read here is what answered you.")
                # Streamlit's colours of code are too pale for the light theme, and a box that scrolls is out of the
                # keyboard's reach.
                st.code(text, None, wrap_lines=True)


def taught(lesson: Lesson) -> list[type[Memory]]:
    """Return the classes of the memories that a lesson names in `teaches`, else the one that it begins with."""
    known = load()
    return list(dict.fromkeys(type(known.memory(spec)) for spec in lesson.teaches or [lesson.memory]))


def source_of(cls: type[Memory]) -> tuple[str, str]:
    """Return the file that a memory's class stands in, by its path in the project, and all of its text."""
    file = Path(inspect.getsourcefile(cls) or inspect.getfile(cls)).resolve()
    path = file.relative_to(_ROOT) if file.is_relative_to(_ROOT) else Path(file.name)
    return path.as_posix(), inspect.getsource(inspect.getmodule(cls) or cls)
