"""Check the rules: what this memory keeps to on this very conversation, beside LangChain's own class of the same name.

    dialog(chat, length)

It runs when it is asked for, in a thread of its own; the built-in model serves the memory, so that nothing is paid for.
"""

from __future__ import annotations

import json
from dataclasses import replace

import streamlit as st

from memory.lint import Check, Report
from memory.lint.report import RULES, Verdict
from memory.retrieval.embeddings import Embedding, embedding
from pages.ui import connections
from pages.ui.chat_state import Chat
from pages.ui.lint_job import Job, Subject, start
from pages.ui.player import go
from pages.ui.words import badge, escaped, label_of, plural, turns

EVERY = 0.5
"""Seconds between two looks at how far it is."""
LOOK: dict[Verdict, tuple[str, str]] = {
    "holds": ("green", ":material/check:"),
    "broken": ("red", ":material/close:"),
    "not known": ("gray", ":material/question_mark:"),
}


def _close() -> None:
    st.session_state.lint_shown = False


@st.dialog("Check the rules", width="large", icon=":material/fact_check:", on_dismiss=_close)
def dialog(chat: Chat, length: int) -> None:
    """Draw how far the check is, then what it found; it is begun where there is none of this conversation."""
    job = _job(chat, length)
    if not job.done:
        _progress(job)
    elif job.error:
        st.markdown(f":red[:material/error:] {escaped(job.error)}")
        _again()
    elif job.ours:
        _results(job, job.ours)


def _job(chat: Chat, length: int) -> Job:
    """Return the check of what the chat is now; begin it where there is none."""
    assert chat.thread
    mine = replace(chat.models(), memory="demo", key=None)
    budget = chat.preferences.budget
    subject = Subject(chat.store, chat.user, chat.thread.id, length, chat.memory, mine, _embedding(), budget)
    job: Job | None = st.session_state.get("lint_job")
    if job is None or job.subject.name != subject.name or job.stopped:
        if job:
            job.stop()
        job = st.session_state.lint_job = start(subject)
    return job


def _embedding() -> Embedding:
    """Return how turns are searched, but no model of a provider's, to which they would be sent at a price."""
    found = connections.searching().embedding
    return found if found and found.priced_as is None else embedding("hashing")


@st.fragment(run_every=EVERY)
def _progress(job: Job) -> None:
    if job.done:
        st.rerun(scope="app")
    st.progress(min(1.0, job.share), escaped(f"{label_of(job.subject.memory.name)}: {job.label} …"))
    st.caption("It runs on a copy that is gone afterwards. You can close this and come back.")


# --- the results ------------------------------------------------------------------------------------------------------


def _results(job: Job, ours: Report) -> None:
    first, length = job.subject.first, job.subject.length
    of = f"the last {plural(ours.turns, 'turn')} of {length:,}" if first else plural(ours.turns, "turn")
    with st.container(gap="xsmall"):
        st.markdown(f"**{escaped(label_of(ours.memory))}** over {of}: {_counts(ours)}")
        for report in job.theirs:
            tried = "" if report.tried is None else f", tried with {plural(report.tried, 'turn')}"
            st.markdown(f"LangChain's own {escaped(_where(report))}{tried}: {_counts(report)}")
            if report.stopped:
                st.caption(escaped(f"{report.stopped[:1].upper()}{report.stopped[1:]}."))
        st.caption(
            "Each rule was tried by running the memory on a copy of this conversation. The built-in model served it, "
            "so that nothing was paid for."
        )
    with st.container(gap="xsmall"):
        for id in RULES:
            check = ours.check(id)
            beside = [(report, found) for report in job.theirs if (found := report.check(id))]
            if check or beside:
                _row(id, check, beside, first)
    if not job.theirs:
        st.caption("LangChain has no class of its own of this kind to be shown beside it.")
    with st.container(horizontal=True):
        st.download_button(
            "Download as JSON",
            lambda: as_json(job),
            f"rules-{job.subject.thread}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
            key="lint_download",
        )
        _again()


_COUNTED: dict[Verdict, str] = {"holds": "hold", "broken": "broken", "not known": "not known"}


def _counts(report: Report) -> str:
    counts = {verdict: report.count(verdict) for verdict in _COUNTED}
    return " ".join(
        badge(LOOK[verdict][0] if count else "gray", f"{count:,} {_COUNTED[verdict]}")
        for verdict, count in counts.items()
    )


def _where(report: Report) -> str:
    return f"{report.memory} {_HISTORY[report.history]}".rstrip()


_HISTORY = {"Redis": "over Redis", "in memory": "in memory", "": ""}


def _again() -> None:
    if st.button("Check again", icon=":material/refresh:", key="lint_again"):
        st.session_state.pop("lint_job", None)
        st.rerun(scope="app")


def _row(id: str, check: Check | None, beside: list[tuple[Report, Check]], first: int) -> None:
    """Draw one rule: this memory's verdict and evidence, and LangChain's next to it."""
    number, name = RULES[id]
    with st.container(border=True, gap="xsmall", key=f"lint_row_{id}"):
        st.markdown(f"**{name}** :gray[rule {number}]")
        columns = st.columns(2) if beside else [st.container()]
        with columns[0], st.container(gap="xsmall"):
            if check:
                _verdict(check, "This memory", first, f"{id}_ours")
            else:
                st.caption("This memory has one way of saving.")
        if beside:
            with columns[1], st.container(gap="xsmall"):
                for place, (whose, one) in enumerate(_joined(beside)):
                    _verdict(one, whose, first, f"{id}_{place}")


def _joined(beside: list[tuple[Report, Check]]) -> list[tuple[str, Check]]:
    """Name each of LangChain's checks by its history; two that say the same are one."""
    rows: list[tuple[list[str], Check]] = []
    for report, check in beside:
        same = next((row for row in rows if (row[1].verdict, row[1].said) == (check.verdict, check.said)), None)
        if same:
            same[0].append(_HISTORY[report.history])
        else:
            rows.append(([_HISTORY[report.history]], check))
    return [(f"LangChain's {' and '.join(histories)}".rstrip(), check) for histories, check in rows]


def _verdict(check: Check, whose: str, first: int, key: str) -> None:
    """Draw a verdict in words, its evidence, and the way to its turn."""
    colour, icon = LOOK[check.verdict]
    st.markdown(f"{icon} {badge(colour, check.verdict)} {whose}: {escaped(check.said)}.")
    if check.turns:
        place = first + check.turns[0]
        look = {"icon": ":material/arrow_forward:", "type": "tertiary", "key": f"lint_turn_{key}"}
        if st.button(f"Go to {turns((place, place + 1))}", **look):
            go(place + 1)
            _close()
            st.rerun(scope="app")
    if check.diff:
        more = st.expander("The difference", type="compact", key=f"lint_diff_{key}", on_change="rerun")
        if more.open:
            more.code(check.diff, language="diff", wrap_lines=True)


def as_json(job: Job) -> str:
    """Return what the command line would write of it."""
    reports = [job.ours, *job.theirs] if job.ours else []
    conversation = {"id": job.subject.thread, "turns": job.subject.length, "first": job.subject.first}
    return json.dumps(
        {"conversation": conversation, "runs": [report.to_json() for report in reports]}, ensure_ascii=False, indent=1
    )
