"""What a prompt has in common with the last one that reached the same model, and so what a provider's cache can hold.

    >>> found = look_back(store, user, thread, length=5, now=trace, prompt=prompt, transcript=transcript)
    >>> found.tokens, found.broken, found.alive         # a window slid: only the instructions stayed as they were
    (24, 'turn:1', True)
    >>> cause(before, trace)
    Cause(kind='left', turns=((0, 1),), ref='')

It is looked at after the answer, in one read of the store. Spans of whole turns are not put together again but met in
the prompt that has just been sent, so that ten thousand turns cost little; a text of the prompt before (an older
summary, other instructions) is fetched only where the two part at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from memory.base import Item, Recall, Span, Turn
from memory.common.fit import span_ref
from memory.edited_prompt import EDITED, as_sent, from_text
from memory.errors import InspectorError
from memory.inspection.changes import minus, sent
from memory.money.prompt_cache import cache_rule, same_start
from memory.prompt import Prompt, PromptMessage, assemble
from memory.store import Store
from memory.tokens import shorten
from memory.trace import Trace

LOOK_BACK = 3
"""How many traces are looked through for the last prompt that reached a model: an attempt that failed did not."""
OTHER_MODEL = "model"
"""What `Trace.broken` names where another model was asked before: its cache is of no use to this one."""


@dataclass(frozen=True, slots=True)
class Common:
    """What two prompts share: the `tokens` from the beginning, and the item of the second's first message that differs.

    `broken` is "" where none does: the one goes on where the other ends. It is `alive` as long as a cache lives.
    """

    tokens: int = 0
    broken: str = ""
    alive: bool = True


def look_back(
    store: Store, user: str, thread: str, length: int, now: Trace, prompt: Prompt, transcript: Sequence[Turn]
) -> Common:
    """Compare a prompt that was sent when the thread had `length` turns with the one before.

    `transcript` has every turn that either of them speaks of. A store that is away means that nothing is known of it.
    """
    try:
        before = last_sent(store.traces(user, thread, max(0, length - LOOK_BACK), length))
        if before is None:
            return Common()
        found = common_with(Earlier(before, transcript, store, user, thread), now, prompt)
        return replace(found, alive=alive(before, now))
    except InspectorError:
        return Common()


def last_sent(traces: Sequence[Trace]) -> Trace | None:
    """Return the newest of some traces whose prompt reached a model, None where there is none."""
    for trace in reversed(traces):
        call = trace.reply
        if trace.kind == "turn" and call and (call.error is None or call.input_tokens):
            return trace
    return None


def alive(before: Trace, now: Trace) -> bool:
    """Say whether a turn came while a cache of the one before still lives; also where no rule is known."""
    rule = cache_rule(now.priced_as)
    return rule is None or now.at - before.at <= rule.lives


@dataclass(frozen=True, slots=True)
class Cause:
    """What ended the common prefix: turns that left or came in, a note (`ref`) that is new or was rewritten, …"""

    kind: Literal["model", "instructions", "memory", "rewritten", "note", "quotes", "left", "came", "query"]
    turns: tuple[Span, ...] = ()
    ref: str = ""


def cause(before: Trace, now: Trace) -> Cause | None:
    """Say what ended the prefix that a prompt has in common with the one before, None where nothing did."""
    broken = now.broken
    if broken in ("", OTHER_MODEL, "instructions"):
        return Cause("model" if broken == OTHER_MODEL else "instructions") if broken else None
    if (before.memory, before.settings) != (now.memory, now.settings):
        return Cause("memory")
    item = next((item for item in now.items if item.ref == broken and item.turns is None), None)
    if item:
        id = item.ref.rpartition(":")[0]
        again = any(other.turns is None and other.ref.rpartition(":")[0] == id for other in before.items)
        return Cause("rewritten" if again else "note", ref=item.ref)
    if broken.startswith(("quotes", "date:")) or any(item.quoted and _holds(item, broken) for item in now.items):
        return Cause("quotes")
    left, came = minus(sent(before), sent(now)), minus(sent(now), sent(before))
    if left:
        return Cause("left", tuple(left))
    turn = _turn_of(broken)
    came = [(first, end) for first, end in came if turn is not None and first <= turn < end]
    return Cause("came", tuple(came)) if came else Cause("query")


def _turn_of(item: str) -> int | None:
    name, _, rest = item.partition(":")
    number = rest.partition(".")[0]
    return int(number) if name in ("turn", "message") and number.isdecimal() else None


def _holds(item: Item, broken: str) -> bool:
    turn = _turn_of(broken)
    return turn is not None and item.turns is not None and item.turns[0] <= turn < item.turns[1]


def common_with(before: Earlier, now: Trace, prompt: Prompt) -> Common:
    """Compare a prompt with the one before; may raise what the store raises."""
    if (before.trace.model, before.trace.priced_as) != (now.model, now.priced_as):
        return Common(0, OTHER_MODEL)
    # What somebody edited before it was sent is no longer what its items say, and has no lines that are quoted.
    edited = EDITED in before.trace.texts or EDITED in now.texts
    walk = _Walk(as_sent(prompt, now.encoding) if edited else prompt.messages, now.encoding)
    for part in before.parts():
        if edited:
            met = walk.compare(before.as_sent(part))
        elif part[0].whole and part[0].segment != "query":
            met = walk.meet_turns(part[0], before)
        elif walk.item == part[0].ref and before.sent_again(part[0], now):
            met = walk.meet(1)
        else:
            met = walk.compare(before.render(part))
        if not met:
            break
    return Common(walk.count, walk.broken)


class _Walk:
    """A place in the prompt that has just been sent; all before it stood in the prompt before as well."""

    def __init__(self, messages: Sequence[PromptMessage], encoding: str) -> None:
        self._messages, self._encoding = messages, encoding
        self._place = self.count = 0
        self.broken = ""

    @property
    def item(self) -> str:
        return self._messages[self._place].item if self._place < len(self._messages) else ""

    def meet(self, messages: int) -> bool:
        """Go on over so many messages, which are known to be the same."""
        self.count += sum(message.tokens for message in self._messages[self._place : self._place + messages])
        self._place += messages
        return True

    def compare(self, earlier: Sequence[PromptMessage] | None) -> bool:
        """Go on over what is the same; None is what cannot be known any more. Returns whether all of it was."""
        for one in [None] if earlier is None else earlier:
            if self._place == len(self._messages):
                return False
            two = self._messages[self._place]
            same = same_start(one, two, self._encoding) if one else 0
            if same is not None:
                self.count, self.broken = self.count + same, two.item
                return False
            self.meet(1)
        return True

    def meet_turns(self, item: Item, before: Earlier) -> bool:
        """Go on over a span of whole turns; what has been forgotten since is not there to be compared."""
        assert item.turns
        start, gone = self.count, None
        for turn in range(*item.turns):
            place = self._place
            most = min(len(self._messages), place + before.messages(turn))
            while place < most and _is_of(self._messages[place], turn):
                place += 1
            if place > self._place:
                self.meet(place - self._place)
            elif not before.messages(turn):
                gone = gone or (self._place, self.count)
            elif not self.compare(before.render((Item(span_ref(turn, turn + 1), "history", "", 0, (turn, turn + 1)),))):
                return False
        if gone and self.count - start != item.tokens:
            self._place, self.count = gone
            return self.compare(None)
        return True


class Earlier:
    """The prompt before, part by part; texts are fetched when they are needed."""

    def __init__(self, trace: Trace, transcript: Sequence[Turn], store: Store, user: str, thread: str) -> None:
        self.trace = trace
        self._turns, self._store, self._user, self._thread = transcript, store, user, thread

    def parts(self) -> Iterator[tuple[Item, ...]]:
        """Yield what it was made of in order: an item each, but all that was quoted in one block together."""
        if EDITED in self.trace.texts:
            yield (Item(EDITED, "history", "", 0),)
            return
        if "instructions" in self.trace.texts:
            yield (Item("instructions", "instructions", "", self.trace.segments["instructions"]),)
        for quoted, run in groupby(self.trace.items, key=lambda item: item.quoted):
            items = tuple(run)
            yield from [items] if quoted else [(item,) for item in items]
        yield (Item("query", "query", "", 0, (self.trace.turn, self.trace.turn + 1)),)

    def sent_again(self, item: Item, now: Trace) -> bool:
        """Say whether the same words stand under an item's name in another trace; not of turns."""
        if item.turns is not None:
            return False
        if item.ref in self.trace.texts:
            return self.trace.texts[item.ref] == now.texts.get(item.ref)
        name = item.ref, item.shortened, item.tokens
        same_memory = self.trace.memory_key == now.memory_key
        return same_memory and any((other.ref, other.shortened, other.tokens) == name for other in now.items)

    def messages(self, turn: int) -> int:
        """Count the messages that a turn has now."""
        return len(self._turns[turn].messages)

    def render(self, items: tuple[Item, ...]) -> Sequence[PromptMessage] | None:
        """Return the messages that a part was sent as; None where something of it has been taken away since."""
        first, encoding = items[0], self.trace.encoding
        if first.ref == EDITED:
            prompt = from_text(self._text(EDITED) or "", encoding)
            return prompt.messages if prompt else None
        if any(not self.messages(turn) for item in items if item.turns for turn in range(*item.turns)):
            return None  # forgotten since
        if first.segment == "query":
            return [PromptMessage("human", self._turns[self.trace.turn].human, "query", "query", 0, "")]
        if first.turns is None:
            text = self._text(first.ref) if first.ref in self.trace.texts else self._note(first)
            if text is None:
                return None
            items = (replace(first, text=text),)
        return assemble("", Recall(items), self._turns, "", encoding).messages[:-1]

    def as_sent(self, items: tuple[Item, ...]) -> Sequence[PromptMessage] | None:
        """Return the messages of a part with all that was quoted in one of them."""
        messages = self.render(items)
        return messages and as_sent(Prompt(tuple(messages)), self.trace.encoding)

    def _text(self, name: str) -> str | None:
        hash = self.trace.texts[name]
        return self._store.texts(self._user, self._thread, [hash]).get(hash)

    def _note(self, item: Item) -> str | None:
        ref = f"{self.trace.memory_key}/{item.ref}"
        note = self._store.notes(self._user, self._thread, [ref]).get(ref)
        if note is None:
            return None
        return note.text if item.shortened is None else shorten(note.text, item.shortened, self.trace.encoding)


def _is_of(message: PromptMessage, turn: int) -> bool:
    """Say whether a message of a prompt is one of a turn that is sent whole."""
    return message.turn == turn and not message.quoted and not message.shortened and message.item.startswith("turn:")
