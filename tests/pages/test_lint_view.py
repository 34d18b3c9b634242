"""Check the rules: the check that runs beside the page, and how its results are drawn.

python -m pytest tests/pages/test_lint_view.py
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest
from streamlit.testing.v1 import AppTest

from memory import threads
from memory.base import Memory, Recall, Services, State, Turn
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import StoreUnavailable
from memory.lint.report import RULES, Check, Report
from memory.retrieval.embeddings import embedding
from memory.services import Models
from memory.stores.inmemory import InMemoryStore
from pages.ui import lint_job
from pages.ui.lint_job import Job, Subject, start
from pages.ui.lint_view import as_json

SCRIPT = """
import streamlit as st
from pages.ui import lint_view
job = st.session_state["job"]
lint_view._results(job, job.ours)
"""
USER = "u1"
SAID = ("My name is Alex.", "I live in Lyon.", "I like tea.", "I have a dog called Rex.", "What is my name?")
HOSTILE = "![x](https://evil.example/a.png) <img src=x onerror=alert(1)> :red-badge[x] **b** $a$"


def subject(spec: str = "summary_buffer:max_token_limit=40", store: InMemoryStore | None = None) -> Subject:
    """Hold a conversation with the demo model; return what there is to check."""
    store, memory = store or InMemoryStore(), load().memory(spec)
    thread = threads.new(store, USER, memory)
    talk = Conversation(store, USER, thread.id, memory, Models())
    for query in SAID:
        "".join(talk.reply(query))
    return Subject(store, USER, thread.id, len(SAID), memory, Models(), embedding("hashing"), None)


def ended(job: Job, seconds: float = 120) -> Job:
    end = time.monotonic() + seconds
    while not job.done and time.monotonic() < end:
        time.sleep(0.05)
    assert job.done
    return job


@pytest.fixture(scope="module")
def checked() -> Job:
    job = ended(start(subject()))
    assert job.error == ""
    return job


def show(job: Job) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["job"] = job
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def drawn(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def test_a_check_runs_beside_the_page_and_says_how_far_it_is():
    job = start(subject("window"))
    assert not job.done
    shares = []
    while not job.done:
        shares.append(job.share)
        time.sleep(0.02)
    assert shares == sorted(shares)
    assert job.share == 1.0
    assert job.ours
    assert job.ours.sound


def test_the_conversation_that_is_checked_stays_as_it_was():
    of = subject()
    before = of.store.turns(USER, of.thread, 0, 99), of.store.everything(USER, of.thread)
    ended(start(of))
    assert (of.store.turns(USER, of.thread, 0, 99), of.store.everything(USER, of.thread)) == before
    assert [thread.id for thread in of.store.threads(USER)] == [of.thread]


def test_each_rule_is_a_row_with_its_verdict_in_words_and_langchain_s_beside_it(checked: Job):
    text = drawn(show(checked))
    for id, (number, name) in RULES.items():
        assert f"**{name}** :gray[rule {number}]" in text, id
    assert ":green-badge[holds] This memory: " in text
    assert ":red-badge[broken] LangChain's over Redis: " in text
    assert "LangChain's own ConversationSummaryBufferMemory over Redis" in text
    assert "0 broken" in text.splitlines()[0]


def test_a_memory_that_langchain_lacks_stands_alone_and_says_so():
    job = ended(start(subject("attention")))
    text = drawn(show(job))
    assert job.theirs == ()
    assert "LangChain has no class of its own of this kind" in text
    assert "Saving asynchronously" not in text


def test_evidence_leads_to_its_turn(checked: Job):
    app = show(checked)
    app.session_state["lint_shown"] = True
    button = next(one for one in app.button if one.key == "lint_turn_limit_0")
    check = checked.theirs[0].check("limit")
    assert check
    assert button.label == f"Go to turn {check.turns[0] + 1}"
    button.click().run()
    assert app.session_state["panel_turn_kept"] == check.turns[0] + 1
    assert app.session_state["lint_shown"] is False


def test_what_was_said_is_inert_wherever_it_is_evidence(checked: Job):
    report = Report("SomeMemory", {}, 5, (Check("clear", "broken", f"it still has {HOSTILE}", diff=f"-{HOSTILE}"),))
    job = Job(checked.subject, ours=report, done=True)
    text = drawn(show(job))
    assert "](https://evil.example" not in text
    assert "<img" not in text.replace("\\<", "")
    assert ":red-badge[x]" not in text
    assert "evil" in text


def test_the_download_is_what_the_command_line_writes(checked: Job):
    found = json.loads(as_json(checked))
    assert found["conversation"] == {"id": checked.subject.thread, "turns": 5, "first": 0}
    assert [(run["made_by"], run["history"]) for run in found["runs"]] == [
        ("ours", None),
        ("LangChain", "Redis"),
        ("LangChain", "in memory"),
    ]
    assert {check["id"] for check in found["runs"][1]["checks"]} == set(RULES)


def test_of_a_long_conversation_the_last_turns_are_checked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lint_job, "MOST", 3)
    job = ended(start(subject("window:k=1")))
    assert job.ours
    assert (job.subject.first, job.ours.turns) == (2, 3)
    app = show(job)
    assert "over the last 3 turns of 5" in drawn(app)
    check = job.ours.check("forget")
    assert check
    if check.turns:
        label = f"Go to turn {2 + check.turns[0] + 1}"
        assert label in [button.label for button in app.button]


class Slow(Memory):
    short, label, keeps, forgets, costs = "slow", "Slow", "nothing", "all", "time"

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        time.sleep(0.1)
        return Recall()


def test_a_check_that_nobody_wants_any_more_ends_at_the_next_turn():
    of = subject("window")
    job = start(Subject(of.store, USER, of.thread, 5, Slow(), Models(), of.embedding, None))
    time.sleep(0.3)
    job.stop()
    begin = time.monotonic()
    ended(job)
    assert time.monotonic() - begin < 10
    assert (job.ours, job.error) == (None, "")


class Gone(InMemoryStore):
    def turns(self, user: str, thread: str, first: int, end: int) -> list[Turn]:
        raise StoreUnavailable("Redis is away: try again.")


def test_a_store_that_is_away_is_told_in_its_sentence():
    of = subject("window")
    job = ended(start(Subject(Gone(), USER, of.thread, 5, of.memory, Models(), of.embedding, None)))
    assert job.error == "Redis is away: try again."


def test_two_checks_are_the_same_only_for_the_same_turns_and_settings():
    of = subject("window:k=1")
    same = Subject(of.store, USER, of.thread, 5, load().memory("window:k=1"), Models(), of.embedding, None)
    longer = Subject(of.store, USER, of.thread, 6, of.memory, Models(), of.embedding, None)
    other = Subject(of.store, USER, of.thread, 5, load().memory("window:k=2"), Models(), of.embedding, None)
    assert of.name == same.name
    assert len({of.name, longer.name, other.name}) == 3
