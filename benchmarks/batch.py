"""What a turn costs late in a long batch: seconds of the last 500 of 2,000 turns over those of the first 500.

    make bench-batch         or  python -m benchmarks.batch entity kg

Every turn is written, one after the other, and then once more written and read before, as a replay does it. The turns
are dense: each tells of three new people and firms and of one known already, so that at the end an entity memory has
6,000 notes and a graph 8,000 triples. The memory's model is a function that answers at once, so that what is measured
is the memory; each part is the best of three rounds. 1.0 is a line; a square would be 7.0. What compares a text with
all earlier turns (a read of the retrieved memories, and a write of the time-weighted one) grows by its sums over them,
a few microseconds a hundred turns.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from itertools import pairwise

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel

from memory.base import Memory, State, Turn
from memory.catalog import load
from memory.prompt import message_of
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models, ModelServices
from memory.transcript import Transcript

TURNS, PART, ROUNDS = 2_000, 500, 3
PARTS = "entity(k=2)+kg(k=2)+vector(k=4)"
_TOLD = re.compile(r"(\w+ \w+\d+) works at (\w+\d+) with (\w+ \w+\d+), a friend of (\w+ \w+\d+)\.")


class AtOnce(ModelServices):
    """Services whose model notes exactly what a turn of `dense` tells, and summarises in one sentence."""

    def ask(
        self, messages: Sequence[BaseMessage], purpose: str, max_tokens: int, tools: Sequence[type[BaseModel]] = ()
    ) -> AIMessage:
        told = _TOLD.findall(messages[-1].text.rpartition("New lines:")[2])
        if not tools:
            return AIMessage(f"Of {len(told)} people it was told where they work.")
        calls = []
        for one, firm, two, friend in told:
            if tools[0].__name__ == "Entity":
                rows = [{"name": name, "note": f"{name} was told of."} for name in (one, firm, two, friend)]
            else:
                told_of = (
                    (one, "works at", firm),
                    (two, "works at", firm),
                    (one, "knows", two),
                    (two, "knows", friend),
                )
                rows = [{"subject": a, "predicate": b, "object": c} for a, b, c in told_of]
            calls = [{"name": tools[0].__name__, "args": row, "id": f"c{at}"} for at, row in enumerate(rows)]
        return AIMessage("", tool_calls=calls)


def dense(turns: int) -> list[Turn]:
    """Make turns that each name three who are new and one who was named before."""
    made = []
    for index in range(turns):
        human = f"Ann Smith{index} works at Acme{index} with Bob Jones{index}, a friend of Ann Smith{index // 2}."
        said = (message_of("human", human, "o200k_base"), message_of("ai", "I will keep that in mind.", "o200k_base"))
        made.append(Turn(f"t{index}", said, at=1.7e9 + index * 60, index=index))
    return made


def batch(memory: Memory, turns: Sequence[Turn], reads: bool) -> tuple[list[float], int]:
    """Write each turn, perhaps after reading; return the seconds of each part, and how many notes there are."""
    models = Models()
    services = AtOnce(
        models.open_memory, "demo", "", models.encoding()[0], retrieval=Retrieval(embedding("hashing")), user="bench"
    )
    transcript = Transcript(len(turns), lambda first, end: list(turns[first:end]), of=("bench", memory.name, "1"))
    state, times = State(), list[float]()
    for index, turn in enumerate(turns):
        if index % PART == 0:
            times.append(time.process_time())
        services.now = turn.at
        if reads:
            memory.read(state, transcript.head(index), turn.human, services, 2_000)
        state = memory.write(state, transcript.head(index + 1), services, None)
    times.append(time.process_time())
    return [end - start for start, end in pairwise(times)], len(state.notes)


def best(spec: str, turns: Sequence[Turn], reads: bool) -> tuple[list[float], int]:
    """Run a batch several times; return the shortest seconds of each part, and how many notes there are."""
    rounds = [batch(load().memory(spec), turns, reads) for _ in range(ROUNDS)]
    return [min(part) for part in zip(*(spent for spent, _ in rounds), strict=True)], rounds[0][1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("memories", nargs="*", help="as the command line names them (default: all with a state)")
    every = [cls.short for cls in load().memories.values() if cls.stateful and cls.short != "combined"]
    specs = parser.parse_args().memories or [*every, f"combined:memories={PARTS}"]
    turns = dense(TURNS)
    print(f"{TURNS:,} turns, CPU seconds of {PART} each: written · read and written")
    for spec in specs:
        rows = [best(spec, turns, reads) for reads in (False, True)]
        cells = " · ".join(
            "".join(f"{one:7.2f}" for one in spent) + f"  x{spent[-1] / spent[0]:5.2f}" for spent, _ in rows
        )
        print(f"{spec.partition(':')[0]:20}{cells}   {rows[0][1]:6,} notes", flush=True)


if __name__ == "__main__":
    main()
