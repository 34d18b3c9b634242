"""Replays of LoCoMo-size conversations: seconds, memory of the process, and how both grow with the turns and the runs.

    make bench-replay        or  python -m benchmarks.replay --conversations 10

Every memory that asks no model runs over conversations of 196 to 355 turns with 105 to 260 questions, with the
hashing embedding and without the texts of prompts. The conversations are those of `../shared/data/locomo-dev.json`
where it is there (repeated as often as needed), else made up in its size. Each conversation is a run; the largest
memory of the process is read after the first and after the last. Then the same conversations are replayed as the
command does it, in as many processes as there are cores. Absolute times are this machine's.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from dataclasses import replace
from itertools import cycle, islice, pairwise
from pathlib import Path

from memory.catalog import load
from memory.commands._replay_work import Work, processes, replay, side_by_side
from memory.commands._table import Progress
from memory.compare.estimate import asks_a_model
from memory.formats import Question, Recording, read_files
from memory.formats.recording import Talk
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.services import Models

DATA = Path(__file__).parents[2] / "shared" / "data" / "locomo-dev.json"
TEXT = (
    "we went hiking in the mountains last weekend and the children painted a sunset by the lake while my sister baked "
    "bread for the neighbours who had just moved here from Sweden with their old dog and a piano"
)
WORDS = TEXT.split()


def made_up(turns: int, seed: int = 0) -> Recording:
    """Make a conversation of so many turns, twenty to a session, and questions about its messages."""
    rng, talk = random.Random(seed), Talk()
    for turn in range(turns):
        at = 1.68e9 + turn // 20 * 86_400
        for role, name in (("human", "Ann"), ("ai", "Ben")):
            text = " ".join(rng.choices(WORDS, k=rng.randint(8, 50)))
            talk.say("human" if role == "human" else "ai", text, at, f"D{turn}:{role}", name)
        if turn % 20 == 19:
            talk.end_session()
    asked = tuple(
        Question(
            f"When did Ann tell of {rng.choice(WORDS)} and {rng.choice(WORDS)}?", 1, (f"D{rng.randrange(turns)}:ai",)
        )
        for _ in range(turns * 2 // 3)
    )
    return Recording(f"made-{turns}", "", talk.turns(), asked)


def seconds(recording: Recording, specs: list[str]) -> tuple[float, float]:
    """Run memories over a recording; return the seconds on the clock and those of this process."""
    clock, cpu = time.perf_counter(), time.process_time()
    replay = Replay(recording, Models(), embedding("hashing"), prompts=False)
    for spec in specs:
        with replay.run(load().memory(spec)) as run:
            for _ in run.turns():
                pass
            for _ in run.questions():
                pass
    return time.perf_counter() - clock, time.process_time() - cpu


def megabytes(whose: int = resource.RUSAGE_SELF) -> float:
    return resource.getrusage(whose).ru_maxrss / 1024


def together(recordings: list[Recording], specs: list[str]) -> tuple[int, float]:
    """Replay as the command does; return the number of processes and the seconds, their start included."""
    work, start = Work(tuple(specs), Models(), "hashing"), time.perf_counter()
    count = processes(work, recordings)
    if count == 1:
        for recording in recordings:
            replay(work, recording, None, lambda _: None)
    else:
        with side_by_side(work, recordings, count, None, Progress(1)) as results:
            for _ in results:
                pass
    return count, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--conversations", type=int, default=10)
    options = parser.parse_args()
    specs = [cls.short for name, cls in load().memories.items() if not asks_a_model(name)]
    samples = (
        read_files(DATA) if DATA.is_file() else tuple(made_up(turns, turns) for turns in (215, 196, 346, 330, 355))
    )
    where = DATA.name if DATA.is_file() else "made up"
    print(f"{len(specs)} memories that ask no model: {', '.join(specs)}")
    seconds(replace(samples[0], turns=samples[0].turns[:5], questions=()), specs)  # what is loaded once

    clock = cpu = turns = asked = 0.0
    first = 0.0
    for number, recording in enumerate(islice(cycle(samples), options.conversations), 1):
        took = seconds(recording, specs)
        clock, cpu = clock + took[0], cpu + took[1]
        turns, asked = turns + len(recording.turns), asked + len(recording.questions)
        first = first or megabytes()
        print(f"  {number:2}  {recording.id:10} {took[0]:6.2f} s  ({took[1]:.2f} s CPU)  {megabytes():6.0f} MB at most")
    print(f"{options.conversations} conversations ({where}), {turns:,.0f} turns, {asked:,.0f} questions:")
    print(f"  {clock:.1f} s on the clock, {cpu:.1f} s CPU")
    print(f"  largest memory of the process: {first:.0f} MB after the first, {megabytes():.0f} MB at the end")

    again = [replace(one, id=f"{one.id}.{n}") for n, one in enumerate(islice(cycle(samples), options.conversations))]
    count, took_all = together(again, specs)
    print(f"  as the command does it, {count} processes: {took_all:.1f} s, {clock / took_all:.2f} times as fast as one")
    if count > 1:
        print(f"  largest memory of a process: {megabytes(resource.RUSAGE_CHILDREN):.0f} MB")

    print("twice the turns (no questions), CPU seconds at 300, 600 and 1,200 turns; 2.0 is a line, 4.0 a square:")
    for spec in specs:
        times = [min(seconds(replace(made_up(n), questions=()), [spec])[1] for _ in range(2)) for n in (300, 600, 1200)]
        ratios = ", ".join(f"{b / a:.1f}" for a, b in pairwise(times))
        print(f"  {spec:20} {' '.join(f'{one:7.3f}' for one in times)}   x {ratios}")


if __name__ == "__main__":
    main()
