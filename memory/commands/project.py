"""Project the tokens and the cost of a conversation to N turns with each memory, and say where two lines cross.

    $ python -m memory project --memory buffer --memory window:k=5 --turns 200
    $ python -m memory project chat.json --memory window:k=10 --memory window:k=10,step=10 --turns 500 --hit-rate 0.8

Arithmetic alone: no model is asked, and every turn is taken for an average one. The sizes are typed (--user,
--assistant and so on, in tokens) or, where FILE is given, that conversation's own; what is typed holds in any case.
FILE is what python -m memory replay takes. The cost "with caching" counts prompt caching by its provider's rule, the
cost "without caching" nothing of it (in the JSON cost_with_caching and cost_without_caching); both are in dollars and
hold the memory's own calls. --hit-rate is the share of prompts of which the cache
holds what it can, --pauses the share of turns that come after the cache has gone (its life is 5 to 10 minutes as a
rule). Turns count from 1. What a search finds or a model notes does not follow from sizes: what is assumed instead is
said below the table. Where nothing is known of a memory its figures are "not known" (null in the JSON), and it says
why. Of lines that cross several times the last crossing is told; the JSON has all of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Any

from memory.commands._options import PRICE_MODEL, add_options, check_memory
from memory.commands._table import table
from memory.common.words import plural
from memory.errors import BadInput

if TYPE_CHECKING:
    from memory.base import Memory
    from memory.formats import Recording
    from memory.money.averages import Averages
    from memory.money.projection import Line

_SIZES = {
    "system": ("the instructions", 300),
    "user": ("the user's message", 80),
    "assistant": ("an answer", 200),
    "summary": ("a summary", 250),
    "template": ("what a call for a summary has besides the old one and the turns", None),
    "note": ("notes of entities and triples that are sent with a message", 120),
}
"""What can be typed, and what it is where nobody says (`Averages`, which is too slow to be read for --help)."""


_PROJECTED = ("assumption", "window_full_from_turn", "own_calls", "totals", "turns")
"""What the JSON has of a memory besides its name: null where nothing is known of it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", nargs="?", help="a conversation to take the averages from; - for standard input")
    add_options(parser, "--memory")
    add("--turns", metavar="N", type=_whole, required=True, help="how many turns the conversation will have")
    for name, (what, size) in _SIZES.items():
        add(f"--{name}", metavar="TOKENS", type=_whole, help=f"{what} (default: {size or 'as this project asks'})")
    add("--hit-rate", metavar="SHARE", type=_share, default=1.0, help="0 to 1 (default: %(default)g)")
    add("--pauses", metavar="SHARE", type=_share, default=0.0, help="0 to 1 (default: %(default)g)")
    add("--model", metavar="M", default=PRICE_MODEL, help="whose prices and tokens count (default: %(default)s)")
    add("--memory-model", metavar="M", help="for the memory's own calls (default: the same)")
    add_options(parser, "--conversation", "--format", "--json")


def run(options: argparse.Namespace) -> int:
    check_memory(options.memory)

    from memory.commands._given import memory_of, output
    from memory.commands._model_names import check_name
    from memory.money.growth import UnknownGrowth
    from memory.money.projection import project, unknown

    memories = [memory_of(spec) for spec in options.memory]
    for option in ("model", "memory_model"):
        if name := getattr(options, option):
            check_name(f"--{option.replace('_', '-')}", name)
    of = _averages(options)
    lines: list[Line | None] = []
    reasons: dict[str, str] = {}
    for spec, memory in zip(options.memory, memories, strict=True):
        try:
            shares = options.hit_rate, options.pauses
            lines.append(project(memory, of, options.turns, options.model, *shares, options.memory_model or ""))
        except UnknownGrowth as error:
            lines.append(None)
            reasons[spec] = str(error)
        except BadInput as error:
            raise BadInput(f"--memory {spec}: {error}") from None
    for sentence in unknown(options.model):
        print(sentence, file=sys.stderr)
    with output(options.json) as file:
        if file:
            json.dump(_json(options, of, memories, lines, reasons), file, ensure_ascii=False, indent=1)
            file.write("\n")
        else:
            print(_written(options, of, lines, reasons))
    return 0


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, such as 200")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: write a number from 0 to 1, such as 0.8")
    return share


def _averages(options: argparse.Namespace) -> Averages:
    """Take what is typed, else what the file has, else the defaults."""
    from memory.money.averages import Averages

    of = Averages(of="typed sizes") if options.file is None else _of_file(options)
    typed = {name: size for name in _SIZES if (size := getattr(options, name)) is not None}
    return replace(of, **typed)


def _of_file(options: argparse.Namespace) -> Averages:
    from memory.commands._given import recordings_of

    found = recordings_of(options.file, options.format, options.conversation)
    if len(found) > 1:
        ids = ", ".join(one.id for one in found[:5])
        more = ", …" if len(found) > 5 else ""
        raise BadInput(f"{options.file}: it holds several conversations: choose one with --conversation ({ids}{more})")
    return _of_recording(found[0], options.model)


