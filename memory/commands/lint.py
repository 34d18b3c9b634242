"""Check the rules of memories on a recorded conversation: ours as they are configured, or LangChain's own.

    $ python -m memory lint chat.json --memory summary_buffer:max_token_limit=500
    $ python -m memory lint chat.json --memory 'classic:ConversationSummaryBufferMemory(max_token_limit=2000)' --json -

FILE is what replay reads too; "-" is standard input. Each check runs the memory over the conversation: sent against
limit before every turn, a restart over a real Redis, the state made again from the transcript, a model that fails, what
is left after clear, another owner, and so on. Nothing is sent anywhere: the Redis is one of the check's own, in a
folder that is gone afterwards.

classic:Name(setting=value) is a class of langchain_classic.memory, in quotation marks for the shell. It is tried as
people deploy it, over a Redis history and over one in memory; chat_memory=RedisChatMessageHistory() or
chat_memory=InMemoryChatMessageHistory() chooses one. Messages are returned as messages unless it says
return_messages=False.

A memory's own calls go to --memory-model; the same is asked once, but a turn that is forgotten has what came after it
asked again. "not known" is what cannot be told, with the reason: a conversation too short for it, or a rule that is
waived for plug-ins in LangChain's old form. Exit code 1 where something is broken.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, TextIO

from memory.commands._options import add_options, check_budget, check_memory, fill_labels, models_of
from memory.commands._table import Progress
from memory.errors import BadInput

if TYPE_CHECKING:
    from memory.base import Memory
    from memory.formats import Recording
    from memory.lint import ClassicSpec, Report
    from memory.retrieval.embeddings import Embedding
    from memory.services import Models

STEPS = 1000
"""Steps of the bar for each memory over each conversation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_options(
        parser,
        "file",
        "--memory",
        "--organisation",
        "--application",
        "--memory-model",
        "--price-model",
        "--embeddings",
        "--budget",
        "--conversation",
        "--turns",
        "--json",
        "--format",
        memory="a memory with its settings, or classic:Name(…); repeatable",
        price_model="whose tokens count (default: %(default)s)",
        turns="check with turns A to B-1 alone (either may be left out)",
    )


def run(options: argparse.Namespace) -> int:
    check_memory(options.memory)
    fill_labels(options)
    check_budget(options.budget)

    from memory.commands._given import check_embedding, check_turns, output, parse_turns, recordings_of
    from memory.commands._model_names import opened
    from memory.retrieval.embeddings import embedding

    turns = parse_turns(options.turns)
    subjects = [_subject(spec) for spec in options.memory]
    models = models_of(options, "memory_model", "price_model")
    opened("--memory-model", models.memory_name, models.open_memory)
    check_embedding(options.embeddings)
    recordings = recordings_of(options.file, options.format, options.conversation)
    check_turns(turns, recordings, options.turns)
    with output(options.json) as file:
        return _lint(recordings, subjects, models, embedding(options.embeddings), options.budget, turns, file)


def _lint(
    recordings: tuple[Recording, ...],
    subjects: list[Memory | ClassicSpec],
    models: Models,
    embedding: Embedding,
    budget: int | None,
    turns: tuple[int, int] | None,
    file: TextIO | None,
) -> int:
    from memory.commands._lint_table import written
    from memory.lint import ClassicSpec, lint_classic, lint_ours, scratch_server

    found: list[dict[str, Any]] = []
    tables: list[str] = []
    sound, number = True, 0
    progress = Progress(STEPS * len(recordings) * len(subjects))
    try:
        with scratch_server() as server:
            for recording in recordings:
                said = recording.turns[slice(*turns)] if turns else recording.turns
                if not said:
                    print(f"{recording.id}: there is no turn to check the rules on.", file=sys.stderr)
                    continue
                reports: list[Report] = []
                for subject in subjects:

                    def told(share: float, label: str, begun: int = number, of: str = recording.id) -> None:
                        progress.to(int(STEPS * (begun + share)), f"{of}: {label}")

                    if isinstance(subject, ClassicSpec):
                        reports += lint_classic(subject, said, server, models, embedding, told)
                    else:
                        reports.append(lint_ours(subject, said, server, models, embedding, budget, told))
                    number += 1
                sound = sound and all(report.sound for report in reports)
                found.append(_as_json(recording, len(said), reports))
                tables += [written(recording.id, report, sys.stdout) for report in reports]
    finally:
        progress.close()
    if file is None:
        print("\n\n".join(tables))
    else:
        whole = found[0] if len(recordings) == 1 and found else {"conversations": found}
        json.dump(whole, file, ensure_ascii=False, indent=1)
        file.write("\n")
    return 0 if sound else 1


def _subject(spec: str) -> Memory | ClassicSpec:
    """Make what a spec names; raises BadInput with the nearest known name."""
    from memory.catalog import load
    from memory.lint import check_settings, classic_spec

    try:
        if spec.startswith("classic:"):
            found = classic_spec(spec)
            check_settings(found)
            return found
        return load().memory(spec)
    except BadInput as error:
        raise BadInput(f"--memory {spec}: {error}") from None


def _as_json(recording: Recording, turns: int, reports: list[Report]) -> dict[str, Any]:
    return {
        "conversation": {"id": recording.id, "turns": turns, "messages": recording.messages},
        "runs": [report.to_json() for report in reports],
    }
