"""A live comparison to take away: every message with what each column answered, sent and knew, as JSON, CSV, Markdown.

    >>> told = Told.of(live)
    >>> print(csv(told).splitlines()[1])
    1,My name is Alex.,,A,ConversationBufferMemory,complete,Nice to meet you!,,,31,12,0,0.00003,0.00003,0,0,0.21,0,0,0

Costs are in dollars, seconds are those of all calls; what is not known is empty, in JSON null. `knew` is "sent", "gist"
(only in a note), "missing" or "ahead", of the earlier message that a question asks for. Messages and answers are
anybody's words: in Markdown they are plain text, in a spreadsheet no cell of theirs is a formula.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from memory.base import Turn
from memory.compare.experiment import LETTERS, Column
from memory.compare.fact import fact_in, knew
from memory.compare.live import Live, Round
from memory.compare.live_figures import Figures, Track
from memory.compare.report import answered_by, plain, sheet, table
from memory.inspection.inspect import inspect
from memory.money.prices import dollars, price_date
from memory.store import Opened

KIND, VERSION = "memory-comparison-live", 1
NOT_A_JUDGEMENT = (
    "What stood in a prompt is certain; whether an answer is right is for the reader to judge. Costs are estimates "
    "where a provider has reported no usage."
)
ANSWER = 2_000
"""Characters of an answer in the report; the other two have all of it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one column made of a message; `knew` and `why` are of the fact, "" where none is asked for."""

    column: int
    turn: Turn | None = None
    figures: Figures | None = None
    knew: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message with its number, the number and the words of the fact that it asks for (0: none), and the replies."""

    number: int
    text: str
    fact: int
    fact_text: str
    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A whole live comparison, read once."""

    title: str
    columns: tuple[Column, ...]
    model: str
    priced_as: str
    messages: tuple[Message, ...]

    @classmethod
    def of(cls, live: Live) -> Told:
        """Read every message of every column; raises StoreUnavailable."""
        store, user = live.experiments.store, live.experiments.user
        seen = live.read(max(1, live.read(1).length))
        tracks = [None if one is None else Track().up_to(store, user, one) for one in seen.opened]
        longest = max(filter(None, tracks), key=lambda track: len(track.rounds), default=Track())
        messages = []
        for one in seen.rounds:
            place = fact_in(longest.rounds, longest.said, one.id, live.experiment.facts)
            replies = tuple(
                _reply(live, one, number, track, seen.opened[number], "" if place is None else longest.rounds[place])
                for number, track in enumerate(tracks)
            )
            fact = (0, "") if place is None else (place + 1, longest.said[place])
            messages.append(Message(one.number, one.query, *fact, replies))
        experiment = live.experiment
        return cls(experiment.title, live.columns, experiment.model, experiment.price_as, tuple(messages))


def _reply(live: Live, one: Round, number: int, track: Track | None, opened: Opened | None, fact: str) -> Reply:
    turn = one.turns[number] if number < len(one.turns) else None
    if turn is None or track is None or opened is None or turn.index >= len(track.figures):
        return Reply(number, turn)
    figures, index = track.figures[turn.index], track.place(fact) if fact else None
    if not fact or figures is None:
        return Reply(number, turn, figures)
    if index is None:
        return Reply(number, turn, figures, "missing", "never reached this column")
    store, user = live.experiments.store, live.experiments.user
    seen = inspect(store, user, opened.thread.id, turn.index, opened.length, live.retrieval)
    found = knew(seen, index) if seen else None
    return Reply(number, turn, figures, found.state if found else "", found.why if found else "")


# --- three forms ------------------------------------------------------------------------------------------------------


def to_json(told: Told) -> str:
    """Write everything."""
    whole = {
        "kind": KIND,
        "version": VERSION,
        "note": NOT_A_JUDGEMENT,
        "title": told.title,
        "model": told.model,
        "priced_as": told.priced_as,
        "prices_of": price_date().isoformat(),
        "columns": [
            {
                "letter": LETTERS[number],
                "memory": column.memory,
                "settings": dict(column.settings),
                "model": column.model or told.model,
            }
            for number, column in enumerate(told.columns)
        ],
        "messages": [
            {
                "number": one.number,
                "text": one.text,
                "fact": {"message": one.fact, "text": one.fact_text} if one.fact else None,
                "columns": [_reply_json(reply) for reply in one.replies],
            }
            for one in told.messages
        ],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


_FIGURES = (
    "input_tokens", "output_tokens", "cached_tokens", "cost", "cost_uncached", "own_calls", "own_tokens", "seconds",
    "sent", "gist", "left_out",
)  # fmt: skip


def _reply_json(reply: Reply) -> dict[str, Any]:
    figures = {name: getattr(reply.figures, name) if reply.figures else None for name in _FIGURES}
    for name in ("cost", "cost_uncached"):
        figures[name] = None if figures[name] is None else f"{figures[name]:f}"
    return {
        "letter": LETTERS[reply.column],
        "status": reply.turn.status if reply.turn else "not reached",
        "answer": reply.turn.ai if reply.turn else None,
        "error": (reply.turn.error if reply.turn else None) or None,
        "exact": reply.figures.exact if reply.figures else None,
        **figures,
        "knew": reply.knew or None,
        "why": reply.why or None,
    }


def csv(told: Told) -> str:
    """Write a row for each message and column."""
    head = ["message", "text", "fact", "column", "memory", "status", "answer", "knew", "why", *_FIGURES]
    lines: list[list[Any]] = [head]
    for one in told.messages:
        for reply in one.replies:
            row = _reply_json(reply)
            lines.append(
                [
                    one.number, one.text, one.fact or None, row["letter"], told.columns[reply.column].spec,
                    row["status"], row["answer"], row["knew"], row["why"],
                    *(getattr(reply.figures, name) if reply.figures else None for name in _FIGURES),
                ]
            )  # fmt: skip
    return sheet(lines)


def markdown(told: Told) -> str:
    """Write a report: who was compared, then every message with the columns side by side, then the answers."""
    return "\n\n".join(_parts(told)) + "\n"


def _parts(told: Told) -> Iterator[str]:
    yield f"# {plain(told.title)}"
    models = dict.fromkeys(column.model or told.model for column in told.columns)
    yield "\n".join(
        [
            *(f"- {LETTERS[number]}: {plain(column.spec)}" for number, column in enumerate(told.columns)),
            f"- Answered by {', '.join(map(answered_by, models))}",
            f"- Built-in models are priced as {plain(told.priced_as)}, prices as of {price_date():%Y-%m-%d}",
            f"- {NOT_A_JUDGEMENT}",
        ]
    )
    for one in told.messages:
        yield f"## {one.number:,}. {plain(one.text)}"
        if one.fact:
            yield f"It asks for message {one.fact:,}: “{plain(one.fact_text)}”"
        fact = ["the fact"] if one.fact else []
        yield table(("column", *fact, *_HEAD), [_cells(reply, bool(one.fact)) for reply in one.replies])
        yield "\n".join(f"- {LETTERS[reply.column]}: {_answer(reply)}" for reply in one.replies)


_HEAD = ("tokens in", "cost", "with caching", "own calls", "seconds")
_KNEW = {"sent": "in the prompt", "gist": "only in a note", "missing": "not in the prompt", "ahead": "said later"}


def _cells(reply: Reply, asked: bool) -> list[str]:
    of = reply.figures
    knew_it = [plain(", ".join(filter(None, (_KNEW.get(reply.knew, "–"), reply.why))))] if asked else []
    if of is None:
        return [LETTERS[reply.column], *knew_it, *["–"] * len(_HEAD)]
    about = "" if of.exact else "≈ "
    return [
        LETTERS[reply.column],
        *knew_it,
        f"{about}{of.input_tokens:,}",
        f"{about}{dollars(of.cost_uncached)}",
        f"{about}{dollars(of.cost)}",
        f"{of.own_calls:,}",
        f"{of.seconds:,.2f}",
    ]


def _answer(reply: Reply) -> str:
    turn = reply.turn
    if turn is None:
        return "the message did not reach this column"
    said = plain(turn.ai, ANSWER) if turn.ai else ""
    ended = {"stopped": "stopped here", "failed": plain(turn.error or "no answer"), "forgotten": "forgotten"}
    return " ".join(filter(None, (said, f"({ended[turn.status]})" if turn.status in ended else ""))) or "–"
