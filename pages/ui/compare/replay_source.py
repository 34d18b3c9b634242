"""Where a replayed conversation comes from: a scenario that ships with the project, a file, or a chat of this browser.

choose(draft, user)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from memory import exchange, formats, rates
from memory.catalog import load
from memory.compare.experiment import Listed, Source
from memory.compare.scenarios import load as load_scenarios
from memory.compare.scenarios import scenarios
from memory.compare.sweeps import Group
from memory.errors import BadInput, InspectorError
from memory.formats.recording import Recording, clipped
from pages.ui import connections, importing
from pages.ui.compare.replay_draft import Draft, fresh
from pages.ui.identity import owner_id
from pages.ui.security import inert
from pages.ui.words import literal, plural

KINDS = {"scenario": "A scenario", "file": "A file", "thread": "A chat of mine"}
CARDS = 3
"""How many cards stand beside each other."""
NOTICES = 12
LISTED = 200
NAMED = 80
"""Characters of a conversation's name in a menu."""


def choose(draft: Draft, user: str) -> None:
    """Draw the choice of a conversation; once there is one, what it is, and a button for another."""
    st.markdown("#### 1. Conversation")
    if refused := fresh("source_refused"):
        st.error(inert(refused), icon=":material/error:")
    if draft.recordings:
        _taken(draft)
        return
    if wanted := draft.wanted:
        st.info(_wanted(wanted), icon=":material/link:")
    kind = st.segmented_control(
        "Where the conversation comes from",
        list(KINDS),
        default=draft.kind,
        format_func=KINDS.__getitem__,
        required=True,
        key=f"compare_kind_{draft.number}",
        label_visibility="collapsed",
    )
    draft.kind = kind or draft.kind
    match draft.kind:
        case "file":
            _file(draft)
        case "thread":
            _thread(draft, user)
        case _:
            _scenarios(draft)


def suggested(specs: tuple[str, ...]) -> list[Group]:
    """Read a scenario's suggestions; one whose memory is not there (any more) is left out."""
    groups = []
    for spec in specs:
        try:
            memory = load().memory(spec)
        except BadInput:
            continue
        named = {name: getattr(memory.settings, name) for name in memory.settings.model_fields_set}
        groups.append(Group(memory.name, named))
    return groups


def take_scenario(draft: Draft, name: str) -> None:
    """Compare over a scenario; raises BadInput where there is none of that name."""
    found = scenarios().get(name)
    if found is None:
        raise BadInput(f"There is no scenario {clipped(name, 60)!r} here: choose another one below.")
    draft.take(Source("scenario", name), (found.recording,), suggested(tuple(found.suggested)))


def _wanted(wanted: Source) -> str:
    if wanted.kind == "file":
        return f"The settings of this link belong to the file **{literal(wanted.name)}**: drop it below, or any other."
    return "The settings of this link were made for a chat of somebody's: choose one of yours, or anything else."


def _scenarios(draft: Draft) -> None:
    found = load_scenarios()
    known = list(found.found.items())
    for place in range(0, len(known), CARDS):
        for column, (name, scenario) in zip(st.columns(CARDS), known[place : place + CARDS], strict=False):
            with column.container(border=True, gap="xsmall", height="stretch"):
                st.markdown(f"**{literal(scenario.title)}**")
                st.caption(inert(scenario.about))
                talk = scenario.recording
                st.caption(f"{plural(len(talk.turns), 'turn')}, {plural(len(talk.questions), 'question')}")
                if st.button("Choose", key=f"compare_scenario_{name}", help=literal(scenario.title)):
                    take_scenario(draft, name)
                    st.rerun()
    for broken in found.broken:
        st.caption(f":red[Not loaded:] {inert(broken.file)}: {inert(broken.error)}")


def _file(draft: Draft) -> None:
    # The server refuses what is over its own limit, whatever the box says.
    most = min(exchange.MAX_MEGABYTES, st.get_option("server.maxUploadSize"))
    file = st.file_uploader(
        "A recorded conversation, or several in one file",
        type=importing.TYPES,
        max_upload_size=most,
        help=importing.ABOUT,
        key=f"compare_file_{draft.number}",
    )
    if file is None:
        return
    state = st.session_state
    refused = state.get("compare_file_refused")
    if not refused or refused[0] != file.file_id:
        try:
            with st.spinner(f"Reading {file.size / 1e6:,.1f} MB"):
                rates.admit(connections.store(), owner_id().id, "uploads")
                found = formats.read(file.getvalue(), clipped(file.name, 100))
        except InspectorError as error:
            # Said again as long as the file lies there, and not read again.
            refused = state.compare_file_refused = (file.file_id, str(error))
    if refused and refused[0] == file.file_id:
        st.error(inert(refused[1]), icon=":material/error:")
        return
    draft.take(Source("file", clipped(file.name, 200)), [one for one in found if one.turns])
    st.rerun()


