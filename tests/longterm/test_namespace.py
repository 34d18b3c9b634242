"""Namespaces: organisation, user and application, filled from the session; nobody reaches outside their own.

python -m pytest tests/longterm/test_namespace.py
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.conversation import Conversation
from memory.errors import BadInput
from memory.longterm.base_store import UserStores
from memory.longterm.editing import add
from memory.longterm.namespace import NamespaceTemplate
from memory.longterm.shelf import InMemoryShelf, Shelf
from memory.longterm.tools import memory_tools
from memory.preferences import Preferences
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.services import Models
from memory.store import Store
from tests.memory.fakes import conversation, new_user, say, traces_of

SPEC = "collection:namespace={org}/{user}/{app}"
ACME, ZORK = {"org": "acme", "app": "support"}, {"org": "zork", "app": "support"}


def talk_of(
    store: Store, labels: dict[str, str] | None, user: str = "", thread: str = "t1", spec: str = SPEC
) -> Conversation:
    talk = conversation(store, spec, user=user, thread=thread, retrieval=Retrieval(embedding("hashing")))
    return Conversation(talk.store, talk.user, thread, talk.memory, Models(), retrieval=talk.retrieval, labels=labels)


def kept(talk: Conversation) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for item in talk.services().items.search((), filter={"kind": "Memory"}, limit=1000):
        found.setdefault(item.namespace, []).append(item.value["content"]["content"])
    return found


def test_a_memory_keeps_what_each_organisation_and_application_is_told_apart(store: Store) -> None:
    acme = talk_of(store, ACME)
    say(acme, "I work in the Heron team.")
    zork = talk_of(store, ZORK, acme.user, "t2")
    say(zork, "I work in the Egret team.", "Where do I work?")
    assert kept(acme) == {
        ("acme", "support", "facts"): ["The user works in the Heron team."],
        ("zork", "support", "facts"): ["The user works in the Egret team."],
    }
    sent = [zork.store.texts(zork.user, "t2", trace.texts.values()) for trace in traces_of(zork)]
    assert "Egret" in str(sent)
    assert "Heron" not in str(sent)


def test_what_was_said_in_a_conversation_before_the_labels_changed_stays_with_the_old_ones(store: Store) -> None:
    before = talk_of(store, ACME)
    say(before, "I work in the Heron team.", "I like tea.")
    after = replace(before, labels=ZORK)
    say(after, "I live in Odrin.", "I play the oboe.")
    assert kept(after)["zork", "support", "facts"] == ["The user plays the oboe.", "The user lives in Odrin."]
    assert sorted(kept(after)["acme", "support", "facts"]) == [
        "The user likes tea.",
        "The user works in the Heron team.",
    ]


def test_a_label_that_the_session_does_not_name_is_asked_for_and_nothing_is_kept_elsewhere(store: Store) -> None:
    talk = talk_of(store, {"org": "acme", "app": ""})
    say(talk, "I like tea.")
    (trace,) = traces_of(talk)
    assert any("needs an application: name it in Settings" in error for error in trace.errors)
    assert kept(talk) == {}
    assert talk.opened().state.covered == 0
    named = replace(talk, labels=ACME)
    say(named, "I like oats.")
    assert sorted(kept(named)["acme", "support", "facts"]) == ["The user likes oats.", "The user likes tea."]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{company}/x", "no variable '{company}'"),
        ("{org}x", "no braces"),
        ("a.b", "no dot"),
        ("/".join("abcdefghi"), "9 labels"),
        ("a" * 101, "100 characters"),
        ("a\x00b", "no dot"),
    ],
)
def test_what_is_no_template_is_refused_in_a_sentence(text: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        NamespaceTemplate(text)


def test_settings_refuse_a_label_that_would_be_two() -> None:
    with pytest.raises(BadInput, match="The organisation may hold no dot, no slash"):
        Preferences().but(organisation="a/b")
    assert Preferences().but(organisation=" acme ").labels == {"org": "acme", "app": ""}


LABEL = st.sampled_from(
    ["acme", "zork", "support", "facts", "covered", "a" * 16, "b" * 16, "[x]", '","', "*", "%", "é"]
)
PARTS = st.lists(st.one_of(LABEL, st.sampled_from(["{org}", "{user}", "{app}"])), max_size=5)


@settings(max_examples=60)
@given(mine=PARTS, theirs=PARTS, org=LABEL, app=LABEL, query=st.sampled_from(["marked", "tea", "", "x"]))
def test_nobody_reaches_the_marked_items_of_another_by_any_template_or_label(
    mine: list[str], theirs: list[str], org: str, app: str, query: str
) -> None:
    shelf: Shelf = InMemoryShelf()
    stores = UserStores(shelf, InMemoryVectors(), embedding("hashing"))
    a, b = new_user(), new_user()
    labels = {"org": org, "app": app}
    places = {
        user: NamespaceTemplate("/".join(parts)).filled({**labels, "user": other})
        for user, other, parts in ((a, b, mine), (b, a, theirs))
    }
    for user in (a, b):
        for place in {*places.values(), (user,), (a, b), (b, a)}:
            add(stores.of(user), "Memory", {"content": f"tea, marked {user}"}, place)
    for user, other in ((a, b), (b, a)):
        own = stores.of(user)
        for prefix in ((), places[user], places[other], (other,), (user,)):
            found = own.search(prefix, query=query or None, limit=1000)
            assert all(user in str(item.value) for item in found)
            assert other not in str([item.value for item in found])
            _, search = memory_tools(own, (*prefix, "facts"), "memory")
            assert f"marked {other}" not in search.invoke({"query": query or "x"})
            for row in shelf.news(other, 0, "-").rows.values():
                assert own.get(row.namespace, row.key) is None
        assert f"marked {other}" not in str(own.snapshot())
