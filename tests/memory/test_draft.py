"""A state in the making: many notes at once as one by one, an index that goes along and can be lost, and no squares."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from memory.base import MOST_MADE, Note, Notes, State, replay
from memory.catalog import load
from memory.common import names
from memory.common.draft import Draft, kept, taken
from memory.common.layers import Layers
from memory.common.names import Names
from memory.store import STATE
from memory.strategies.time_weighted import Recalled
from tests.memory.fakes import FakeServices, lazily, plain, state_json

NAMED = "memories=entity(k=1)+kg(k=1)+window(k=1)"


def test_many_notes_make_the_state_that_they_make_one_by_one() -> None:
    one, draft = State(), Draft(State())
    for number in range(MOST_MADE + 10):
        id, span = f"n-{number % 7}", (number, number + 1)
        one = one.with_note(id, f"text {number}", span, number + 1, {"n": number})
        draft.note(id, f"text {number}", span, number + 1, {"n": number})
    made = draft.state()
    assert made == one
    assert made.made == one.made
    assert STATE.validate_json(state_json(made)) == made


def test_copies_of_notes_share_what_they_have_and_differ_in_what_is_new() -> None:
    model, copies = dict[str, int](), [Layers[str, int]()]
    snapshots = [dict(model)]
    for number in range(3000):
        following = Layers(copies[-1])
        for name in (f"n{number}", f"n{number // 2}"):
            model[name] = following[name] = number
        copies.append(following)
        if number % 500 == 0:
            snapshots.append(dict(model))
        assert len(following) == len(model)
        assert ("n0" in following, following.get("n2"), following.get("x")) == (True, model.get("n2"), None)
    assert [list(one.items()) for one in (copies[0], *copies[1::500])] == [list(one.items()) for one in snapshots]
    lower = {id(one._layers[0]) for one in copies}
    assert len(lower) < 100
    assert max(len(one._layers[1]) for one in copies) < 200
    assert copies[-1] == model


def test_an_index_is_lent_to_one_at_a_time_and_is_in_no_json() -> None:
    notes = Notes()
    made: list[object] = []

    class Index:
        def __init__(self, notes: Any) -> None:
            made.append(self)

    first = taken(notes, Index)
    second = taken(notes, Index)
    assert first is not second
    kept(notes, first)
    assert taken(notes, Index) is first
    kept(notes, first)
    state = STATE.validate_json(state_json(State(notes=notes)))
    assert taken(state.notes, Index) is made[-1] is not first


@pytest.mark.parametrize("spec", ["entity", "kg", "time_weighted:k=2", f"combined:{NAMED}"])
def test_what_a_memory_reads_does_not_depend_on_where_its_index_came_from(spec: str) -> None:
    memory = load().memory(spec)
    said = [plain(n, f"Sam{n} works at Acme{n // 2} with Mira.", "I see.") for n in range(12)]
    services = FakeServices(answer=lambda messages: messages[-1].text.rpartition("Human: ")[2].split(" works")[0])
    state = replay(memory, lazily(said), services)
    again = STATE.validate_json(state_json(state))
    assert again == state
    for query in ("Sam3?", "Acme2, Mira and Sam9?", "I?"):
        reads = [memory.read(one, lazily(said), query, services, 400) for one in (state, again, again, state)]
        assert all(one == reads[0] for one in reads)
    more = [*said, plain(12, "Sam3 left Acme1.", "I see.")]
    assert memory.write(state, more, services, None) == memory.write(again, more, services, None)


def test_a_text_is_compared_with_the_names_alone_that_share_a_word_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: Counter[str] = Counter()
    place = names._place
    monkeypatch.setattr(names, "_place", lambda name, said: looked.update([name]) or place(name, said))
    known = Names({f"e{n}": [f"Ann Smith{n}", f"Acme {n}"] for n in range(3000)})
    assert known.mentioned("Does Ann Smith77 know anybody at Acme 2999?") == ["e77", "e2999"]
    assert looked.total() < 20


def test_a_name_that_is_given_up_is_found_no_more_and_frees_its_words() -> None:
    known = Names({"a": ["Sam Miller"], "b": ["Sam Jones", "小明"]})
    assert known.mentioned("Sam?") == []
    known.put("b", ["Tom Jones"])
    assert known.mentioned("Sam, Jones and 小明?") == ["a", "b"]
    known.put("b", [])
    assert known.mentioned("Tom Jones") == []
    assert known.called("sam miller") == {"a"}


def test_a_recall_that_an_earlier_version_noted_or_that_lists_anything_is_read() -> None:
    early = Note("recalled-3", 2, "recalled in turn 12", (3, 4), 12)
    later = Note("recalled-14", 1, "recalled", (2, 6), 15, {"turns": [2, 3, 5]})
    strange = Note("recalled-15", 1, "recalled", (2, 6), 16, {"turns": [10**12, "x", None, 4]})
    recalled = Recalled({note.id: note for note in (later, early, strange)})
    assert recalled.last(8).tolist() == [0, 1, 14, 14, 15, 14, 6, 7]
