"""How a combined memory divides its budget between layers that are short, long and documents.

python -m pytest tests/memory/test_division.py
"""

from __future__ import annotations

import pytest

from memory import forgetting, reflection
from memory.base import Recall
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import BadInput
from memory.forgetting.places import every_text
from memory.inspection.held import after
from memory.inspection.inspect import inspect
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from memory.threads import fork
from tests.memory.fakes import conversation, say, traces_of

LAYERS = "window(k=2)+profile(formation=background)+collection(formation=active)+procedural+knowledge(k=2)"
LABELS = ["Window", "Profile", "Facts", "Procedures", "Documents"]
TALK = ("My name is Alex. I use vim.", "Remember that I like tea.", "The sky is blue.", "What do I like?")


def talk_of(store: Store, spec: str = LAYERS, budget: int = 300, user: str = "", thread: str = "t1") -> Conversation:
    memory = f"combined:memories={spec},max_token_limit={budget}"
    talk = conversation(store, memory, user=user, thread=thread, retrieval=Retrieval(embedding("hashing")))
    return Conversation(talk.store, talk.user, thread, talk.memory, Models(), retrieval=talk.retrieval)


@pytest.mark.parametrize("budget", [20, 45, 90, 300, 2000])
def test_the_shares_add_up_to_what_was_sent_and_none_is_over_what_it_was_offered(store: Store, budget: int) -> None:
    talk = talk_of(store, budget=budget)
    talk.services().library.add("tea.txt", b"Tea grows on hills. " * 30, 100, 0)
    say(talk, *TALK)
    for trace in traces_of(talk):
        assert [share.label for share in trace.shares] == LABELS
        assert sum(share.tokens for share in trace.shares) == sum(item.tokens for item in trace.items) <= budget
        assert all(share.tokens <= share.offered <= budget for share in trace.shares)
        assert sum(share.items for share in trace.shares) == len(trace.items)


def test_each_layer_says_what_it_left_out(store: Store) -> None:
    talk = talk_of(store)
    say(talk, *TALK)
    window, profile, *_ = traces_of(talk)[-1].shares
    assert window.left == (("outside the last k=2 turns", 1),)
    assert profile.left == ()


def test_two_layers_of_one_kind_are_told_apart(store: Store) -> None:
    talk = talk_of(store, "window(k=1)+collection(namespace=a)+collection(namespace=b)")
    say(talk, "I like tea.", "I like oats.")
    shares = traces_of(talk)[-1].shares
    assert [share.label for share in shares] == ["Window", "Facts", "Facts 2"]
    assert [item.why.partition(":")[0] for item in traces_of(talk)[-1].items] == ["Facts", "Facts 2", "Window"]


def test_two_layers_that_the_model_would_call_by_one_tool_are_refused() -> None:
    with pytest.raises(BadInput, match="manage_memory"):
        load().memory("combined:memories=collection(formation=active)+collection(formation=active,namespace=b)")


def test_a_memory_that_is_not_combined_has_no_shares(store: Store) -> None:
    talk = conversation(store, "window")
    say(talk, "I like tea.")
    assert traces_of(talk)[0].shares == ()
    assert Recall().shares == ()


def test_what_is_held_after_a_turn_says_nothing_of_shares_that_no_prompt_had(store: Store) -> None:
    talk = talk_of(store)
    say(talk, *TALK)
    seen = inspect(store, talk.user, talk.thread, 3, 4, talk.retrieval)
    assert seen
    assert [share.label for share in seen.trace.shares] == LABELS
    assert after(seen).trace.shares == ()


def test_long_term_parts_form_in_the_background_and_by_tools_and_are_reflected_on_once(store: Store) -> None:
    talk = talk_of(store)
    say(talk, *TALK)
    assert talk.memory.rests
    assert [call.purpose for trace in traces_of(talk) for call in trace.calls if call.purpose == "memories"] == []
    names = {str(c["name"]) for turn in store.turns(talk.user, "t1", 0, 4) for m in turn.messages for c in m.tool_calls}
    assert names == {"manage_memory"}
    opened = talk.opened()
    assert (opened.state.covered, opened.state.parts["1"], opened.state.parts["2"]) == (0, 0, 4)
    trace = reflection.reflect(talk)
    assert trace
    assert [call.purpose for call in trace.calls].count("memories") == 4
    assert reflection.reflect(talk) is None
    say(talk, "What is my name?")
    assert [item.ref.partition(".")[0] for item in traces_of(talk)[-1].items if not item.turns] == ["1", "2"]


def test_forgetting_reaches_the_long_term_parts_of_a_combined_memory_and_their_copies(store: Store) -> None:
    talk = talk_of(store, "window(k=1)+profile+collection")
    say(talk, "I live in Zanzibar.", "I like tea.", "What do I like?")
    assert any("Zanzibar" in place.text for place in every_text(store, talk.user))
    receipt = forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert receipt.left == 0
    assert not [place for place in every_text(store, talk.user) if "Zanzibar" in place.text]


def test_a_fork_and_a_switch_keep_what_is_remembered_and_take_no_turn_in_twice(store: Store) -> None:
    talk = talk_of(store, "window(k=1)+collection")
    say(talk, "I work at Acme.", "I like tea.")
    copied = talk_of(store, "window(k=1)+collection", user=talk.user, thread=fork(store, talk.user, "t1", 2).id)
    say(copied, "What do I like?")
    assert [call.purpose for call in traces_of(copied)[-1].calls].count("memories") == 1
    alone = conversation(store, "collection", user=talk.user, retrieval=talk.retrieval)
    alone = Conversation(store, talk.user, "t1", alone.memory, Models(), retrieval=talk.retrieval)
    assert alone.estimate().turns == 2
    alone.catch_up()
    assert len([row for row in store.shelf.news(talk.user, 0, "-").rows.values() if row.value.get("kind")]) == 2
