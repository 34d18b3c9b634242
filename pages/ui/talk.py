"""The conversation on the page, and the way of a further message, which has only what it changes drawn anew.

    with coming: answer = talk.coming(shown, job)      # the place of the answer on its way
    with talk_place: talk.turns(shown, busy, paused)
    with beside: talk.context(shown)
    with st.sidebar: talk.side(shown)

A message that begins a conversation, or meets anything but a page at rest, draws the whole page: it is sent in the run
that hears it (`say`), mirrored, and the page is drawn once more with the turn. A further one runs the fragment `coming`
alone, which sends it and mirrors the answer; then the places of the new turn and of the one before it, the context and
the panel are drawn in one run. Each of them is a fragment at the root of its place and draws nowhere else, and all
read what is shown from the one `Shown` that `coming` moves on. Where anything is not as it was, `coming` leaves the
message to the whole page.
"""

from __future__ import annotations

import streamlit as st

from memory import worker
from memory.errors import InspectorError, StoreUnavailable
from memory.store import UNTITLED
from memory.strategies.combined import learner
from memory.threads import title_of
from memory.worker import Job
from pages.ui import chat_state, found_turn, messages, newest, panel, pictures, runs, steps, watch
from pages.ui.answering import Mirror, send
from pages.ui.chat_state import Chat, Shown
from pages.ui.given_back import taken
from pages.ui.note_actions import EDIT, FORGET
from pages.ui.search_box import forget_search
from pages.ui.security import inert
from pages.ui.words import percentage

FREE = 10
"""Further messages until the whole page is drawn again."""
CONTEXT, PANEL = "chat_context", "chat_panel"
TOLD = (
    "chat_notice",
    "watch_notice",
    "chat_away",
    "chat_deleted",
    "imported",
    "imported_undone",
    "chat_sample",
    "chat_sample_done",
    "chat_editing",
    "chat_window",
    "chat_found_turn",
    "chat_found",
    "chat_switch",
    "chat_switching",
    "chat_came_back",
    "chat_restore",
    "chat_given_back",
    "chat_pictures",
    "chat_pictures_wrong",
    "chat_step_job",
    "chat_stepping",
    FORGET,
    EDIT,
)
"""What the session holds, if anything, while the page shows more than a conversation at rest."""


def loud() -> bool:
    """Whether the page shows something that a message takes away."""
    return any(st.session_state.get(name) for name in TOLD)


# --- the turns --------------------------------------------------------------------------------------------------------


def turns(shown: Shown, busy: bool, paused: bool) -> None:
    """Draw the turns that are shown, with buttons for those before and after; the newest has a place of its own."""
    if not shown.turns:
        return
    first, end = shown.turns[0].index, shown.turns[-1].index + 1
    found_turn.earlier_button(first, shown)
    if end < shown.length:
        messages.draw_turns(shown, shown.turns, busy, paused)
        found_turn.later_buttons(end, shown)
        return
    messages.draw_turns(shown, shown.turns[:-1], busy, paused)
    for number, place in enumerate(_PLACES[: 1 if busy else None]):
        place(shown, end - 1 + number, busy, paused)


def _turn(shown: Shown, index: int, busy: bool, paused: bool) -> None:
    try:
        messages.draw_turns(shown, [turn for turn in shown.turns if turn.index == index], busy, paused)
    except StoreUnavailable as error:
        watch.broken_off(error)
    except InspectorError as error:
        st.error(inert(str(error)), icon=":material/error:")


def _place(number: int) -> str:
    return f"chat_turn_{number}"


_PLACES = tuple(st.fragment(_turn, key=_place(number)) for number in range(FREE + 1))
"""The places of the newest turn and of those to come."""


# --- a message --------------------------------------------------------------------------------------------------------


def say(chat: Chat | None, busy: bool) -> tuple[bool, Job | None]:
    """Take what was sent from the visit and hand it to a worker; returns whether anything was, and the answer.

    What cannot be sent now goes back into the box.
    """
    state = st.session_state
    with runs.uninterrupted():
        said, read = pictures.taken(state.pop("chat_submitted", None))
        if not said.strip() and not read:
            return False, None
        taken()
        state.pop("chat_deleted", None)
        state.pop("imported", None)
        found_turn.to_newest()
        forget_search()
        # A message rests on the answer before it: while that is on its way, or the store away, it waits in the box.
        title = title_of(said) if said.strip() else title_of(read[0][0].name)
        job = send(chat, said, title, read) if chat and not busy else None
        if job is None:
            state.setdefault("chat_restore", said)
            pictures.keep(read)
        return True, job


