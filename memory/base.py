"""The contract of a memory, on one screen: what is stored, what is recalled, and the two verbs between.

    >>> memory = ConversationBufferWindowMemory(k=1)
    >>> recall = memory.read(State(), transcript, "What is my name?", services, budget=2000)
    >>> recall.items[0].turns, recall.left_out[0].why          # of four turns, the last one is sent
    ((3, 4), 'outside the last k=1 turns')

A turn is one human message and the final AI message that answers it, with any tool messages between.
The transcript keeps every turn; a memory only chooses what of it (and of its own notes) reaches the prompt.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WrapSerializer

from memory.common.division import Share
from memory.common.layers import Layers
from memory.pictures.picture import Picture
from memory.tokens import count_tokens

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from memory.knowledge.library import Library
    from memory.longterm.base_store import UserStore
    from memory.pictures.sight import Pictures
    from memory.retrieval.ranking import Ranking, Space
    from memory.views import View

Role = Literal["human", "ai", "tool"]
Segment = Literal["instructions", "memory", "history", "query"]
Search = Literal["hybrid", "dense", "lexical"]
Span = tuple[int, int]
"""Turns from the first index up to, not including, the second; the first turn of a thread is 0."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a turn; `tokens` is its content's count by encoding, `source` its id in an import.

    The content says in words which `pictures` came with it (see `memory/pictures/picture.py`).
    """

    role: Role
    content: str
    name: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    tool_call_id: str | None = None
    tokens: Mapping[str, int] = field(default_factory=dict)
    source: str | None = None
    pictures: tuple[Picture, ...] = ()

    def count(self, encoding: str) -> int:
        """Count the tokens of the content and of the tool calls, which are sent as well."""
        content = self.count_content(encoding)
        return content + self.count_calls(encoding) if self.tool_calls else content

    def count_content(self, encoding: str) -> int:
        """Count the content's tokens, from the stored figure where there is one."""
        stored = self.tokens.get(encoding)
        return count_tokens(self.content, encoding) if stored is None else stored

    def count_calls(self, encoding: str) -> int:
        """Count the tool calls' tokens as JSON; each provider writes them in a form of its own."""
        if not self.tool_calls:
            return 0
        calls = [{name: call.get(name) for name in ("name", "args", "id")} for call in self.tool_calls]
        return count_tokens(json.dumps(calls, ensure_ascii=False, default=str), encoding)


@dataclass(frozen=True, slots=True)
class Turn:
    """A human message, what came between, and the AI message that answers it; either side may be lacking.

    `index` is the turn's place in its thread. `earlier` holds the answers that regenerating has replaced. One that was
    forgotten keeps its place, so that no index shifts, and says nothing: it has no messages.
    """

    id: str
    messages: tuple[Message, ...]
    status: Literal["complete", "stopped", "failed", "forgotten"] = "complete"
    at: float = 0.0
    error: str | None = None
    earlier: tuple[str, ...] = ()
    index: int = -1

    @property
    def human(self) -> str:
        return "\n".join(message.content for message in self.messages if message.role == "human")

    @property
    def ai(self) -> str:
        return "\n".join(message.content for message in self.messages if message.role == "ai" and message.content)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures that came with the human message."""
        return tuple(picture for message in self.messages if message.role == "human" for picture in message.pictures)

    def count(self, encoding: str) -> int:
        """Count the tokens of all its messages."""
        total = 0
        for message in self.messages:
            # A loop over what is stored: hundreds of turns are counted to send the newest of them.
            stored = None if message.tool_calls else message.tokens.get(encoding)
            total += message.count(encoding) if stored is None else stored
        return total


@dataclass(slots=True)  # not frozen, which would take seven times as long: a turn makes a hundred of them
class Item:
    """One thing that was recalled: a span of turns, one message of a turn, or a note's text.

    `ref` names it: `turns:3-8` (inclusive), `message:12.0`, `summary:3`. `why` is for the reader of the screen.
    `shortened` is the token limit to which a turn or note too long for the budget was cut, else None. What is `quoted`
    is sent as lines "Speaker: text" under its date, not as messages of its own. `parts` are what `score` is made of,
    by name, each from 0 to 1. `picture` is the id of one that is sent with the text, its tokens among `tokens`.
    """

    ref: str
    segment: Segment
    why: str
    tokens: int
    turns: Span | None = None
    text: str | None = None
    score: float | None = None
    shortened: int | None = None
    quoted: bool = False
    parts: Mapping[str, float] = field(default_factory=dict)
    picture: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is turns that are sent whole, as the messages that they are."""
        plain = self.shortened is None and not self.quoted
        return plain and self.turns is not None and not self.ref.startswith("message:")


