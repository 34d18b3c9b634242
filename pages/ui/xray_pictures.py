"""The pictures behind a prompt, small: those that were sent, and those of which the model was told in words alone.

draw(seen)    # under the prompt's text, whose words tell of each picture
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import streamlit as st

from memory.errors import StoreUnavailable
from memory.inspection.inspect import Inspection
from memory.pictures.picture import Picture
from pages.ui.words import literal, number, place

WIDTH = 96
"""Pixels of a thumbnail."""
MOST = 12
"""How many pictures are drawn."""
_CAPTION = re.compile(r"^(?:\d+\.)?picture-(\d+)-(\d+):")


def draw(seen: Inspection) -> None:
    """Draw them, each with where it is from and what of it was sent."""
    found = list(_behind(seen))[:MOST]
    if not found:
        return
    with st.container(horizontal=True, gap="small", key="panel_prompt_pictures"):
        for picture, source, fate in found:
            try:
                data = seen.store.picture(seen.user, seen.thread, picture.id)
            except StoreUnavailable:
                data = None
            about = f"{literal(picture.name)}, {source}: {fate}"
            if data is None:
                st.caption(f":material/hide_image: {about}; the picture itself is not kept here.")
            else:
                with st.container(width=WIDTH + 24, gap="xsmall"):
                    st.image(data, width=WIDTH, alt=picture.told)
                    st.caption(about)


def _behind(seen: Inspection) -> Iterator[tuple[Picture, str, str]]:
    trace = seen.trace
    for item in trace.items:
        named = _CAPTION.match(item.ref)
        turn = int(named[1]) - 1 if named else -1
        if named and 0 <= turn < seen.length:
            pictures = seen.transcript[turn].pictures
            if int(named[2]) <= len(pictures):
                fate = f"sent, with its caption {number(item.tokens)} tokens" if item.picture else "its caption alone"
                yield pictures[int(named[2]) - 1], place(turn), fate
    for picture in seen.turn.pictures:
        tokens = trace.pictures.get(picture.id)
        sent = "sent, its tokens not known" if tokens is None else f"sent, {number(tokens)} tokens"
        yield picture, "your message", sent if picture.id in trace.pictures else "told in words"
