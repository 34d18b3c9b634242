"""The common prefix of consecutive prompts: as the two texts have it, whatever it was found from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.base import Item, Note, Recall, State, Turn
from memory.common.fit import shorten_turn
from memory.edited_prompt import edited as edited_prompt
from memory.edited_prompt import reworded
from memory.money.prefix import OTHER_MODEL, Common, Earlier, alive, common_with, last_sent
from memory.prompt import Prompt, PromptMessage, assemble
from memory.stores.inmemory import InMemoryStore
from memory.tokens import count_tokens, encode, shorten
from memory.trace import Call, Trace, reference, with_prompt
from tests.memory.fakes import ENCODING, any_turn, conversation, numbered, plain, say, trace_of, traces_of

NOTES = ("A note of one.", "A note of two, and of three.", "Something else: My name is Alex.", "")
MODEL = "openai:gpt-5-mini"


class Shelf:
    """A store that has notes and texts, and counts how often it is asked."""

    def __init__(self) -> None:
        self.all_notes: dict[str, Note] = {}
        self.all_texts: dict[str, str] = {}
        self.asked: list[str] = []

    def notes(self, user: str, thread: str, refs: Iterable[str]) -> dict[str, Note]:
        self.asked += refs
        return {ref: self.all_notes[ref] for ref in refs if ref in self.all_notes}

    def texts(self, user: str, thread: str, hashes: Iterable[str]) -> dict[str, str]:
        self.asked += hashes
        return {name: self.all_texts[name] for name in hashes if name in self.all_texts}


def sent(
    shelf: Shelf, items: Sequence[Item], turns: Sequence[Turn], instructions: str, query: str, at: int, key: str = "m"
) -> tuple[Trace, Prompt]:
    """Make a prompt and its trace as a turn does; what a note says is put on the shelf."""
    held = {}
    for item in items:
        if item.turns is None and item.ref.startswith("note-"):
            id, _, version = item.ref.partition(":")
            full = NOTES[int(version)]
            held[id] = shelf.all_notes[f"{key}/{item.ref}"] = Note(id, int(version), full, (0, 1), 0)
    prompt = assemble(instructions, Recall(tuple(items)), turns, query, ENCODING)
    stripped, hashes, texts = reference(Recall(tuple(items)), State(0, held), instructions)
    shelf.all_texts.update(texts)
    call = Call("reply", MODEL, prompt.tokens, 1, priced_as=MODEL)
    more: dict[str, Any] = {"memory_key": key, "model": MODEL, "priced_as": MODEL, "texts": hashes}
    more |= {"items": stripped, "segments": prompt.segments(), "calls": (call,), "read_length": at}
    return Trace("turn", at, f"turn{at}", 1000.0 + at, **more), prompt


def plainly(before: Prompt, now: Prompt) -> Common:
    """Compare two prompts in full, message by message and token by token."""

    def as_sent(one: PromptMessage) -> tuple[object, ...]:
        return one.type, one.content, one.name, one.tool_calls, one.tool_call_id, one.quoted

    count = 0
    for one, two in zip(before.messages, now.messages, strict=False):
        if as_sent(one) == as_sent(two):
            count += two.tokens
            continue
        if (one.type, one.name, one.quoted) == (two.type, two.name, two.quoted):
            ours, theirs = encode(one.content, ENCODING), encode(two.content, ENCODING)
            pairs = zip(ours, theirs, strict=False)
            count += next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(theirs)))
        return Common(count, two.item)
    return Common(count)


@st.composite
def recalled(draw: st.DrawFn, turns: Sequence[Turn], start: int = 0) -> list[Item]:
    """Draw what a memory could recall: notes, quotes, spans, single messages, some of it shortened."""
    made = []
    for place in range(start, start + draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["note", "text", "span", "span", "message", "quote", "short", "short note"]))
        first = draw(st.integers(0, len(turns) - 1))
        end = draw(st.integers(first + 1, len(turns)))
        if "note" in kind:
            version = draw(st.integers(0, len(NOTES) - 1))
            limit = 3 if "short" in kind else None
            text = NOTES[version] if limit is None else shorten(NOTES[version], limit, ENCODING)
            ref = f"note-{place}:{version}"
            made.append(Item(ref, "memory", "", count_tokens(text, ENCODING), text=text, shortened=limit))
        elif kind == "text":
            text = draw(st.sampled_from(NOTES))
            made.append(Item(f"plugin-{place}", "memory", "", count_tokens(text, ENCODING), text=text))
        elif kind == "message":
            message = draw(st.integers(0, len(turns[first].messages) - 1))
            made.append(Item(f"message:{first}.{message}", "history", "", 0, (first, first + 1)))
        elif kind == "short":
            cut = shorten_turn(turns[first], 4, ENCODING).count(ENCODING)
            made.append(Item(f"turns:{first}-{first}", "history", "", cut, (first, first + 1), shortened=4))
        else:
            size = sum(turn.count(ENCODING) for turn in turns[first:end])
            made.append(Item(f"turns:{first}-{end - 1}", "history", "", size, (first, end), quoted=kind == "quote"))
    return made


@given(st.lists(any_turn(), min_size=2, max_size=7).map(numbered), st.data())
@settings(max_examples=200)
def test_a_prefix_is_that_of_the_two_prompts_word_for_word(turns: list[Turn], data: st.DataObject) -> None:
    shelf, past = Shelf(), turns[:-1]
    instructions = st.sampled_from(["", "Be brief.", "Be brief and kind."])
    key = data.draw(st.sampled_from(["m", "m", "other"]))
    first = data.draw(recalled(past))
    # Mostly what was sent before is sent again, as it is in a conversation.
    again = data.draw(st.integers(0, len(first))) if data.draw(st.booleans()) else 0
    second = [*first[:again], *data.draw(recalled(turns, again))]
    system = data.draw(instructions)
    before, one = sent(shelf, first, past, system, turns[-1].human, len(past), key)
    system = data.draw(st.one_of(st.just(system), instructions))
    now, two = sent(shelf, second, turns, system, data.draw(st.sampled_from(["What?", turns[-1].human])), len(turns))
    assert common_with(Earlier(before, turns, shelf, "u", "t"), now, two) == plainly(one, two)  # type: ignore[arg-type]


def test_an_edited_prompt_is_compared_as_it_was_sent() -> None:
    shelf = Shelf()
    before, one, _ = grown(shelf, 3)
    now, two, turns = grown(shelf, 4)
    mine = edited(one.messages, (*one.messages[:3], reworded(one.messages[3], "Changed.", ENCODING), *one.messages[4:]))
    trace, texts = with_prompt(before, {}, mine, True)
    shelf.all_texts |= texts
    earlier = Earlier(trace, turns, shelf, "u", "t")  # type: ignore[arg-type]
    expected = Common(sum(message.tokens for message in one.messages[:3]), "turn:1")
    assert common_with(earlier, now, two) == expected
    # And the other way round: what follows is edited.
    mine = edited(two.messages, (two.messages[0], reworded(two.messages[1], "This is new.", ENCODING)))
    trace, _ = with_prompt(now, {}, mine, True)
    shared = two.messages[0].tokens + count_tokens("This is", ENCODING)
    assert common_with(Earlier(before, turns, shelf, "u", "t"), trace, mine) == Common(shared, "turn:0")  # type: ignore[arg-type]


def edited(before: Sequence[PromptMessage], after: Sequence[PromptMessage]) -> Prompt:
    return edited_prompt(before, after, ENCODING, 8192, "demo")


def grown(shelf: Shelf, length: int) -> tuple[Trace, Prompt, list[Turn]]:
    """Return a full buffer's prompt over so many turns."""
    turns = [plain(index, f"This is message {index}.", f"And that was answer {index}.") for index in range(length)]
    size = sum(turn.count(ENCODING) for turn in turns)
    items = [Item(f"turns:0-{length - 1}", "history", "", size, (0, length))] if length else []
    return *sent(shelf, items, turns, "Be brief.", f"This is message {length}.", length), turns


