"""A lesson as a teacher writes it: text, the turns to play, what to look at, what to predict, and what must hold.

One TOML file is one lesson; Markdown stands in it between three quotes:

    lesson = "window"
    number = 4
    title = "Window: the last k turns"
    about = "Why a chat forgets what you said first, and that it is still stored."
    memory = "window:k=2"

    [[steps]]
    title = "Will it know?"
    text = '''A {term:window} sends the last *k* turns. Here k is 2.'''
    play = [{say = "Do you remember what my favorite color is?"}]
    after = '''The prompt has {prompt_tokens:4} tokens; turn 1 is not among them.'''

    [steps.predict]
    ask = "Will the model know the color?"
    choices = ["Yes, turn 1 is in the prompt", "No, turn 1 was deleted", "No, turn 1 is stored but not sent"]
    right = 3
    because = "Turns 2 and 3 fill the window. Turn 1 is still stored."

    [steps.look]
    view = "Memory now"
    turn = 4
    words = ["blue"]
    told = "The outlined block 1 in the panel: stored, not sent."

    [[steps.claims]]
    says = "Turn 1 is stored and was not sent."
    turn = 4
    stored_only = [1]

Turns are counted from 1, as on the page. `{name:4}` in a text is the figure of that name at turn 4 as it was measured
(`memory/lessons/figures.py`), `{term:window}` a word of the glossary. Whoever reads this file as the learner sees it
knows it all: nothing of a lesson stands in code.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

View = Literal["Memory now", "Prompt", "Left out", "Cost"]
Stop = Literal["read", "prompt", "model", "write", "end"]
Control = Literal["panel", "settings", "source", "claims", "overview"]
"""What a teacher can hide: the side panel, the control to try, the memory's source, the checks, the other steps."""

Idea = Literal["background", "namespaces", "forgetting", "frontier", "contract"]
"""Ideas that are no single memory's and have a picture: formed now or later, whose memory, for good, which, any."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Line = Annotated[str, Field(min_length=1, max_length=300)]
Text = Annotated[str, Field(max_length=4_000)]
Turn = Annotated[int, Field(ge=1, le=500)]
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=20)]
Turns = Annotated[list[Turn], Field(max_length=100)]
YOU = "you"
"""Who learns, where a lesson names nobody."""
T = TypeVar("T", bound="Table")


class Table(BaseModel):
    """A table of a lesson's file; a member that is not known is refused by its name."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Where(Table):
    """Of whom and where: a person of the lesson and one of that person's conversations, by the lesson's own names."""

    person: Name | None = None
    """None: who spoke last."""
    thread: Name | None = None
    """None: where that person spoke last."""


class Person(Table):
    """Somebody of the lesson: an identity of its own in the store, which nobody else's words reach."""

    id: Name
    name: Line
    labels: dict[Name, Line] = {}
    """What fills the variables of a namespace, as organisation and application."""


class Compare(Table):
    """Several memories over one shipped scenario, as on the page Compare."""

    scenario: Name
    memories: Annotated[list[Line], Field(min_length=1, max_length=6)]


class Forget(Table):
    """A turn, or everything that holds these words."""

    turn: Turn | None = None
    words: Line | None = None


class Action(Where):
    """One thing that the lesson does by itself, by the way on which a person would do it on the page.

    Exactly one of: `say` something (with a shipped `picture`, stopped before a step with `until`), `go` on from there,
    `use` another memory, answer the last message `again`, give a `thumb` (with `words`), `reflect` now, `forget`,
    `reread` everything from the store as a process does that has just started, `lint` a memory, `compare`, put a
    shipped `document` among the person's own. With `thread` a conversation of that name is begun or gone on with; one
    that is begun is read by the memory that this person used last, else by that of the lesson.
    """

    say: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None
    times: Annotated[int, Field(ge=1, le=20)] = 1
    """How often a text is repeated within the one message, where a very long one is wanted."""
    picture: Name | None = None
    until: Stop | None = None
    go: Stop | None = None
    use: Line | None = None
    again: Literal[True] | None = None
    thumb: Literal["up", "down"] | None = None
    words: Line | None = None
    reflect: Literal[True] | None = None
    forget: Forget | None = None
    reread: Literal[True] | None = None
    lint: Line | None = None
    compare: Compare | None = None
    document: Name | None = None
    """The name of a file of `memory/knowledge/samples/`, without its ending."""

    @model_validator(mode="after")
    def _one(self) -> Action:
        return _exactly_one(self, ACTIONS)


ACTIONS = ("say", "go", "use", "again", "thumb", "reflect", "forget", "reread", "lint", "compare", "document")


class Figure(Table):
    """A number that is measured: by its name, at a turn (default: the newest)."""

    figure: Name | Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    turn: Turn | None = None


class Predict(Table):
    """A question before the turns are played: one of `choices`, or a `number`, right within `within` of it."""

    ask: Line
    choices: Annotated[list[Line], Field(max_length=6)] = []
    right: Annotated[int, Field(ge=1, le=6)] | None = None
    """Which choice is right, counted from 1."""
    number: Figure | None = None
    within: Annotated[float, Field(ge=0, le=1)] = 0.15
    """The share of the number by which a guess may miss it."""
    unit: Annotated[str, Field(max_length=40)] = ""
    because: Text
    """Why; shown with the answer, whether it was right or not."""

    @model_validator(mode="after")
    def _whole(self) -> Predict:
        if bool(self.choices) == (self.number is not None):
            raise ValueError("ask for one of `choices` or for a `number`")
        if self.choices and (len(self.choices) < 2 or self.right is None or self.right > len(self.choices)):
            raise ValueError("name two choices or more and in `right` which of them it is, counted from 1")
        return self


