"""What the search through conversations finds, and that it finds nothing else.

python -m pytest tests/memory/test_thread_search.py
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from memory import forgetting
from memory.base import Message, Turn
from memory.retrieval.index import Retrieval
from memory.store import Store, Thread
from memory.stores.inmemory import InMemoryStore
from memory.thread_search import EXCERPT, MOST_HITS, Found, excerpt, fold, marked, search, terms_of
from memory.trace import Trace

USER = "alex"


def talk(store: Store, *turns: Sequence[str] | str, title: str = "A talk", user: str = USER, at: float = 0.0) -> str:
    """Store a conversation, each turn its human message or both."""
    id = uuid.uuid4().hex[:16]
    store.put_thread(user, Thread(id, title, 1.0, at or 1.0))
    rows = []
    for place, said in enumerate(turns):
        both = (said,) if isinstance(said, str) else said
        messages = tuple(Message(role, text) for role, text in zip(("human", "ai"), both, strict=False))  # type: ignore[arg-type]
        rows.append(Turn(f"t{place}", messages, at=100.0 + place, index=place))
    store.extend(user, id, rows, [Trace("import", turn.index, turn.id, turn.at) for turn in rows])
    return id


def turns_of(found: Found) -> list[int]:
    return [hit.turn for one in found.conversations for hit in one.hits]


def shown(pieces: Sequence[tuple[str, bool]]) -> str:
    return "".join(f"[{text}]" if is_word else text for text, is_word in pieces)


def test_case_and_accents_make_no_difference(store: Store) -> None:
    user = uuid.uuid4().hex
    talk(store, "I live in ZÜRICH.", "Zurich is cold.", "My cat sleeps.", user=user)
    for text in ("zurich", "Zürich", "ZU", "zürich?"):
        found = search(store, user, text)
        assert (str(found), turns_of(found), found.searched) == ("2 turns in 1 conversation", [1, 0], 3), text


def test_a_word_is_found_where_one_begins_with_it_and_in_quotes_as_a_whole() -> None:
    store = InMemoryStore()
    talk(store, "My cats.", "A cat.", "Education.")
    assert turns_of(search(store, USER, "cat")) == [1, 0]
    assert turns_of(search(store, USER, '"cat"')) == [1]
    assert turns_of(search(store, USER, "“my   CATS”")) == [0]


def test_words_of_a_script_without_spaces_are_found_anywhere() -> None:
    store = InMemoryStore()
    talk(store, "私は東京に住んでいます。", "สวัสดีครับ")
    assert turns_of(search(store, USER, "東京")) == [0]
    assert turns_of(search(store, USER, "ครับ")) == [1]


def test_of_several_words_the_turns_that_hold_the_most_are_found() -> None:
    store = InMemoryStore()
    both = talk(store, "I like hazelnuts.", "Lisbon is nice.", ("In Lisbon?", "There are hazelnuts."), at=1.0)
    apart = talk(store, "I like hazelnuts.", "Lisbon is nice.", at=2.0)
    talk(store, "Lisbon alone.", at=3.0)
    found = search(store, USER, "lisbon hazelnuts")
    assert [one.thread.id for one in found.conversations] == [apart, both]
    assert [one.apart for one in found.conversations] == [True, False]
    assert turns_of(found) == [1, 0, 2]
    assert str(found) == "3 turns in 2 conversations"


def test_a_title_holds_words_as_well_and_completes_those_of_the_messages() -> None:
    store = InMemoryStore()
    talk(store, "My cat sleeps.", title="Holidays in Oslo")
    (found,) = search(store, USER, "oslo").conversations
    assert (shown(found.title), found.turns) == ("Holidays in [Oslo]", 0)
    (found,) = search(store, USER, "oslo cat").conversations
    assert (found.turns, found.apart) == (1, True)
    assert search(store, USER, "oslo dog").conversations == ()


def test_the_sentence_around_a_word_is_shown_with_the_word_marked() -> None:
    text = "Hello there. My sister Zoë has moved  to Lyon! I miss her."
    assert shown(excerpt(text, terms_of('zoe "moved to"'))) == "My sister [Zoë] has [moved to] Lyon!"
    long = f"{'aé ' * 5000}Straße {'b ' * 5000}"
    cut = excerpt(long, terms_of("strass"))
    assert "[Straß]e" in shown(cut)
    assert re.fullmatch("… .+ …", shown(cut))
    assert len("".join(text for text, _ in cut)) <= EXCERPT + 4


def test_a_hit_says_who_spoke_and_when() -> None:
    store = InMemoryStore()
    talk(store, ("What is it?", "A hazelnut."))
    (hit,) = search(store, USER, "hazelnut").conversations[0].hits
    assert (hit.role, hit.at, hit.turn) == ("ai", 100.0, 0)


def test_the_newest_hits_of_a_long_conversation_are_kept_and_all_are_counted(store: Store) -> None:
    user, told = uuid.uuid4().hex, list[float]()
    talk(store, *(f"Fact {place} on tea." for place in range(1200)), user=user)
    found = search(store, user, "tea", progress=told.append)
    assert turns_of(found) == list(range(1199, 1199 - MOST_HITS, -1))
    assert (found.turns, found.searched, told) == (1200, 1200, [500 / 1200, 1000 / 1200, 1.0])


def test_nothing_of_others_and_nothing_that_was_deleted_or_forgotten_is_found(store: Store) -> None:
    user, other = uuid.uuid4().hex, uuid.uuid4().hex
    talk(store, "A secret door.", user=other)
    assert search(store, user, "secret") == Found(("secret",))
    gone = talk(store, "A secret door.", user=user)
    kept = talk(store, "A secret door.", "Another secret.", user=user)
    store.delete_thread(user, gone)
    forgetting.forget_turn(store, Retrieval(), user, kept, 0)
    assert turns_of(search(store, user, "secret")) == [1]


def test_only_the_threads_that_are_given_are_looked_through() -> None:
    store = InMemoryStore()
    talk(store, "A door.")
    assert search(store, USER, "door", []) == Found(("door",))


def test_what_names_no_word_finds_nothing() -> None:
    store = InMemoryStore()
    talk(store, "A door.")
    for text in ("", "   ", '"', '""', "“”"):
        assert search(store, USER, text) == Found(())


WORDS = st.sampled_from(
    ["Cat", "cat", "Cats", "Zoë", "zoe", "Straße", "ΣΊΣΥΦΟΣ", "İstanbul", "a", "C++", "e\u0301t", "ﬁn"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@given(st.lists(TEXTS, min_size=1, max_size=8), st.data())
def test_whatever_holds_a_word_is_found_and_what_is_found_holds_it(texts: list[str], data: st.DataObject) -> None:
    store = InMemoryStore()
    talk(store, *texts, title="-")
    word = data.draw(st.sampled_from(data.draw(st.sampled_from(texts)).split()))
    how = data.draw(st.sampled_from([str, str.upper, str.lower, str.swapcase]))
    found = search(store, USER, how(word))
    holding = [
        place
        for place, text in enumerate(texts)
        if any(part.startswith(fold(how(word))) for part in fold(text).split())
    ]
    assert turns_of(found) == holding[::-1]
    for hit in found.conversations[0].hits if holding else ():
        assert any(is_word and fold(text) == fold(how(word)) for text, is_word in hit.pieces)


@given(st.text(max_size=60), st.text(min_size=1, max_size=5))
def test_a_text_in_pieces_is_the_same_text(text: str, wanted: str) -> None:
    assert "".join(piece for piece, _ in marked(text, terms_of(wanted))) == text


@given(st.text(max_size=300), st.text(min_size=1, max_size=12))
def test_no_text_and_no_query_breaks_the_search(text: str, wanted: str) -> None:
    store = InMemoryStore()
    talk(store, text, title=text[:50])
    found = search(store, USER, wanted)
    for one in found.conversations:
        for hit in one.hits:
            assert len("".join(piece for piece, _ in hit.pieces)) <= EXCERPT + len(wanted) + 8


@given(st.text(max_size=80))
def test_a_text_is_folded_character_by_character(text: str) -> None:
    assert len(fold(text)) == len("".join(map(fold, text)))
    assert re.sub(r"\s", "", fold(text.casefold())) == re.sub(r"\s", "", fold(text))