def test_a_buffer_goes_on_where_the_prompt_before_ended() -> None:
    shelf = Shelf()
    before, one, _ = grown(shelf, 8)
    now, two, turns = grown(shelf, 9)
    assert common_with(Earlier(before, turns, shelf, "u", "t"), now, two) == Common(one.tokens)  # type: ignore[arg-type]
    assert shelf.asked == [], "texts were fetched that were not needed"


def test_no_message_of_a_long_buffer_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    before, one, _ = grown(shelf, 2_000)
    now, two, turns = grown(shelf, 2_001)
    made: list[int] = []

    def counted(*given: Any) -> Prompt:
        prompt = assemble(*given)
        made.append(len(prompt.messages))
        return prompt

    monkeypatch.setattr("memory.money.prefix.assemble", counted)
    assert common_with(Earlier(before, turns, shelf, "u", "t"), now, two).tokens == one.tokens  # type: ignore[arg-type]
    assert sum(made) < 5


def test_a_rewritten_note_shares_its_first_letters_and_nothing_after_it() -> None:
    store = InMemoryStore()
    said = iter(["The user is Alex.", "The user is Alex and lives in Rome.", "The user is Alex and lives in Rome now."])
    talk = conversation(store, "summary", writer=lambda messages: next(said), instructions="Be brief.")
    say(talk, "I am Alex.", "I live in Rome.")
    last = trace_of(say(talk, "What now?"))
    shared = count_tokens("Be brief.", ENCODING) + count_tokens("The user is Alex", ENCODING)
    assert (last.prefix, last.broken) == (shared, "summary:2")


def test_the_first_turn_has_nothing_in_common_with_any() -> None:
    talk = conversation(InMemoryStore(), "buffer", instructions="Be brief.")
    first = trace_of(say(talk, "Hello"))
    assert (first.prefix, first.broken) == (0, "")