@dataclass(slots=True)
class LeftOut:
    """Turns that did not reach the prompt and the rule that kept them out.

    `kind` "summary" means that their gist is in a note that was sent; everything else is stored and not sent.
    `message` is the place of a single message in its turn where messages are recalled one by one.
    """

    turns: Span
    why: str
    kind: Literal["rule", "budget", "summary"] = "rule"
    rank: int | None = None
    score: float | None = None
    message: int | None = None
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recall:
    """What a memory puts into one prompt, in the order in which it reaches it, and what it left out.

    `shares` say how one that is composed divided its budget.
    """

    items: tuple[Item, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    shares: tuple[Share, ...] = ()

    @property
    def tokens(self) -> int:
        return sum(item.tokens for item in self.items)


@dataclass(frozen=True, slots=True)
class Note:
    """One version of something a memory wrote down: valid from turn `since` until its next version.

    `turns` is the span that its text speaks of; `text` is at most what the memory's settings allow, and empty where
    the note holds no longer or was forgotten. `data` is what the text says in parts (a triple's subject). An id has
    letters, digits and `._-` alone. A version that a person wrote was `edited` when the state covered so many turns.
    """

    id: str
    version: int
    text: str
    turns: Span
    since: int
    data: Mapping[str, Any] = field(default_factory=dict)
    edited: int | None = None

    @property
    def ref(self) -> str:
        return f"{self.id}:{self.version}"

    @property
    def covers(self) -> int:
        """How many turns the state covered when this version was written."""
        return self.since if self.edited is None else self.edited


class Notes(Layers[str, Note]):
    """The notes of a state, which nobody changes once it is one; to copy them costs what is new in them.

    `index` is what their memory has made of them to find them by (see `memory/common/draft.py`); it can be lost at any
    time.
    """

    index: Any = None


_AS_DICT = WrapSerializer(lambda notes, write: write(dict(notes)))


def following(
    notes: Mapping[str, Note], id: str, text: str, turns: Span, since: int, data: Mapping[str, Any] | None = None
) -> Note:
    """Make the next version of a note."""
    earlier = notes.get(id)
    if earlier:
        # Versions follow each other in time, also where a turn from before an edit is caught up.
        since = max(since, earlier.since)
    return Note(id, earlier.version + 1 if earlier else 1, text, turns, since, data or {})


@dataclass(frozen=True, slots=True)
class State:
    """What a memory knows beyond the transcript: notes that survive JSON; it refers to turns and copies none.

    `covered` is how many turns are in it, `notes` the version of each note that is valid now. `made` are the versions
    since it was read, which the store takes apart from it: a write that catches up makes several of one note. `parts`
    is how many turns each part of a composed memory covers, by its number. `edits` is how many of the edits that
    people made of its notes are in it.
    """

    covered: int = 0
    notes: Annotated[Mapping[str, Note], AfterValidator(Notes), _AS_DICT] = field(default_factory=Notes)
    parts: Mapping[str, int] = field(default_factory=dict)
    edits: int = 0
    made: Annotated[tuple[Note, ...], Field(exclude=True)] = field(default=(), compare=False, repr=False)

    @property
    def reach(self) -> int:
        """How many turns any part of it knows of: what a turn that is taken away must be looked for by."""
        edited = (note.since for note in self.notes.values() if note.edited is not None)
        return max(self.covered, *self.parts.values(), *edited, 0)

    def with_note(self, id: str, text: str, turns: Span, since: int, data: Mapping[str, Any] | None = None) -> State:
        """Return a state in which this text is the note's next version."""
        note = following(self.notes, id, text, turns, since, data)
        return replace(self, notes={**self.notes, id: note}, made=(*self.made, note)[-MOST_MADE:])


MOST_MADE = 1000
"""How many versions of notes one write hands to the store at most: going back further is a replay."""


def rewind(history: Iterable[Note], length: int) -> State:
    """Return the state as it was when the thread had `length` turns, from every version of its notes.

    It covers what its newest note covers; turns from there on are written again, which calls no model that was not
    called after them.
    """
    valid: dict[str, Note] = {}
    for note in sorted(history, key=lambda note: note.version):
        if note.since <= length:
            valid[note.id] = note
    return State(max((note.covers for note in valid.values()), default=0), valid)


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that a memory keeps outside of the store: its text, and the id of the turn that it came from."""

    text: str
    turn_id: str


class Services(Protocol):
    """What a memory may use; every model call made through it is recorded with its purpose, tokens and cost.

    `user` is whose data it is, `now` the time of the turn in seconds since the epoch, the same in all of a turn;
    `taken` are the indexes of turns that another part of a composed memory sends already. Where it `estimates`, a write
    is only asked what it would cost: what a memory keeps outside of its state stays as it is. Where it is `reflecting`,
    the conversation has rested, and what a memory does in the background is done. `labels` are what the session names
    for the variables of a namespace (see `memory/longterm/namespace.py`), None where there is no session.
    """

    encoding: str
    user: str
    now: float
    taken: frozenset[int]
    reflecting: bool
    labels: Mapping[str, str] | None

    @property
    def estimates(self) -> bool:
        """Whether nothing is to be kept."""

    def ask(
        self, messages: Sequence[BaseMessage], purpose: str, max_tokens: int, tools: Sequence[type[BaseModel]] = ()
    ) -> AIMessage:
        """Call the memory's model, with tools by their schemas where it is to answer in their form.

        What was asked before in the same words is answered from a cache. Raises ModelFailed.
        """

    def rank(self, transcript: Sequence[Turn], query: str, search: Search | None = None) -> Ranking:
        """Rank a transcript's turns by likeness to a text; by the best search that is there where none is named."""

    def take_in(self, transcript: Sequence[Turn], search: Search | None = None) -> None:
        """Give every turn its vector, where the search needs one; raises StoreUnavailable or ModelFailed."""

    def space(self, transcript: Sequence[Turn], query: str) -> Space | None:
        """Return the vectors of the turns and of a text in two dimensions, None where there are none."""

    @property
    def items(self) -> UserStore:
        """What is kept of the user across conversations."""

    @property
    def library(self) -> Library:
        """The documents that the user uploaded."""

    @property
    def pictures(self) -> Pictures:
        """Which models take pictures, and the bytes of those of this conversation."""

    def failed(self, error: Exception) -> None:
        """Record an error that a write survived: its state stays where it was and the next write catches up."""

    @property
    def input_limit(self) -> int:
        """How many tokens of input the memory's model takes."""


class Memory(ABC):
    """A way to choose what of a conversation reaches the model.

    A subclass is one file in `strategies/` (or in the plug-in folder) and shows up everywhere by itself.
    `short` is its second name on the command line; `keeps`, `forgets` and `costs` are its line in the selector.
    """

    class Settings(BaseModel):
        """The settings: each field with its default, bounds and a description for its control."""

        model_config = ConfigDict(frozen=True, extra="forbid")

    short: ClassVar[str]
    label: ClassVar[str]
    family: ClassVar[str] = "short-term"
    place: ClassVar[int] = 50
    """Its place within its family in the selector; smaller comes first."""
    keeps: ClassVar[str]
    forgets: ClassVar[str]
    costs: ClassVar[str]
    scope: ClassVar[Literal["thread", "user"]] = "thread"
    """Whose what it knows is: a conversation's, or the user's across all of them."""
    stateful: ClassVar[bool] = False
    """Whether `write` keeps anything; without it a turn is one commit instead of two."""
    state_settings: ClassVar[tuple[str, ...]] = ()
    """The settings that shape the state; a change of any other keeps it."""
    caveat: ClassVar[str | None] = None
    """A rule that this memory is known not to keep, in words for the screen."""

    def __init__(self, **settings: Any) -> None:
        self.settings = self.Settings(**settings)

    @property
    def name(self) -> str:
        return type(self).__name__

    @property
    def key(self) -> str:
        """Name the state: the memory and the settings that shape it."""
        values = self.settings.model_dump(mode="json")
        return ",".join([self.name, *(f"{name}={values[name]}" for name in self.state_settings)])

    @property
    def retrieves(self) -> bool:
        """Whether it searches the turns; its state is then kept for each embedding apart."""
        return False

    @property
    def embeds(self) -> bool:
        """Whether what it finds rests on the embedding that is chosen: turns, facts or passages."""
        return self.retrieves

    @property
    def rests(self) -> bool:
        """Whether it writes only when the conversation has rested (see `memory/reflection.py`)."""
        return False

    @property
    def tail(self) -> int:
        """How many of the newest turns a read is likely to need; they come with the thread in one round trip."""
        return 16

    @abstractmethod
    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        """Choose what reaches the prompt, at most `budget` tokens; changes nothing."""

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        """Return the state with every turn since `state.covered` in it; safe to repeat.

        A failing model is reported to `services.failed`; the state then covers what was done before it.
        """
        return state if state.covered == len(transcript) else replace(state, covered=len(transcript))

    def tools(self, state: State, services: Services) -> Sequence[BaseTool]:
        """Return what the model may call while it answers; none by default.

        A call changes nothing: it stands in the turn with its answer, and `write` does what it asked for.
        """
        return ()

    def view(self, state: State, recall: Recall, transcript: Sequence[Turn], query: str, services: Services) -> View:
        """Return what "Memory now" draws of the turn that asked `query`, in the few forms of `memory/views.py`."""
        from memory.views import blocks_and_notes

        return blocks_and_notes(state, recall, len(transcript))

    def worded(self, id: str, parts: Mapping[str, str]) -> str:
        """Write the text of a note that is made of parts, as a triple is; empty where its notes are not."""
        return ""

    @classmethod
    def kept(cls, user: str) -> Mapping[str, Kept]:
        """Return what the memory keeps of a user outside of the store, each thing under its own name."""
        return {}

    @classmethod
    def reword(cls, user: str, name: str, text: str) -> bool:
        """Give something that is kept outside of the store another text; False where there is no such thing."""
        return False

    @classmethod
    def remove(cls, user: str, names: Iterable[str]) -> int:
        """Remove some of what is kept outside of the store, its bytes as well; returns how many there were."""
        return 0

    @classmethod
    def erase(cls, user: str) -> int:
        """Remove all that the memory keeps of a user outside of the store; returns how many things that were."""
        return 0

    @classmethod
    def copied(cls, user: str) -> list[Any]:
        """Return what the memory keeps of a user outside of the store, as JSON, for a backup."""
        return []

    @classmethod
    def take_copied(cls, user: str, rows: list[Any]) -> None:
        """Keep again what `copied` returned; raises BadInput for what it never returns."""
        return None


def replay(memory: Memory, transcript: Sequence[Turn], services: Services, state: State | None = None) -> State:
    """Write a transcript turn by turn, as a live conversation would have, from `state.covered` on."""
    state = state or State()
    for length in range(state.covered + 1, len(transcript) + 1):
        state = memory.write(state, transcript[:length], services, None)
    return state
