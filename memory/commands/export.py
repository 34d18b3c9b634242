"""Write a memory as tuned as a Python file that runs, with a test that its prompts are the same.

    $ python -m memory export vector:k=4 --as middleware                  # prints the file
    $ python -m memory export window:k=3 --as langgraph -o agent          # writes it with its test and requirements
    $ cd agent && python -m pytest

The forms: middleware is LangChain's create_agent with our MemoryMiddleware, for every memory. langgraph is a
StateGraph, without this package where the memory's rule is short enough to be written out (none, buffer, window,
token_buffer, summary, summary_buffer, summarization, simple, last_input); for others its nodes ask this package.
langchain is create_agent without this package, for those short rules alone. What needs this package is run with its
checkout on PYTHONPATH.

-o FOLDER gets agent.py, requirements.txt (the versions that are installed here), test_agent.py and conversation.json:
the conversation that the test replays, with the prompts that this project sends in it. That is --conversation FILE, in
any form that replay reads (of a file with several FILE#ID names one), or else a small one of ours. No file is
overwritten.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from memory.errors import BadInput

if TYPE_CHECKING:
    from memory.formats import Recording


_CONVERSATION = "what the test replays, FILE#ID in a file with several (default: a small conversation of ours)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("memory", metavar="SPEC", help="a memory with its settings, such as window:k=3 (see python -m memory list)")
    add("--as", dest="form", choices=("langchain", "langgraph", "middleware"), required=True, help="what it runs on")
    add("-o", "--output", metavar="FOLDER", help="write the file, its requirements and its test")
    add("--conversation", metavar="FILE", help=_CONVERSATION)
    add("--model", metavar="M", default="demo", help="the model of the file unless MODEL names one (default: no key)")


def run(options: argparse.Namespace) -> int:
    from memory.catalog import load
    from memory.commands._model_names import check_name
    from memory.export import export, main_file, sample

    check_name("--model", options.model)
    memory = load().memory(options.memory)
    if options.output is None:
        if options.conversation:
            raise BadInput("--conversation is what the test replays: name a folder for it with -o")
        print(main_file(memory, options.form, options.model), end="")
        return 0
    recording = _recording(options.conversation) if options.conversation else sample()
    found = export(memory, options.form, recording, options.model)
    _write(Path(options.output), found.files)
    for notice in found.notices:
        print(notice, file=sys.stderr)
    print("\n".join(str(Path(options.output) / name) for name in found.files))
    return 0


def _recording(name: str) -> Recording:
    """Read the conversation of FILE, or the one that FILE#ID names."""
    from memory.commands._given import recordings_of

    file, mark, wanted = name.partition("#")
    # A file's own name may have the sign as well.
    found = (
        recordings_of(name, "auto", None) if not mark or Path(name).exists() else recordings_of(file, "auto", wanted)
    )
    if len(found) > 1:
        ids = ", ".join(one.id for one in found[:3])
        more = ", …" if found[3:] else ""
        raise BadInput(
            f"{name} holds {len(found):,} conversations ({ids}{more}): choose one, as in --conversation "
            f"'{name}#{found[0].id}'"
        )
    return found[0]


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write the files into a folder; raises BadInput where one of them is there already, and then none is written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in files:
            if (folder / name).exists():
                raise BadInput(f"{folder / name}: it is there already: name another folder, or move it away")
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise BadInput(f"{folder}: {said}: name a folder that can be written") from None
