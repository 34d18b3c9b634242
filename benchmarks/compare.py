"""A comparison as the page runs it: seconds beside the replay command's, and what this process' memory comes back to.

    make bench-compare       or  python -m benchmarks.compare --rounds 3

The five conversations of `../shared/data/locomo-dev.json` × every memory that asks no model, with the hashing
embedding, over an embedded server of its own; it is skipped where the data is not there. A round makes an experiment,
runs it to its end and deletes it, while a thread like a page's asks for its progress; the longest that this thread had
to wait beyond its pause says how responsive a page stays. Absolute times are this machine's: compare the two.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
from pathlib import Path

from benchmarks.replay import DATA, together
from memory.catalog import load
from memory.compare import job
from memory.compare.estimate import asks_a_model
from memory.compare.experiment import Column, Experiment
from memory.compare.keeping import Experiments
from memory.formats import read_files
from memory.server.connect import connect
from memory.stores.redis import RedisStore

PAUSE = 0.2
"""Seconds between two looks of the page."""


def resident() -> float:
    """Return this process' memory in MB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def one_round(experiments: Experiments, columns: tuple[Column, ...]) -> tuple[float, float, int]:
    """Make an experiment, run and delete it; return its seconds, the longest wait of a page and the failed runs."""
    made = experiments.create(Experiment("", "LoCoMo", "replay", columns, embedding="hashing"), read_files(DATA))
    start, longest = time.perf_counter(), 0.0
    one = job.start(experiments, made.id)
    while one.status == "running":
        before = time.perf_counter()
        time.sleep(PAUSE)
        _ = one.share, one.seconds_left, one.label
        longest = max(longest, time.perf_counter() - before - PAUSE)
    took = time.perf_counter() - start
    if one.status != "done":
        raise SystemExit(f"the comparison {one.status}: {one.error}")
    failed = sum(bool(result.failed) for result in experiments.results(made.id).values())
    experiments.store.purge_experiment(experiments.user, made.id)
    return took, longest, failed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not DATA.is_file():
        print(f"skipped: {DATA.name} is not there")
        return
    classes = [cls for name, cls in load().memories.items() if not asks_a_model(name)]
    columns = tuple(Column(cls.__name__) for cls in classes)
    print(f"{len(columns)} memories that ask no model × 5 conversations of {DATA.name}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="mi-") as folder:
        connection = connect("", Path(folder))
        try:
            experiments = Experiments(RedisStore(connection), "bench")
            took, _, _ = one_round(experiments, columns)
            first = resident()
            print(
                f"  round 0  {took:6.1f} s   {first:6.0f} MB in this process afterwards (what is loaded once, included)"
            )
            seconds = [took]
            for number in range(1, options.rounds + 1):
                took, longest, failed = one_round(experiments, columns)
                seconds.append(took)
                now = resident()
                print(
                    f"  round {number}  {took:6.1f} s   {now:6.0f} MB, {now - first:+.0f} MB since round 0   "
                    f"a page waits {1000 * longest:.0f} ms at most   {failed} runs failed"
                )
        finally:
            connection.close()
    count, beside = together(list(read_files(DATA)), [cls.short for cls in classes])
    print(
        f"  the replay command, {count} processes: {beside:.1f} s; the comparison takes {min(seconds) / beside:.2f} x"
    )


if __name__ == "__main__":
    main()
