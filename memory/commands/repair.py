"""Cut a damaged file of the embedded server off where the damage begins, and keep a copy of it.

    $ python -m memory repair
    $ python -m memory repair --cut

A file whose end alone is torn, as after a power cut, is repaired at the next start by itself. Damage in the middle is
not, nor in an older file, which was whole once: what was saved goes with it. Without --cut this says how much that is
and changes nothing. With it the file is cut off there, and as it was it stays in the folder `redis/damaged` for a
month. To lose less, restore your last backup into a new data folder (MEMORY_INSPECTOR_HOME, then
`python -m memory restore`).
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cut", action="store_true", help="cut it off: what was written after the damage is lost")


def run(options: argparse.Namespace) -> int:
    from memory.server.data_folder import data_folder
    from memory.server.embedded import Embedded

    server = Embedded(data_folder())
    try:
        said = server.repair(middle=True) if options.cut else ""
        server.ensure()
        print(said or server.repaired or f"Nothing is damaged in {server.folder}.")
        return 0
    finally:
        server.close()
