"""Write everything of one user or of all into one file that any store can read back.

    $ python -m memory backup all.jsonl.gz
    $ python -m memory backup alex.jsonl --user 3f9c…

It takes the server that REDIS_URL names, or the embedded one; a running app may stay up. The file holds every word of
every conversation, uploads and pictures among it, and neither keys nor passwords: keep it as you keep those. Vectors
are not in it: they are made again from the texts. `python -m memory restore` reads it back.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="where to; a name that ends in .gz is compressed")
    parser.add_argument("--user", metavar="U", help="of this user alone: the id on the page Settings")


def run(options: argparse.Namespace) -> int:
    from memory.backup.copying import back_up
    from memory.backup.file import Counts
    from memory.server.connect import connect

    def told(counts: Counts) -> None:
        if sys.stderr.isatty():
            print(f"\r{counts.users:,} users, {counts.rows:,} rows", end="", file=sys.stderr, flush=True)

    with closing(connect()) as connection:
        counts = back_up(connection, options.file, options.user, told)
        place = connection.describe()
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    held = f"{counts.users:,} users, {counts.keys:,} keys, {counts.rows:,} rows"
    print(f"{options.file}: {held}, {options.file.stat().st_size:,} bytes; from {place}")
    return 0