def _thread(draft: Draft, user: str) -> None:
    store = connections.store()
    listed = store.threads(user)[:LISTED]
    known = dict(zip((one.id for one in listed), once([one.title for one in listed]), strict=True))
    if not known:
        st.caption("This browser has no conversation yet: hold one in the chat, or choose a scenario.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "A conversation of this browser",
            list(known),
            index=None,
            format_func=known.__getitem__,
            placeholder="Choose one",
            key=f"compare_thread_{draft.number}",
            width="stretch",
        )
        if st.button("Take it", icon=":material/check:", disabled=chosen is None) and chosen:
            try:
                recording = thread_recording(user, chosen)
            except InspectorError as error:
                st.session_state.compare_source_refused = str(error)
            else:
                draft.take(Source("thread", recording.title), (recording,))
            st.rerun()


def thread_recording(user: str, thread: str) -> Recording:
    """Return a conversation of the chat as a recording; raises BadInput where nothing was said in it."""
    store = connections.store()
    found = store.thread(user, thread)
    length = store.open(user, thread, "", 0).length if found else 0
    turns = tuple(turn for turn in store.turns(user, thread, 0, length) if turn.messages)
    if found is None or not turns:
        raise BadInput("Nothing was said in that conversation yet: choose another one.")
    placed = tuple(replace(turn, index=place) for place, turn in enumerate(turns))
    return Recording(thread, clipped(found.title, 200), placed)


def told_apart(listed: Sequence[Recording | Listed]) -> list[str]:
    """Name each for a menu, by its title, with its id where it has none or another has the same."""
    count = Counter(one.title for one in listed)
    return once([one.title if one.title and count[one.title] == 1 else f"{one.id} {one.title}" for one in listed])


def once(names: Sequence[str]) -> list[str]:
    """Shorten names for a menu; they are numbered where some are alike: a menu takes those for the same."""
    names = [clipped(name, NAMED) for name in names]
    return names if len(set(names)) == len(names) else [f"{number}. {name}" for number, name in enumerate(names, 1)]


def _taken(draft: Draft) -> None:
    """Say what is compared over, and let some of several conversations be chosen."""
    source, every = draft.source, draft.recordings
    assert source
    titles = dict(zip((one.id for one in every), told_apart(every), strict=True))
    with st.container(border=True, gap="xsmall", key="compare_taken"):
        if len(every) > 1:
            how = st.segmented_control(
                f"The file has {len(every):,} conversations",
                ["All", "Some"],
                default="All" if draft.chosen is None else "Some",
                required=True,
                key=f"compare_all_{draft.number}_{source.name}",
            )
            chosen: tuple[str, ...] | None = None
            if how == "Some":
                chosen = tuple(
                    st.multiselect(
                        "Conversations to replay",
                        list(titles),
                        default=list(draft.chosen or ()),
                        format_func=titles.__getitem__,
                        key=f"compare_some_{draft.number}_{source.name}",
                    )
                )
            draft.chosen = chosen
        taken = draft.taken
        turns, questions = sum(len(one.turns) for one in taken), sum(len(one.questions) for one in taken)
        name = (every[0].title if len(every) == 1 else "") or source.name
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(
                f":material/check: **{literal(name)}**: {plural(len(taken), 'conversation')}, "
                f"{plural(turns, 'turn')}, {plural(questions, 'question')}",
                width="content",
            )
            if st.button("Choose another", icon=":material/undo:", type="tertiary", key="compare_other"):
                draft.source, draft.recordings, draft.chosen = None, (), None
                st.rerun()
        if not questions:
            st.caption("It has no questions, so tokens and costs are compared, but not what was found.")
        notices = [notice for one in taken for notice in one.notices]
        if notices:
            with st.expander(f"{plural(len(notices), 'note')} on what was read", type="compact"):
                for notice in notices[:NOTICES]:
                    st.caption(inert(notice))
                if len(notices) > NOTICES:
                    st.caption(f"{plural(len(notices) - NOTICES, 'other')} not shown.")