class Look(Table):
    """Where to look when the turns were played; the page marks it, and `told` says the same in words."""

    view: View = "Memory now"
    turn: Turn | None = None
    words: Words = []
    """Marked in the conversation and in the panel, wherever they stand."""
    told: Line


class Linted(Table):
    """A rule that a memory keeps or breaks."""

    memory: Line
    rule: Annotated[int, Field(ge=1, le=12)]
    holds: bool


class Crossing(Table):
    """From which turn on the first of two memories costs more than the second, when this conversation goes on."""

    memories: Annotated[list[Line], Field(min_length=2, max_length=2)]
    caching: bool
    turns: Annotated[list[int], Field(min_length=2, max_length=2)] | None = None
    """From, to; None: never within the projection."""


class Claim(Where):
    """A statement that the lesson makes, measured on the live state; exactly one kind of measurement.

    Of the prompt of `turn` (default: the newest): `sent` (exactly these turns, word for word), `includes` (these among
    others), `stored_only` (stored and not sent, `why` stands in the reason), `alone` (nothing but instructions and
    message), `prompt_has` and `prompt_lacks` (words in what memory put into it, neither instructions nor message),
    `best` (the turn that was ranked first), `picture_sent`, `called` (a tool).
    Of what is stored: `stored_has` (turns), `notes_have`, `notes_lack` (notes that hold after the turn), `facts_have`,
    `facts_lack`, `superseded_have` (long-term memory of the person), `kept_from` (nothing with `words` in reach of the
    person of that name), `gone` (words that stand nowhere in the store any more).
    Of numbers: `figure` that `is` less than, equal to or more than `number` or another figure `than`, times `factor`.
    Of others: `lint`, `crossing`, `compared` (a line as in a scenario's claims).
    """

    says: Line
    turn: Turn | None = None
    demo: bool = False
    """It holds for the demo model's words and is shown, not judged, with another model."""

    sent: Turns | None = None
    includes: Turns | None = None
    stored_only: Turns | None = None
    why: Line | None = None
    alone: Literal[True] | None = None
    prompt_has: Words | None = None
    prompt_lacks: Words | None = None
    best: Turn | None = None
    picture_sent: bool | None = None
    called: Line | None = None
    stored_has: Words | None = None
    notes_have: Words | None = None
    notes_lack: Words | None = None
    facts_have: Words | None = None
    facts_lack: Words | None = None
    superseded_have: Words | None = None
    kept_from: Name | None = None
    words: Words = []
    gone: Words | None = None
    figure: str | None = None
    # "<", "=" (within half a percent) or ">"
    is_: Annotated[Literal["<", "=", ">"] | None, Field(alias="is")] = None
    number: float | None = None
    than: Figure | None = None
    factor: float = 1.0
    lint: Linted | None = None
    crossing: Crossing | None = None
    compared: dict[str, str | int | float | list[float]] | None = None

    @model_validator(mode="after")
    def _one(self) -> Claim:
        if self.figure and (self.is_ is None or (self.number is None) == (self.than is None)):
            raise ValueError("a figure needs `is` and either `number` or `than`")
        if self.kept_from and not self.words:
            raise ValueError("`kept_from` needs the `words` that the person must not reach")
        return _exactly_one(self, KINDS)


KINDS = (
    "sent", "includes", "stored_only", "alone", "prompt_has", "prompt_lacks", "best", "picture_sent", "called",
    "stored_has", "notes_have", "notes_lack", "facts_have", "facts_lack", "superseded_have", "kept_from", "gone",
    "figure", "lint", "crossing", "compared",
)  # fmt: skip


class Step(Table):
    """One page of a lesson: text, prediction, turns, what came of them. Where nothing is predicted, a button plays."""

    title: Line
    text: Text
    predict: Predict | None = None
    play: Annotated[list[Action], Field(max_length=20)] = []
    after: Text = ""
    look: Look | None = None
    claims: Annotated[list[Claim], Field(max_length=20)] = []


class WhatIf(Table):
    """One control at the end: the `setting` of the memory; moved, the last message is answered again with it."""

    setting: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    values: Annotated[list[int | float | str], Field(min_length=2, max_length=12)]
    ask: Line


class Lesson(Table):
    """A lesson; `memory` is the one that it begins with, as the command line writes it."""

    lesson: Name
    number: Annotated[int, Field(ge=1, le=999)]
    title: Line
    about: Line
    minutes: Annotated[int, Field(ge=1, le=60)] = 5
    memory: Line
    instructions: Text = ""
    budget: Annotated[int, Field(ge=1)] | None = None
    people: Annotated[list[Person], Field(min_length=1, max_length=4)] = [Person(id=YOU, name="You")]
    steps: Annotated[list[Step], Field(min_length=2, max_length=12)]
    what_if: WhatIf | None = None
    teaches: Annotated[list[Line], Field(max_length=6)] = []
    """The memories whose source and picture are shown; none: `memory` alone."""
    idea: Idea | None = None
    """The picture at the lesson's beginning, where it is not that of its memory."""
    opens: Literal["chat", "compare", "longterm", "documents"] = "chat"
    """Where "Try it yourself" leads."""


def _exactly_one(table: T, names: tuple[str, ...]) -> T:
    given = [name for name in names if getattr(table, name) is not None]
    if len(given) != 1:
        raise ValueError(f"name exactly one of {', '.join(names)}" + (f", not {' and '.join(given)}" if given else ""))
    return table
