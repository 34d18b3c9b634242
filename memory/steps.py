"""The four stops of step mode, each with what the step after it will do, told from real data.

    >>> job = start(conversation, "What is my name?", stepped=True)
    >>> job.before.step, job.before.turns, job.before.budget       # it waits before it reads
    ('read', 4, 6917)
    >>> job.next()

Who lets a turn wait is a `Gate`: it returns when the turn may go on and raises `TurnLeft` when it may not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from memory.base import Note, Recall, State, Turn
from memory.money.prices import Usage, price
from memory.prompt import PromptMessage
from memory.services import EstimatingServices, ModelServices
from memory.tokens import count_tokens
from memory.trace import Call, StateRef, Step, Trace
from memory.transcript import Transcript

if TYPE_CHECKING:
    from memory.conversation import Conversation

STEPS: tuple[Step, ...] = ("read", "prompt", "model", "write")


class TurnLeft(Exception):
    """A turn ends at a stop: `withdrawn` where the message goes back to its sender, else it waits in the store.

    Nothing was sent, unless the stop was that before write: then the turn is stored already.
    """

    def __init__(self, withdrawn: bool) -> None:
        super().__init__()
        self.withdrawn = withdrawn


@dataclass(frozen=True, slots=True)
class BeforeRead:
    """The memory will be asked: with which settings, over how many `turns`, of which it `covered` some in its notes.

    `budget` is the most tokens that it may recall, `calls` what asking it costs by estimate.
    """

    step: ClassVar[Step] = "read"
    memory: str
    settings: Mapping[str, Any]
    turns: int
    stateful: bool
    covered: int
    notes: int
    budget: int
    exact: bool
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class BeforePrompt:
    """What the memory recalled and left out will be put in order, between the instructions and the message.

    `instructions` and `query` are their tokens; `notes` are those that it may have recalled, by id.
    """

    step: ClassVar[Step] = "prompt"
    recall: Recall
    turns: int
    notes: Mapping[str, Note]
    instructions: int
    query: int
    exact: bool


@dataclass(frozen=True, slots=True)
class BeforeModel:
    """These `messages` will be sent, in so many `tokens`; `cost` is that of reading them, in dollars.

    `recalled` are the messages before they were `edited`, `window` is the model's in tokens.
    """

    step: ClassVar[Step] = "model"
    messages: tuple[PromptMessage, ...]
    recalled: tuple[PromptMessage, ...]
    tokens: int
    model: str
    priced_as: str
    cost: Decimal | None
    window: int
    encoding: str
    exact: bool
    edited: bool


@dataclass(frozen=True, slots=True)
class BeforeWrite:
    """The `turn` is stored; the memory, where it is `stateful`, will take in those from `covered` on.

    `calls` are what that costs by estimate, `notes` the refs of the notes that it is sure to write. `problem` says
    why it cannot be estimated.
    """

    step: ClassVar[Step] = "write"
    turn: Turn
    memory: str
    stateful: bool
    covered: int
    turns: int
    notes: tuple[str, ...]
    calls: tuple[Call, ...]
    exact: bool
    problem: str = ""


Before = BeforeRead | BeforePrompt | BeforeModel | BeforeWrite
Gate = Callable[[Callable[[], Before]], bool]
"""Is given how to describe the stop, which takes time that a gate standing open saves; says whether it waited."""


def before_read(talk: Conversation, state: State, transcript: Transcript, query: str, budget: int) -> BeforeRead:
    """Describe what reading will do."""
    services = _estimating(talk)
    try:
        talk.memory.read(state, transcript, query, services, budget)
    except Exception:  # the step itself will say what is wrong
        services.calls.clear()
    return BeforeRead(
        talk.memory.label,
        talk.memory.settings.model_dump(mode="json"),
        len(transcript),
        talk.memory.stateful,
        state.covered,
        len(state.notes),
        budget,
        talk.models.encoding()[1],
        tuple(services.calls),
    )


def before_prompt(talk: Conversation, state: State, recall: Recall, turns: int, query: str) -> BeforePrompt:
    """Describe what the prompt will be made of."""
    encoding, exact = talk.models.encoding()
    instructions, asked = count_tokens(talk.instructions, encoding), count_tokens(query, encoding)
    return BeforePrompt(recall, turns, state.notes, instructions, asked, exact)


def before_model(
    trace: Trace, messages: Sequence[PromptMessage], recalled: Sequence[PromptMessage], window: int, edited: bool
) -> BeforeModel:
    """Describe what the model will be sent."""
    tokens = sum(message.tokens for message in messages)
    cost = price(trace.priced_as, Usage(input=tokens))
    return BeforeModel(
        tuple(messages),
        tuple(recalled),
        tokens,
        trace.model,
        trace.priced_as,
        cost.input if cost else None,
        window,
        trace.encoding,
        trace.exact,
        edited,
    )


def before_write(
    talk: Conversation, state: State, transcript: Sequence[Turn], recall: Recall, turn: Turn
) -> BeforeWrite:
    """Describe what the memory will do with the turn, without a model."""
    services, problem, notes = _estimating(talk), "", tuple[str, ...]()
    if talk.memory.stateful:
        try:
            after = talk.memory.write(state, transcript, services, recall)
            notes = StateRef.of(after, state).wrote
        except Exception as error:  # a plug-in's mistake, or a store of vectors that is away: the step will tell it
            problem = f"{type(error).__name__}: {error}"
    return BeforeWrite(
        turn,
        talk.memory.label,
        talk.memory.stateful,
        state.covered,
        len(transcript),
        notes,
        tuple(services.calls),
        talk.models.encoding()[1],
        problem,
    )


def _estimating(talk: Conversation) -> ModelServices:
    return talk.services(EstimatingServices)
