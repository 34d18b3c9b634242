"""The command line: each command is one file of this folder, found by looking into it.

A command's file holds what `--help` says and two functions:

    '''Give a prompt to a model and print its answer as JSON.'''         # the first line is the command's summary

    def add_arguments(parser: argparse.ArgumentParser) -> None: ...
    def run(options: argparse.Namespace) -> int: ...                      # 0 done, 1 a check did not hold

Results go to standard output, everything else to standard error. What a command raises becomes one line there:
wrong input (`BadInput`) ends with 2, any other trouble that has a sentence (a model, a store) with 1.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

from memory.errors import BadInput, InspectorError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one line, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m memory", description="The Memory Inspector without a browser.")
    parser.epilog = "Exit codes: 0 done, 1 a check did not hold or a service failed, 2 wrong input."
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for found in pkgutil.iter_modules(__path__):
        if found.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{found.name}")
        text = module.__doc__ or ""
        command = commands.add_parser(
            found.name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a terminal or a pipe has no letter for ends no command
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except BadInput as error:
        return _say(error, 2)
    except InspectorError as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        return _say("stopped", 130)
    except BrokenPipeError:
        # The reader has seen enough (`| head`); Python would complain again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _say(what: object, code: int) -> int:
    print(f"python -m memory: {' '.join(str(what).split())}", file=sys.stderr)
    return code