def test_a_window_that_slides_keeps_the_instructions_alone_and_one_with_steps_more() -> None:
    store = InMemoryStore()
    queries = [f"This is message {number}." for number in range(6)]
    slid = say(conversation(store, "window:k=2", instructions="Be brief."), *queries)
    assert trace_of(slid).prefix >= count_tokens("Be brief.", ENCODING)
    assert trace_of(slid).broken == "turn:3"
    stepped = conversation(store, "window:k=2,step=4", instructions="Be brief.", thread="t2")
    say(stepped, *queries)
    before, now = traces_of(stepped)[-2:]
    assert (now.prefix, now.broken) == (before.prompt_tokens, "") or now.items[0].turns != before.items[0].turns


def test_instructions_that_changed_are_compared_to_the_letter() -> None:
    store = InMemoryStore()
    talk = conversation(store, "buffer", instructions="Be brief and kind to everybody.")
    say(talk, "Hello")
    changed = replace(talk, instructions="Be brief and cold to everybody.")
    trace = trace_of(say(changed, "Hello again"))
    assert (trace.prefix, trace.broken) == (count_tokens("Be brief and", ENCODING), "instructions")


def test_a_memory_switched_in_between_keeps_what_it_sends_in_the_same_place() -> None:
    store = InMemoryStore()
    talk = conversation(store, "buffer", instructions="Be brief.")
    say(talk, "one", "two", "three")
    other = conversation(store, "window:k=50", instructions="Be brief.", user=talk.user)
    trace = trace_of(say(other, "four"))
    assert trace.prefix == traces_of(talk)[2].prompt_tokens
    last = conversation(store, "window:k=1", instructions="Be brief.", user=talk.user)
    assert trace_of(say(last, "five")).broken == "turn:3"


def test_an_answer_given_again_has_all_of_its_prompt_in_common_with_the_first() -> None:
    talk = conversation(InMemoryStore(), "buffer", instructions="Be brief.")
    say(talk, "one")
    first = trace_of(say(talk, "two"))
    again = talk.reply("two", replaces=first.turn_id)
    list(again)
    assert (trace_of(again).prefix, trace_of(again).broken) == (first.prompt_tokens, "")


def test_another_model_has_nothing_of_it() -> None:
    store = InMemoryStore()
    talk = conversation(store, "buffer", instructions="Be brief.")
    say(talk, "one")
    other = replace(talk, models=replace(talk.models, price_as="openai:gpt-4o-mini"))
    trace = trace_of(say(other, "two"))
    assert (trace.prefix, trace.broken) == (0, OTHER_MODEL)


def test_an_attempt_that_never_reached_a_model_is_looked_past() -> None:
    sent, failed = Call("reply", "m", 10, 1), Call("reply", "m", 0, 0, error="refused")
    there, away = (Trace("turn", n, f"t{n}", 1.0, calls=(call,)) for n, call in enumerate((sent, failed)))
    imported = Trace("import", 2, "t2", 1.0)
    assert last_sent([there, away, imported]) == there
    assert last_sent([away]) is None


@pytest.mark.parametrize("fetch", ["quoted", "whole"])
def test_words_that_are_gone_are_in_common_with_nothing(fetch: str) -> None:
    shelf = Shelf()
    turns = [plain(index, f"This is message {index}.", f"And that was answer {index}.") for index in range(4)]
    size, quoted = sum(turn.count(ENCODING) for turn in turns), fetch == "quoted"
    item = Item("turns:0-3", "history", "", size, (0, 4), quoted=quoted)
    before, _ = sent(shelf, [item], turns, "", "four", 4)
    later = [*turns[:2], replace(turns[2], messages=()), turns[3], plain(4, "four", "4")]
    again = replace(item, tokens=size - turns[2].count(ENCODING))
    now, prompt = sent(shelf, [again], later, "", "five", 5)
    found = common_with(Earlier(before, later, shelf, "u", "t"), now, prompt)  # type: ignore[arg-type]
    kept = 0 if quoted else sum(turn.count(ENCODING) for turn in turns[:2])
    assert (found.tokens, found.broken) == (kept, "quotes" if quoted else "turn:3")
    # What was gone before either of them was sent breaks nothing.
    if not quoted:
        before, _ = sent(shelf, [again], later[:4], "", "four", 4)
        assert common_with(Earlier(before, later, shelf, "u", "t"), now, prompt).broken == "query"  # type: ignore[arg-type]


def test_a_cache_lives_as_long_as_its_rule_says() -> None:
    before = Trace("turn", 0, "a", 1000.0, priced_as=MODEL)
    assert alive(before, replace(before, at=1300.0))
    assert not alive(before, replace(before, at=1301.0))
    unknown = replace(before, priced_as="ollama:llama3")
    assert alive(unknown, replace(unknown, at=9e9)), "a rule was made up"
