"""The pictures that a memory knows by their captions: small, each with its caption and the way to its turn."""

from __future__ import annotations

import streamlit as st

from memory.errors import StoreUnavailable
from memory.inspection.inspect import Inspection
from memory.views import Pictured, PictureList
from pages.ui.forms.chart import open_turn
from pages.ui.words import badge, escaped, literal, plural

FIRST = 6
"""How many are drawn at once; more on demand."""
MOST = 60


def draw(form: PictureList, seen: Inspection, key: str) -> None:
    """Draw the pictures in their order."""
    rows, sent = form.rows, sum(row.sent for row in form.rows)
    st.markdown(f"**{plural(len(rows), 'picture')}**, {f'{sent:,} of them' if sent else 'none of them'} sent")
    for row in rows[:FIRST]:
        _row(row, seen, key)
    if len(rows) > FIRST:
        more = st.expander(f"{len(rows) - FIRST:,} more pictures", type="compact", key=f"{key}_more", on_change="rerun")
        if more.open:
            with more:
                for row in rows[FIRST:MOST]:
                    _row(row, seen, key)
                if len(rows) > MOST:
                    st.caption(f"{plural(len(rows) - MOST, 'older picture')} not drawn.")


def _row(row: Pictured, seen: Inspection, key: str) -> None:
    with st.container(border=True, horizontal=True, wrap=False, gap="small", vertical_alignment="center"):
        try:
            data = seen.store.picture(seen.user, seen.thread, row.id)
        except StoreUnavailable:
            data = None
        if data:
            st.image(data, width=96, alt=row.caption)
        with st.container(gap="xsmall"):
            fate = badge("blue", "sent") if row.sent else badge("gray", "not sent")
            st.markdown(f"**{literal(row.name)}** {fate}")
            st.text(row.caption)
            if row.why:
                st.caption(escaped(f"{row.why[:1].upper()}{row.why[1:]}."))
            if data is None:
                st.caption(":material/hide_image: The picture itself is not kept here, its caption is.")
            st.button(
                f"Turn {row.turn + 1:,}",
                icon=":material/arrow_forward:",
                type="tertiary",
                key=f"{key}_{row.id}_{row.turn}",
                on_click=open_turn,
                args=(row.turn,),
                help="Open the turn that it came with",
            )
