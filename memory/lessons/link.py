"""What a link to a lesson restores: lesson, step, memory with its settings, what is hidden, and how it is shown.

    >>> to_query(Shown("window", step=3, memory="window:k=3", hidden=("settings",), presenter=True))
    {'lesson': 'window', 'step': '3', 'memory': 'window:k=3', 'hide': 'settings', 'view': 'presenter'}
    >>> from_query({"lesson": "window", "step": "3"})
    Shown(lesson='window', step=3, memory='', hidden=(), presenter=False)

These are the parameters of an address, plain enough to be typed by a teacher. They hold no word of a conversation,
nobody's id and no key. A link is somebody else's text: each part is checked, and whatever is wrong is told in one
sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from memory.catalog import load as load_catalog
from memory.errors import BadInput
from memory.lessons.lesson import Control, Lesson
from memory.lessons.loading import lesson as lesson_of

NAMES = ("lesson", "step", "memory", "hide", "view")
"""The parameters."""
CONTROLS: tuple[Control, ...] = get_args(Control)
LONGEST = 2_000
"""Characters of a parameter."""
_REMEDY = "ask for the link again"


@dataclass(frozen=True, slots=True)
class Shown:
    """A lesson as it is to be shown; `memory` is "" where it is the lesson's own, `step` counts from 1."""

    lesson: str
    step: int = 1
    memory: str = ""
    hidden: tuple[Control, ...] = ()
    presenter: bool = False

    def open(self) -> Lesson:
        """Return the lesson, read by the memory that the link names; raises BadInput."""
        found = lesson_of(self.lesson)
        return found.model_copy(update={"memory": self.memory}) if self.memory else found


def to_query(shown: Shown) -> dict[str, str]:
    """Write the parameters, those alone that are not as usual; raises BadInput where one is too long for a link."""
    row = {
        "lesson": shown.lesson,
        "step": str(shown.step) if shown.step != 1 else "",
        "memory": shown.memory,
        "hide": ",".join(name for name in CONTROLS if name in shown.hidden),
        "view": "presenter" if shown.presenter else "",
    }
    if len(shown.memory) > LONGEST:
        raise BadInput("The memory's settings are too long for a link: shorten them.")
    return {name: value for name, value in row.items() if value}


def from_query(query: Mapping[str, str]) -> Shown | None:
    """Read parameters; None where they name no lesson. What else an address has is passed over. Raises BadInput."""
    row = {name: query.get(name, "").strip() for name in NAMES}
    for name, value in row.items():
        if len(value) > LONGEST:
            raise BadInput(f"The link is damaged ({name} has {len(value):,} characters): {_REMEDY}.")
    if not row["lesson"]:
        return None
    try:
        found = lesson_of(row["lesson"])
        if row["memory"]:
            load_catalog().memory(row["memory"])
    except BadInput as error:
        raise BadInput(f"The link cannot be used here: {_line(str(error)).rstrip('.')}; {_REMEDY}.") from None
    step, last = row["step"] or "1", len(found.steps)
    if not (step.isascii() and step.isdecimal() and len(step) < 4 and 1 <= int(step) <= last):
        raise BadInput(f"The link names step {_line(step)[:20]!r} and {found.title} has steps 1 to {last}: {_REMEDY}.")
    wanted = [name.strip() for name in row["hide"].split(",") if name.strip()]
    for name in wanted:
        if name not in CONTROLS:
            choose = ", ".join(CONTROLS)
            raise BadInput(f"The link hides {_line(name)[:40]!r}, which is not known; it can hide {choose}: {_REMEDY}.")
    if row["view"] not in ("", "presenter"):
        raise BadInput(f"The link names the view {_line(row['view'])[:40]!r}; it can be presenter: {_REMEDY}.")
    hidden = tuple(name for name in CONTROLS if name in wanted)
    return Shown(found.lesson, int(step), row["memory"], hidden, row["view"] == "presenter")


def _line(text: str) -> str:
    line = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return line if len(line) <= 300 else line[:299] + "…"