@st.fragment(key=runs.FURTHER)
def _further(shown: Shown) -> None:
    """Draw the place of an answer to come; where something was said, send it and mirror the answer."""
    if "chat_submitted" not in st.session_state:
        _follow(shown)
        st.empty()  # takes the place of an answer that has become a turn
        return
    try:
        job = _sent(shown)
        _follow(shown, job)
        Mirror(job).mirror()
        _answered(shown, job)
    except InspectorError:
        st.rerun()  # the page says what is wrong with the store


def _follow(shown: Shown, job: Job | None = None) -> None:
    chat = shown.chat
    if chat and (chat.thread or job or st.session_state.get("chat_sample")):
        on_its_way = job is not None and not _stored(shown, job)
        newest.follow(chat.thread.id if chat.thread else "", shown.length + on_its_way)


def _stored(shown: Shown, job: Job) -> bool:
    return any(turn.id == job.id for turn in shown.turns)


def _further_alone(shown: Shown) -> bool:
    """Whether nothing but its next turn will change with a message."""
    chat = shown.chat
    if not chat or not chat.thread or chat.memory.rests or learner(chat.memory) or shown.loud or loud():
        return False
    if watch.slow():
        return False
    return bool(shown.last and shown.last.kind == "turn")


def _sent(shown: Shown) -> Job:
    """Send a message where the page is as it was drawn; else have the whole page do it, or tell why it was not sent."""
    was, chat = shown.chat, chat_state.current(shown.chat.user) if shown.chat else None
    if not was or not chat or not _further_alone(shown) or not _same(was, chat) or not _at_rest(chat, shown.length):
        st.rerun()
    assert chat
    _, job = say(chat, False)
    if job is None:
        st.rerun()
    assert job
    shown.chat = chat
    return job


def _same(was: Chat, now: Chat) -> bool:
    """Whether a conversation is read as it was, under the same title."""
    one, other = was.thread, now.thread
    if not one or not other or one.id != other.id or one.title != other.title or one.title == UNTITLED:
        return False
    return (one.memory, one.settings, was.preferences) == (other.memory, other.settings, now.preferences)


def _at_rest(chat: Chat, length: int) -> bool:
    """Whether no answer is on its way, and nobody else has written."""
    if not chat.thread or worker.running(chat.user, chat.thread.id):
        return False
    opened = chat.store.open(chat.user, chat.thread.id, "", 0)
    return opened.length == length and not opened.pending


def _answered(shown: Shown, job: Job) -> None:
    """Show the turn that an answer has become; where it is another one, or has no place, the whole page is drawn."""
    chat, length = shown.chat, shown.length + 1
    steps.told(job)
    place = length - shown.drawn_to
    if not chat or not chat.thread or job.status != "complete" or loud() or place > FREE:
        st.rerun()
    assert chat
    assert chat.thread
    opened = chat.store.open(chat.user, chat.thread.id, "", 1)
    last = next(iter(chat.store.traces(chat.user, chat.thread.id, length - 1, length)), None)
    if opened.length != length or opened.pending or not last or opened.tail[-1].id != job.id:
        st.rerun()
    shown.turns, shown.length, shown.last = (*shown.turns, opened.tail[-1]), length, last
    runs.then(_place(place - 1), _place(place), runs.FURTHER, CONTEXT, PANEL)


def coming(shown: Shown, job: Job | None = None) -> Mirror | None:
    """Draw the place of the answer on its way; that of `job` is to be followed when the whole page is drawn."""
    if job is None and _further_alone(shown):
        _further(shown)
        return None
    _follow(shown, job)
    if job is not None:
        return Mirror(job, _stored(shown, job))
    st.empty()
    return None


# --- what stands beside it --------------------------------------------------------------------------------------------


@st.fragment(key=CONTEXT)
def context(shown: Shown) -> None:
    """Draw how much of the model's context the newest turn took."""
    last = shown.last
    if last and last.context_window:
        used = last.reply.input_tokens if last.reply else last.prompt_tokens
        share = min(1.0, used / last.context_window)
        st.progress(share, f"Context: {used:,} of {last.context_window:,} tokens ({percentage(share)})", width=260)


@st.fragment(key=PANEL)
def side(shown: Shown) -> None:
    """Draw the panel of what is shown."""
    chat = shown.chat
    if chat is None:
        return
    if not chat.thread:
        panel.draw(chat.store, chat.user, "", 0)
        return
    try:
        panel.draw(chat.store, chat.user, chat.thread.id, shown.length, chat.retrieval(), chat.current())
    except InspectorError as error:
        st.warning(inert(str(error)))
