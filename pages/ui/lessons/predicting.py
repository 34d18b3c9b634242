"""What the learner is asked before the turns are played, and what came of the guess.

answer = ask(predict, "lessons_window_3")          # None as long as nothing is chosen
draw_answer(predict, 2, live, because)             # 2: the second choice; None: skipped
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from memory.lessons.claims import predicted
from memory.lessons.lesson import Predict
from memory.lessons.live import Live
from pages.ui.words import escaped

_UNKNOWN = "It could not be measured here."


@dataclass(frozen=True, slots=True)
class Guess:
    """A prediction that was made: the choice, counted from 1, or the number; None where it was skipped."""

    value: float | None


def ask(predict: Predict, key: str, says: Callable[[str], str]) -> Guess | None:
    """Draw the question; return the guess when it is made."""
    with st.container(border=True, gap="small", key="lessons_predict"):
        value: float | None
        if predict.choices:
            chosen = st.radio(
                f"**{says(predict.ask)}**",
                range(1, len(predict.choices) + 1),
                index=None,
                format_func=lambda number: says(predict.choices[number - 1]),
                key=f"{key}_guess",
            )
            value = None if chosen is None else float(chosen)
        else:
            unit = f" ({escaped(_unit(predict))})" if predict.unit else ""
            value = st.number_input(
                f"**{says(predict.ask)}**{unit}",
                min_value=0.0,
                value=None,
                step=1.0,
                format="%g",
                placeholder="your guess",
                key=f"{key}_guess",
                width=220,
            )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            checked = st.button("Check my prediction", icon=":material/check:", key=f"{key}_check")
            skipped = st.button("Skip", type="tertiary", key=f"{key}_skip", help="Show it without a prediction")
        if skipped:
            return Guess(None)
        if checked and value is not None:
            return Guess(value)
        if checked:
            what = "Choose one of the answers" if predict.choices else "Type a number"
            st.caption(f":material/info: {what} first, or skip the question.")
    return None


def draw_answer(
    predict: Predict, value: float | None, live: Live, says: Callable[[str], str], holds: bool = True
) -> None:
    """Draw what was predicted, whether it is right, and why; what is said of another memory only where it `holds`."""
    with st.container(border=True, gap="xsmall", key="lessons_predicted"):
        right, told = _right(predict, value, live, says)
        if value is None:
            said = "You did not predict."
        elif predict.choices:
            said = f"You predicted: “{says(predict.choices[int(value) - 1])}”"
        else:
            said = f"You predicted: {value:,g} {escaped(_unit(predict))}".rstrip()
        st.markdown(f"**{says(predict.ask)}**  \n{said}{'' if said.endswith(('.', '!', '?')) else '.'}")
        if not holds:
            st.markdown(
                ":material/swap_horiz: With the lesson's own memory the answer would be another one: see in the "
                "panel what this memory did."
            )
            return
        st.markdown(f"{_word(value, right)}{told} {says(predict.because)}")


def _word(value: float | None, right: bool | None) -> str:
    if value is None or right is None:
        return ":material/lightbulb: **The answer.**"
    return ":material/check_circle: **Right.**" if right else ":material/cancel: **Not this time.**"


def _right(predict: Predict, value: float | None, live: Live, says: Callable[[str], str]) -> tuple[bool | None, str]:
    """Say whether a guess is right, and what the answer is where it was not given."""
    if predict.choices:
        assert predict.right
        right = None if value is None else int(value) == predict.right
        return right, "" if right else f" {says(_sentence(predict.choices[predict.right - 1]))}"
    assert predict.number
    verdict = predicted(predict, live, value if value is not None else 0.0)
    told = f"Measured: {verdict.measured} {_unit(predict)}".rstrip() + "."
    return (None if value is None else verdict.held), f" {escaped(told) if verdict.held is not None else _UNKNOWN}"


def _unit(predict: Predict) -> str:
    return predict.unit.strip("() ")


def _sentence(text: str) -> str:
    return f"{text}{'' if text.endswith(('.', '!', '?')) else '.'}"