def _of_recording(recording: Recording, model: str) -> Averages:
    """Count the turns of a recording; a conversation of our own brings the sizes of its prompts and calls as well."""
    from memory.money.averages import Averages, averages
    from memory.tokens import encoding_for

    said = [turn for turn in recording.turns if turn.human and turn.ai]
    if not said:
        raise BadInput(f"{recording.id}: no turn of it has a message and an answer: type the sizes instead")
    encoding = encoding_for(model).name
    sizes = [
        sum(sum(message.count(encoding) for message in turn.messages if message.role == role) for turn in said)
        for role in ("human", "ai")
    ]
    user, assistant = (round(size / len(said)) for size in sizes)
    of = averages(recording.content.traces, recording.content.events) if recording.content else None
    of = of or replace(Averages(), system=0)
    return replace(of, user=max(1, user), assistant=max(1, assistant), of=f"the average turn of {recording.id}")


def _written(
    options: argparse.Namespace, of: Averages, found: Sequence[Line | None], reasons: Mapping[str, str]
) -> str:
    from memory.money.prices import dollars
    from memory.money.projection import crossings

    rows = [
        (
            spec,
            f"{line.prompts[-1]:,}",
            f"{line.input_tokens:,}",
            f"{line.own_calls:,}",
            dollars(line.costs_uncached[-1] if line.costs_uncached else None),
            dollars(line.costs[-1] if line.costs else None),
        )
        if line
        else (spec, *["not known"] * 5)
        for spec, line in zip(options.memory, found, strict=True)
    ]
    head = ("memory", "last prompt", "input tokens", "own calls", "without caching", "with caching")
    said = [
        f"{plural(options.turns, 'turn')} of {of.user:,} + {of.assistant:,} tokens after {of.system:,} of instructions "
        f"({of.of}); prices of {options.model}",
        "",
        table(head, rows, "<>>>>>"),
    ]
    lines = [(spec, line) for spec, line in zip(options.memory, found, strict=True) if line]
    crossed: list[str] = []
    for (a, one), (b, other) in combinations(lines, 2):
        for name, first, second in (
            ("without caching", one.costs_uncached, other.costs_uncached),
            ("with caching", one.costs, other.costs),
        ):
            *before, last = crossings(first, second) if first and second else [None]
            if last:
                # Lines that are nearly equal flip to and fro: how it ends is what counts.
                often = f" (after {plural(len(before), 'crossing')} before)" if before else ""
                dearer, cheaper = (a, b) if last.dearer == 0 else (b, a)
                crossed.append(f"{name}, {dearer} costs more than {cheaper} from turn {last.turn:,} on{often}")
    said += ["", *crossed] if crossed else []
    said += [f"{spec}: not known: {reason}." for spec, reason in reasons.items()]
    said += [f"{spec}: assumed: {line.assumption}." for spec, line in lines if line.assumption]
    said += [
        f"{spec}: from turn {line.full:,} on the model's window is full and old turns stay out."
        for spec, line in lines
        if line.full
    ]
    return "\n".join(said)


def _json(
    options: argparse.Namespace,
    of: Averages,
    memories: Sequence[Memory],
    found: Sequence[Line | None],
    reasons: Mapping[str, str],
) -> dict[str, Any]:
    from memory.commands._replay_json import money
    from memory.money.projection import crossings

    def at(costs: Sequence[Decimal] | None, turn: int) -> str | None:
        return money(costs[turn]) if costs else None

    def crossed(name: Callable[[Line], Sequence[Decimal] | None]) -> list[dict[str, Any]]:
        rows = []
        lines = [(spec, line) for spec, line in zip(options.memory, found, strict=True) if line]
        for (a, one), (b, other) in combinations(lines, 2):
            first, second = name(one), name(other)
            for cross in crossings(first, second) if first and second else ():
                dearer, cheaper = (a, b) if cross.dearer == 0 else (b, a)
                rows.append({"turn": cross.turn, "dearer": dearer, "cheaper": cheaper})
        return rows

    def projected(line: Line) -> dict[str, Any]:
        return {
            "assumption": line.assumption,
            "window_full_from_turn": line.full,
            "own_calls": {
                "calls": line.own_calls,
                "input_tokens": line.own_input,
                "output_tokens": line.own_output,
                "cost": money(line.own),
            },
            "totals": {
                "input_tokens": line.input_tokens,
                "output_tokens": line.output_tokens,
                "cost_with_caching": at(line.costs, -1),
                "cost_without_caching": at(line.costs_uncached, -1),
            },
            "turns": [
                {
                    "turn": turn + 1,
                    "prompt_tokens": line.prompts[turn],
                    "cached_tokens": line.cached[turn],
                    "cost_with_caching_so_far": at(line.costs, turn),
                    "cost_without_caching_so_far": at(line.costs_uncached, turn),
                }
                for turn in range(options.turns)
            ],
        }

    return {
        "turns": options.turns,
        "model": options.model,
        "hit_rate": options.hit_rate,
        "pauses": options.pauses,
        "averages": {**{name: getattr(of, name) for name in _SIZES}, "of": of.of},
        "memories": [
            {
                "memory": memory.name,
                "settings": memory.settings.model_dump(mode="json"),
                "not_known": reasons.get(spec),
                **(projected(line) if line else dict.fromkeys(_PROJECTED)),
            }
            for spec, memory, line in zip(options.memory, memories, found, strict=True)
        ],
        "crossings": {
            "with_caching": crossed(lambda one: one.costs),
            "without_caching": crossed(lambda one: one.costs_uncached),
        },
    }
