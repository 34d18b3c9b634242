"""What the side panel shows of one turn, read from its trace and from nothing else.

>>> seen = inspect(store, user, thread, index=8)
>>> seen.came, seen.left
((7,), (3,))                      # turn 8 came into the prompt, turn 4 left it (counted from 0)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from pydantic.fields import FieldInfo

from memory.base import Note, Recall, State, Turn
from memory.catalog import load
from memory.inspection.changes import listed, minus, sent
from memory.looking_back import FreeServices
from memory.money.totals import Totals
from memory.retrieval.index import Retrieval
from memory.store import Store
from memory.trace import Rebuilt, Trace, prompt_of
from memory.transcript import Transcript
from memory.views import Graph, View, blocks_and_notes

RECENT = 60
"""How many turns the chart of tokens by turn reaches back."""


@dataclass(frozen=True)
class Inspection:
    """A turn as the panel draws it; what a view does not draw is not read.

    `length` is how many turns the thread has now; `transcript` reads any of them on demand. `previous` is the trace of
    the turn before, None at the first. One that is `coming` speaks of the message that comes after the turn, with the
    state `held` (see `held.py`).
    """

    trace: Trace
    previous: Trace | None
    turn: Turn
    length: int
    transcript: Transcript
    services: FreeServices
    store: Store = field(repr=False)
    user: str
    thread: str
    retrieval: Retrieval | None = field(repr=False)
    coming: bool = False
    held: State | None = None

    @property
    def now(self) -> bool:
        """Whether it is the newest turn."""
        return self.trace.turn == self.length - 1

    @cached_property
    def came(self) -> tuple[int, ...]:
        """The indexes of the turns that the prompt holds and the one before did not."""
        return listed(minus(sent(self.trace), sent(self.previous)))

    @cached_property
    def left(self) -> tuple[int, ...]:
        """The indexes of the turns that the prompt before held and this one does not."""
        return listed(minus(sent(self.previous), sent(self.trace)))

    @cached_property
    def state(self) -> State:
        """What the memory knew when the turn was asked."""
        if self.held is not None:
            return self.held
        key, before = self.trace.memory_key, self.trace.before
        return self.store.state_at(self.user, self.thread, key, before.covered) if before else State()

    @cached_property
    def view(self) -> View:
        """What the memory held when the turn was asked, as it is drawn."""
        return _view(self.trace, self.state, self._recall, self.transcript, self.services, self.coming)

    @cached_property
    def written(self) -> tuple[Note, ...]:
        """The notes that the memory wrote after the turn."""
        wrote = self.trace.after.wrote if self.trace.after else ()
        return tuple(self._notes[ref] for ref in wrote if ref in self._notes)

    @cached_property
    def recent(self) -> tuple[Trace, ...]:
        """The traces up to this turn."""
        end = self.trace.turn + 1
        return tuple(self.store.traces(self.user, self.thread, max(0, end - RECENT), end))

    @cached_property
    def events(self) -> tuple[Trace, ...]:
        """What happened between turns."""
        return tuple(self.store.events(self.user, self.thread))

    def events_since(self, first: int) -> list[Trace]:
        """What happened between turns when there were `first` turns or more."""
        return self.store.events(self.user, self.thread, first)

    @cached_property
    def totals(self) -> Totals:
        """What the whole conversation took."""
        return self.store.totals(self.user, self.thread)

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """What was sent and stands in no turn and no note, by hash."""
        return self.store.texts(self.user, self.thread, self.trace.texts.values())

    @property
    def instructions(self) -> str:
        """The instructions as they were sent."""
        return self.texts.get(self.trace.texts.get("instructions", ""), "")

    @cached_property
    def rebuilt(self) -> Rebuilt:
        """The exact prompt; put together when it is asked for, since it may hold every turn."""
        return self.rebuild(self.trace)

    def rebuild(self, trace: Trace) -> Rebuilt:
        """Put together what this turn's trace says, or a part of it."""
        return prompt_of(trace, self.transcript, self._notes, self.texts)

    @cached_property
    def named(self) -> Mapping[str, Note]:
        """The notes that were sent or written, by id: enough to name them, where the whole state is not needed."""
        return {note.id: note for note in self._notes.values()}

    @cached_property
    def _notes(self) -> Mapping[str, Note]:
        """The notes that the trace names, by ref."""
        trace = self.trace
        wrote = trace.after.wrote if trace.after else ()
        refs = [*wrote, *(item.ref for item in trace.items if item.turns is None and item.ref not in trace.texts)]
        found = self.store.notes(self.user, self.thread, [f"{trace.memory_key}/{ref}" for ref in refs])
        return {ref.rpartition("/")[2]: note for ref, note in found.items()}

    @cached_property
    def _recall(self) -> Recall:
        """What was recalled; the texts of notes stand in the state."""
        texts, names = self.texts, self.trace.texts
        items = (replace(item, text=item.text or texts.get(names.get(item.ref, ""))) for item in self.trace.items)
        return Recall(tuple(items), self.trace.left_out)

    def at(self, index: int) -> Inspection | None:
        """Look at another turn of the thread; None where it is not there."""
        return inspect(self.store, self.user, self.thread, index, self.length, self.retrieval, self.transcript)


