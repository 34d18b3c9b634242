"""The words of all lessons, each in a sentence or two, to be looked up at any time.

glossary_button()
"""

from __future__ import annotations

import streamlit as st

from memory.lessons.glossary import glossary
from pages.ui.words import escaped


def glossary_button() -> None:
    """Draw the button that opens the glossary."""
    if st.button("Glossary", icon=":material/menu_book:", type="tertiary", key="lessons_glossary"):
        _dialog()


@st.dialog("Glossary", width="medium", icon=":material/menu_book:")
def _dialog() -> None:
    wanted = st.text_input("Find a word", key="lessons_glossary_wanted", placeholder="for example: token").casefold()
    found = [one for one in glossary().values() if wanted.strip() in f"{one.name} {one.means}".casefold()]
    if not found:
        st.caption("No word of the lessons is like it.")
    st.markdown("\n\n".join(f"**{escaped(one.name)}**  \n{escaped(one.means)}" for one in found))
