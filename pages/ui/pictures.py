"""Pictures of the chat: taken from the box, shown beside their messages, kept until their message is sent.

Session keys, `compare_live` in place of `chat` where that is the page: `chat_pictures` (those read and not sent yet),
`chat_pictures_wrong` (a sentence on others), `chat_without_words` (they are to be sent alone), and in the chat
`chat_pictures_sent` (a turn's id and what came with it, so that a message of which nothing was sent goes back whole).
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.elements.widgets.chat import ChatInputValue

from memory.errors import BadInput, StoreUnavailable
from memory.pictures.limits import MOST, limits
from memory.pictures.picture import Picture
from memory.pictures.reading import read_picture
from memory.store import Store
from memory.worker import Job
from pages.ui.given_back import plain
from pages.ui.security import inert
from pages.ui.words import literal, plural, unseen

WIDTH = 180
"""Pixels of a thumbnail in the chat; a click makes it large."""
Read = tuple[Picture, bytes]


def largest() -> int:
    """Return how many megabytes the box takes; the server refuses what is over its own limit."""
    return int(max(1, min(-(-limits().file // 1_000_000), st.get_option("server.maxUploadSize"))))


def taken(value: str | ChatInputValue | None, page: str = "chat") -> tuple[str, list[Read]]:
    """Part what was sent into its words and its pictures; where one cannot be read nothing is sent and all is kept.

    The words go back into the box, the pictures that could be read wait above it, and a sentence says what is wrong.
    """
    waiting: list[Read] = st.session_state.get(f"{page}_pictures", [])
    if value is None or isinstance(value, str):
        said, files = value or "", []
    else:
        said, files = value.text or "", list(value.files or ())
    said = plain(said, page)
    if not said.strip() and not files and not st.session_state.pop(f"{page}_without_words", False):
        return said, []
    read, wrong = list(waiting), list[str]()
    for file in files:
        try:
            read.append(read_picture(file.name, file.getvalue()))
        except BadInput as error:
            wrong.append(str(error))
    read = list({picture.id: (picture, data) for picture, data in read}.values())
    if len(read) > MOST:
        wrong.append(f"{plural(len(read), 'picture')} are more than the {MOST} of one message: the first {MOST} wait.")
        read = read[:MOST]
    if wrong:
        told = "Your message was not sent and is in the box." if said.strip() else "Nothing was sent."
        st.session_state[f"{page}_pictures_wrong"] = f"{' '.join(wrong)} {told}"
        st.session_state.setdefault(f"{page}_restore", said)
        keep(read, page)
        return "", []
    keep([], page)
    return said, read


def keep(read: Sequence[Read], page: str = "chat") -> None:
    """Have pictures wait for the next message."""
    st.session_state[f"{page}_pictures"] = list(read)


def sent(job: Job, read: Sequence[Read]) -> None:
    """Remember what came with a message until it is answered."""
    st.session_state.chat_pictures_sent = (job.id, list(read)) if read else None


def back(job: Job) -> None:
    """Have the pictures of a message of which nothing was sent wait for the next one."""
    known = st.session_state.pop("chat_pictures_sent", None)
    if known and known[0] == job.id:
        keep(known[1])


def draw_waiting(page: str = "chat") -> bool:
    """Draw the pictures that wait for the next message, and what was wrong with others; stands next to the box.

    Returns whether they are to be sent without words.
    """
    if wrong := st.session_state.pop(f"{page}_pictures_wrong", None):
        st.error(inert(wrong), icon=":material/error:")
    waiting: list[Read] = st.session_state.get(f"{page}_pictures", [])
    if not waiting:
        return False
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{page}_waiting_pictures"):
        st.caption(f"{plural(len(waiting), 'picture')} for your next message:", width="content")
        for picture, data in waiting:
            st.image(data, width=48, alt=picture.told)
            if st.button(
                unseen(f"Leave out {picture.name}"),
                icon=":material/close:",
                type="tertiary",
                key=f"{page}_leave_out_{picture.id}",
                help=f"Leave out {literal(picture.name)}",
            ):
                keep([one for one in waiting if one[0].id != picture.id], page)
                st.rerun()
        return st.button("Send without words", type="tertiary", icon=":material/send:", key=f"{page}_send_pictures")


def draw_pictures(store: Store, user: str, thread: str, pictures: Sequence[Picture]) -> None:
    """Draw the pictures of a message, small, each with its name; one that is not kept is named."""
    if not pictures:
        return
    with st.container(horizontal=True, gap="small"):
        for picture in pictures:
            try:
                data = store.picture(user, thread, picture.id)
            except StoreUnavailable:
                data = None
            if data is None:
                st.caption(f":material/hide_image: {literal(picture.name)} is not kept here.")
                continue
            about = f"{literal(picture.name)} · {picture.width:,} × {picture.height:,} pixels"
            st.image(data, about, width=min(WIDTH, max(64, picture.width)), alt=picture.told)
