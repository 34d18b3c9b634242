"""Tables of anybody's words: what Streamlit lets download of a table as CSV is no formula in a spreadsheet.

    >>> inert_cells({"began": ["=1+1", "Hello"]}).to_dict("list")
    {'began': ['\\u200b=1+1', 'Hello']}

Streamlit writes that file in the browser, cell by cell as they are. A space without width stands before what would be
run: on the screen a table looks as it did.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from memory.compare.report import FORMULA


def inert_cell(value: Any) -> Any:
    """Return a text that no spreadsheet runs; what is no text passes as it is."""
    return FORMULA.sub("\\1\u200b", value) if isinstance(value, str) else value


def inert_cells(table: Any) -> pd.DataFrame:
    """Return a table, or what makes one, whose texts no spreadsheet runs."""
    return pd.DataFrame(table).map(inert_cell)
