"""A small table of figures, as every part of the Cost view draws one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import pandas as pd
import streamlit as st

from pages.ui.tables import inert_cells


def table(rows: pd.DataFrame, alt: str, widths: Sequence[int] = ()) -> None:
    """Draw a table whose cells are words of ours, figures at the right; `widths` are in pixels."""
    names = list(rows.columns)
    left = {names[0], "error"}
    config: dict[str, Any] = {
        name: st.column_config.TextColumn(alignment="left" if name in left else "right", width=width)
        for name, width in zip_longest(names, widths)
    }
    st.dataframe(inert_cells(rows), hide_index=True, row_height=27, column_config=config, alt=alt)
