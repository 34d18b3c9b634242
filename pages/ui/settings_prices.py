"""The prices of the settings: what a million tokens cost, and of which day that is.

price_table([("the answers", "openai:gpt-5-mini")])    # one row: $0.25 in, $2 out
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from memory.money.prices import Rates, price_date, rates
from pages.ui.words import model_name


def price_table(asked: Sequence[tuple[str, str]]) -> None:
    """Draw a row of prices for each purpose and its model."""
    st.dataframe(
        [_row(*row) for row in asked],
        hide_index=True,
        row_height=30,
        column_config={name: st.column_config.TextColumn(alignment="right") for name in ("Input", "Cached", "Output")}
        | {"Cache write": st.column_config.TextColumn(alignment="right")},
        alt="Dollars per million tokens",
    )
    st.caption(
        f"US dollars per million tokens for short prompts, as of {_day(price_date())} (data of genai-prices). What has "
        "no known price is shown as unknown, never as free."
    )


def _row(what: str, model: str) -> dict[str, str]:
    found: Rates | None = rates(model)

    def cell(name: str) -> str:
        if found is None:
            return "unknown"
        amount = getattr(found, name)
        return "as input" if amount is None and name != "output" else "unknown" if amount is None else f"${amount:,f}"

    return {
        "For": what,
        "Model": model_name(model),
        "Input": cell("input"),
        "Cached": cell("cached"),
        "Cache write": cell("cache_write"),
        "Output": cell("output"),
    }


def _day(of: date) -> str:
    return f"{of.day} {of:%B %Y}"