def inspect(
    store: Store,
    user: str,
    thread: str,
    index: int,
    length: int,
    retrieval: Retrieval | None = None,
    transcript: Transcript | None = None,
) -> Inspection | None:
    """Read one turn of a thread that has `length` turns; None where it is not there.

    `retrieval` searches as the turn did, for what is drawn and not stored: weights and maps. `transcript` are the
    turns, where they have been opened.
    """
    traces = store.traces(user, thread, max(0, index - 1), index + 1)
    if not traces or traces[-1].turn != index:
        return None
    trace, previous = traces[-1], traces[0] if len(traces) > 1 else None
    if transcript is None:
        of = (user, thread, store.open(user, thread, "", 0).epoch)
        transcript = Transcript(length, lambda first, end: store.turns(user, thread, first, end), of=of)
    services = FreeServices.at(trace, user, retrieval)
    return Inspection(trace, previous, transcript[index], length, transcript, services, store, user, thread, retrieval)


def _view(
    trace: Trace, state: State, recall: Recall, transcript: Transcript, services: FreeServices, coming: bool
) -> View:
    past, query = transcript.head(trace.read_length), "" if coming else transcript[trace.turn].human
    try:
        view = load().make(trace.memory, trace.settings).view(state, recall, past, query, services)
    except Exception:
        # A plug-in that has been taken away since, or stumbles: what it recalled is still in the trace.
        view = blocks_and_notes(state, recall, len(past))
    view = replace(view, told=services.told)
    if coming:
        # Scores and maps are those of a question, and none was asked yet.
        view = replace(view, forms=tuple(form for form in view.forms if isinstance(form, Graph)), told=())
    return view


FAR = 1000
"""How many turns back `bring_back` still asks; beyond it the answer would take reading the whole thread."""
ASKS = 24
"""How often `bring_back` asks about one setting: enough to find a value of up to four million exactly."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A setting's value with which a turn would have been sent, and by how many tokens the prompt would have grown."""

    setting: str
    value: int
    tokens: int


def bring_back(seen: Inspection, index: int) -> list[Remedy]:
    """Ask the memory again with larger settings until it recalls the turn; settings that shape its state stay.

    A memory with a caveat is not asked: it cannot say which turns it sends.
    """
    trace, past = seen.trace, seen.transcript.head(seen.trace.read_length)
    if len(past) - index > FAR or trace.memory not in load().memories:
        return []
    cls = load().memories[trace.memory]
    if cls.caveat:
        return []
    spent = sum(item.tokens for item in trace.items)

    def asked(name: str, value: int) -> int | None:
        """Return the tokens that would be recalled, None where the turn is still not among them."""
        memory = load().make(trace.memory, {**trace.settings, name: value})
        recall = memory.read(seen.state, past, seen.turn.human, seen.services, trace.budget)
        sent = any(item.turns and item.turns[0] <= index < item.turns[1] for item in recall.items)
        return recall.tokens if sent else None

    found = []
    for name, info in cls.Settings.model_fields.items():
        value = trace.settings.get(name)
        if name in cls.state_settings or type(value) is not int:
            continue
        low, high = value, _most(info, value)
        try:
            tokens = asked(name, high) if low < high else None
            for _ in range(ASKS - 1):
                if tokens is None or high - low <= 1:
                    break
                middle = (low + high) // 2
                if (fewer := asked(name, middle)) is None:
                    low = middle
                else:
                    high, tokens = middle, fewer
        except Exception:  # a memory that cannot be asked without its services
            continue
        if tokens is not None:
            found.append(Remedy(name, high, tokens - spent))
    return found


def _most(info: FieldInfo, value: int) -> int:
    """Return the largest value of a setting that is worth a question: its own bound, else one that reaches FAR."""
    bounds = [int(bound) for rule in info.metadata if isinstance(bound := getattr(rule, "le", None), int | float)]
    return min(bounds, default=max(FAR, 2 * value))
