"""Read a backup back into the store, of all its users or of one.

    $ python -m memory restore all.jsonl.gz
    $ python -m memory restore all.jsonl.gz --user 3f9c… --replace

It goes into the server that REDIS_URL names, or the embedded one. The file is checked whole before anything is written,
and nothing is written where the server keeps something of these users already, but with --replace, which puts the
backup in the place of all that is kept of them. A browser finds its conversations again by its cookie, which the app
has signed: take COOKIE_SECRET, or the file `cookie-secret` of the data folder, along.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a file that `backup` wrote")
    parser.add_argument("--user", metavar="U", help="of this user alone")
    parser.add_argument("--replace", action="store_true", help="in the place of what is kept of these users")


def run(options: argparse.Namespace) -> int:
    from memory.backup.copying import restore
    from memory.backup.file import Counts
    from memory.server.connect import connect

    def told(counts: Counts) -> None:
        if sys.stderr.isatty():
            print(f"\r{counts.users:,} users, {counts.rows:,} rows", end="", file=sys.stderr, flush=True)

    with closing(connect()) as connection:
        counts = restore(connection, options.file, options.user, options.replace, told)
        place = connection.describe()
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    print(f"{options.file}: {counts.users:,} users, {counts.keys:,} keys, {counts.rows:,} rows; into {place}")
    return 0
