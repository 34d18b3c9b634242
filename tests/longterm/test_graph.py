"""The personal graph: what is connected with what, from when until when, whatever it was read from.

python -m pytest tests/longterm/test_graph.py
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memory.longterm.editing import add, edit, say_again
from memory.longterm.facts import Fact, Source, Version, from_row
from memory.longterm.graph import Link, noted, personal, read
from memory.longterm.merging import joined
from memory.store import Store
from tests.longterm.test_maintenance import fact, talk_of
from tests.memory.fakes import say

OSLO, LISBON = "The user lives in Oslo.", "The user lives in Lisbon."


def told(links: tuple[Link, ...] | list[Link]) -> list[tuple[str, str, str, float, float | None]]:
    return [(link.subject, link.label, link.object, link.since, link.superseded) for link in links]


def test_a_relation_holds_from_when_it_was_said_until_a_later_version_no_longer_says_it() -> None:
    moved = joined(fact("f1", OSLO, 10.0), fact("f2", LISBON, 20.0))
    graph = personal([moved])
    assert told(graph.links) == [
        ("the user", "lives in", "Oslo", 10.0, 20.0),
        ("the user", "lives in", "Lisbon", 20.0, None),
    ]
    assert [link.sources[0].turn for link in graph.links] == ["turn-f1", "turn-f2"]
    assert graph.moments == [10.0, 20.0]
    assert told(graph.until(15.0)) == told(graph.links[:1])
    oslo, lisbon = graph.links
    assert [(link.holds(15.0), link.holds(20.0)) for link in (oslo, lisbon)] == [(True, False), (False, True)]


def test_what_is_said_again_is_one_relation_from_the_first_time_on() -> None:
    one = Fact("f1", ("facts",), "Memory", {"content": "The user works at Acme."}, (Source("t1", "b", 4),), 30.0)
    again = one.replaced({"content": "The user works at Acme in the ML team."}, Source("t1", "c", 5), 40.0)
    assert told(personal([again]).links) == [
        ("the user", "works at", "Acme", 30.0, None),
        ("the user", "works in", "ML team", 40.0, None),
    ]
    turned = joined(fact("f1", OSLO, 10.0), fact("f2", LISBON, 20.0)).restored(0, 30.0)
    assert [link[2:] for link in told(personal([turned]).links)] == [
        ("Oslo", 10.0, 20.0),
        ("Lisbon", 20.0, 30.0),
        ("Oslo", 30.0, None),
    ]


def test_a_profile_is_connected_to_the_user_by_its_fields() -> None:
    first = Version({"home": "Oslo", "likes": ["tea"]}, (Source("t1", "a", 0),), 10.0, 20.0)
    content = {"home": "Lisbon", "likes": ["tea", "jazz"], "goals": []}
    profile = Fact("p", ("profile",), "UserProfile", content, (Source("t1", "b", 1),), 20.0, history=(first,))
    assert told(personal([profile]).links) == [
        ("the user", "home", "Oslo", 10.0, 20.0),
        ("the user", "likes", "tea", 10.0, None),
        ("the user", "home", "Lisbon", 20.0, None),
        ("the user", "likes", "jazz", 20.0, None),
    ]


def test_what_names_no_relation_is_counted_and_instructions_are_none() -> None:
    short = fact("f1", "Prefers short answers.")
    rules = Fact("instructions", ("instructions",), "Instructions", {"instructions": "The user lives in Oslo."})
    graph = personal([short, rules])
    assert (graph.links, graph.unread) == ((), (short,))


def test_what_two_facts_say_alike_is_drawn_once_with_the_turns_of_both() -> None:
    (link,) = personal([fact("f1", OSLO, 10.0), fact("f2", "the user lives in oslo", 20.0)]).links
    assert (link.since, [source.turn for source in link.sources]) == (10.0, ["turn-f1", "turn-f2"])


def test_sentences_are_read_as_they_are_told_of_the_user() -> None:
    assert read({"content": "The user is allergic to peanuts."}) == [("the user", "is allergic to", "peanuts")]
    assert read({"content": "The user's sister Ulla lives in Rome."}) == [
        ("the user", "sister is", "Ulla"),
        ("Ulla", "lives in", "Rome"),
    ]
    assert read({"content": "The user does not like tea."}) == []


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.text(max_size=300) | st.lists(st.text(max_size=20)) | st.integers() | st.none(),
        max_size=4,
    )
)
def test_anything_that_is_remembered_can_be_read(content: dict[str, object]) -> None:
    for parts in read(content):
        assert all(isinstance(part, str) and len(part) <= 2_000 for part in parts)


def test_all_conversations_are_in_it_with_knowledge_graphs_and_notes_and_their_turns(store: Store) -> None:
    talk = talk_of(store, spec="collection")
    say(talk, "I moved to Oslo.")
    say(talk_of(store, talk.user, "t2", "kg"), "Sam works at Acme with Mira.")
    say(talk_of(store, talk.user, "t3", "entity"), "Ulla is a nurse in Rome.")
    say(talk_of(store, spec="kg"), "Tove works at Globex.")
    items = talk.services().items
    made = add(items, "Memory", {"content": "The user's cat is Mog."})
    say_again(items, edit(items, made, {"content": "The user's cat is Rex."}), 0)
    found = [one for row in items.snapshot()[1] if (one := from_row(row))]
    graph = personal(found, noted(store, talk.user))
    links = {(link.label, link.object): link for link in graph.links}
    assert ("works at", "Globex") not in links
    works = links["works at", "Acme"]
    assert works.sources == (Source("t2", store.turns(talk.user, "t2", 0, 1)[0].id, 0),)
    assert works.since == store.turns(talk.user, "t2", 0, 1)[0].at
    assert (works.origin, links["moved to", "Oslo"].origin) == ("Knowledge graph", "Facts")
    assert "nurse" in graph.notes["ulla"]
    assert links["cat is", "Mog"].sources == ()
