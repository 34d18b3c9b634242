"""A memory's setting as the control that fits its type: number, switch, choice, text, or names with values.

>>> kind_of(VectorStoreRetrieverMemory.Settings.model_fields["search"]).choices
('hybrid', 'dense', 'lexical')
>>> kind_of(AttentionMemory.Settings.model_fields["temperature"]).low
0.001
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from pages.ui.pairs import pairs_control, written

AUTOMATIC = "automatic"
NAMES = {
    "max_token_limit": "limit, tokens",
    "summarize_step": "every … turns",
    "summarize_block": "block, tokens",
    "score_threshold": "score at least",
    "decay_rate": "decay an hour",
    "half_life": "half-life, turns",
    "memories": "parts",
}
WORDS = {
    AUTOMATIC: AUTOMATIC,
    "hybrid": "words and meaning",
    "dense": "meaning",
    "lexical": "words",
}
STEPS = {"decay_rate": 0.01, "half_life": 5.0}
LEAST = 0.001
"""What a number must be at least that must be more than 0."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a setting takes: its type, whether it may be left empty, what it can be chosen from, and its bounds."""

    type: type
    optional: bool = False
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


def kind_of(field: FieldInfo) -> Kind:
    """Read what a setting takes from its annotation and its bounds; what is none of these is a text."""
    union = get_origin(field.annotation) in (Union, UnionType)
    every = get_args(field.annotation) if union else (field.annotation,)
    optional, members = NoneType in every, [part for part in every if part is not NoneType]
    of = members[0] if len(members) == 1 else str
    if get_origin(of) is Literal:
        return Kind(str, optional, tuple(map(str, get_args(of))))
    of = get_origin(of) or of
    if of not in (bool, int, float, dict):
        return Kind(str, optional)
    low = high = None
    for rule in field.metadata:
        least = LEAST if of is float else 1
        low = getattr(rule, "ge", low)
        high = getattr(rule, "le", high)
        low = rule.gt + least if getattr(rule, "gt", None) is not None else low
        high = rule.lt - least if getattr(rule, "lt", None) is not None else high
    return Kind(of, optional, (), low, high)


def label_of(name: str, kind: Kind) -> str:
    """Name a setting in few words."""
    if kind.type is dict and name == "memories":
        return "facts"
    return NAMES.get(name, name.replace("_", " "))


def with_value(label: str, value: object, said: str) -> str:
    """Name a setting with its value as it is `said`; every turn is not "every 1 turns"."""
    if "…" not in label:
        return f"{label} = {said}"
    return label.replace("… turns", "turn") if value == 1 else label.replace("…", said)


def shown(value: Any, kind: Kind) -> Any:
    """Return a setting's value as its control keeps it in the session."""
    if isinstance(value, dict):
        return written(value)
    if kind.choices:
        return AUTOMATIC if value is None else str(value)
    return ("" if value is None else str(value)) if kind.type is str else value


def draw(name: str, kind: Kind, value: Any, key: str, help: str | None, disabled: bool, roomy: bool = False) -> Any:
    """Draw the control whose value stands in the session under `key`; return what it says now.

    A `roomy` one stands below its label and says what it is for.
    """
    label = label_of(name, kind)
    look: dict[str, Any] = {"key": key, "disabled": disabled}
    if roomy or kind.type is bool:
        look["help"] = help
    else:
        st.caption(label)
        look["label_visibility"] = "collapsed"
    if kind.type is dict:
        return pairs_control(label, value, key, help, disabled)
    if kind.type is bool:
        return st.toggle(label, **look)
    if kind.choices:
        options = [*([AUTOMATIC] if kind.optional else []), *kind.choices]
        chosen = st.selectbox(label, options, format_func=lambda one: WORDS.get(one, one), width=190, **look)
        return None if chosen == AUTOMATIC and kind.optional else chosen
    if kind.type is str:
        text = st.text_input(label, width="stretch" if roomy else 340, **look)
        return None if kind.optional and not text else text
    look |= {
        "value": None if kind.optional else "min",
        "placeholder": AUTOMATIC if roomy else "auto",
        "width": 150 if roomy else 130,
    }
    if kind.type is int:
        low, high = int(kind.low or 0), None if kind.high is None else int(kind.high)
        return st.number_input(label, low, high, step=1 if (high or 0) <= 1000 else 100, **look)
    step = STEPS.get(name, 0.05 if kind.high is not None and kind.high <= 10 else 1.0)
    # What was set by another way may be less than the least that is offered.
    least = None if kind.low is None else min(float(kind.low), kind.low if value is None else float(value))
    most = None if kind.high is None else float(kind.high)
    return st.number_input(label, least, most, step=step, format="%g", **look)
