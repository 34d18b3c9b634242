"""The test of an exported file: a conversation with the prompts that this project sends in it, to be sent again.

>>> replayed = prompts_of(memory, sample(), model="")
>>> replayed.rows[0]["prompt"]
[['human', 'Hello! My name is Alex and I live in Oslo.']]

A test asks and answers turn by turn: what one side said in a turn is one message there, calls of tools and turns that
lack a side are left out, which `notices` say.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseChatModel

from memory.base import Memory, Message, Turn
from memory.common.words import plural
from memory.errors import BadInput
from memory.export import stand_in
from memory.export.stand_in import Summarizer
from memory.formats.recording import Recording
from memory.models import context_window
from memory.prompt import Prompt, PromptMessage
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.services import DEFAULT_WINDOW, Models
from memory.tokens import BUILT_IN, split_model

PRICED_AS = "openai:gpt-5-mini"
"""Whose tokens are counted where the built-in model answers."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A conversation as rows: each with its time, the two messages and the prompt as [type, content] pairs.

    `window` is the context window in tokens that the prompts were made for.
    """

    rows: tuple[dict[str, Any], ...]
    window: int
    priced_as: str
    notices: tuple[str, ...]

    def json(self) -> str:
        """Write it as JSON, a turn on each line."""
        rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in self.rows)
        head = f'{{"window": {self.window}, "priced_as": {json.dumps(self.priced_as)}, "turns": ['
        return f"{head}\n{rows}\n]}}\n"


@dataclass(frozen=True)
class _SummingModels(Models):
    """Models whose summaries are those of the exported test."""

    def open_memory(self) -> BaseChatModel:
        return Summarizer()


def priced_as(model: str) -> str:
    """Name the model whose tokens count where this one answers."""
    return model if model and split_model(model)[0] not in BUILT_IN else PRICED_AS


def prompts_of(memory: Memory, recording: Recording, model: str, alone: bool) -> Replayed:
    """Replay a conversation; raises BadInput where a file that stands `alone` cannot send the same prompts."""
    turns = tuple(_plain(recording.turns))
    if not turns:
        raise BadInput(f"{recording.id} has no turn in which both sides speak: give a conversation that has one")
    priced = priced_as(model)
    # Alone, a summary is asked for with all of its turns, however many tokens the summing model takes.
    models = _SummingModels("demo", PRICED_AS, priced) if alone else Models("demo", "demo", priced)
    plain = replace(recording, turns=turns, questions=(), content=None)
    replay = Replay(plain, models, embedding("hashing"))
    rows: list[dict[str, Any]] = []
    with replay.run(memory) as run:
        for turn, done in zip(turns, run.turns(), strict=True):
            if alone and any(message.shortened for message in done.prompt):
                raise BadInput(
                    f"turn {turn.index + 1} of {recording.id} is sent a turn that {memory.name} had to shorten to its "
                    "budget, which a file on its own does not do: take --as middleware, a larger limit or another "
                    "conversation"
                )
            human, ai = turn.messages
            said = {name: {"content": one.content, **_named(one)} for name, one in (("human", human), ("ai", ai))}
            rows.append({"at": turn.at, **said, "prompt": _pairs(done.prompt)})
    window = context_window(priced) or DEFAULT_WINDOW
    return Replayed(tuple(rows), window, priced, tuple(_notices(recording.turns, turns)))


def _plain(turns: Sequence[Turn]) -> Iterator[Turn]:
    """Yield each turn in which both sides speak, as one message of each."""
    index = 0
    for turn in turns:
        human, ai = turn.human.strip(), turn.ai.strip()
        if human and ai:
            names = {message.role: message.name for message in reversed(turn.messages)}
            messages = Message("human", human, names["human"]), Message("ai", ai, names["ai"])
            yield Turn(turn.id, messages, at=turn.at, index=index)
            index += 1


def _named(message: Message) -> dict[str, str]:
    return {"name": message.name} if message.name else {}


def _pairs(prompt: Sequence[PromptMessage]) -> list[list[str]]:
    return [[message.type, str(message.content)] for message in Prompt(tuple(prompt)).langchain()]


def _notices(turns: Sequence[Turn], plain: Sequence[Turn]) -> Iterator[str]:
    if lacking := len(turns) - len(plain):
        yield f"Not in the test: {plural(lacking, 'turn')} in which one side is silent."
    if calls := sum(len(message.tool_calls) for turn in turns for message in turn.messages):
        yield f"Not in the test: {plural(calls, 'call')} of tools, as yours would run."


_TEST = '''"""Replays a conversation with {name}.

{command}

Each prompt must be the one that stands in conversation.json: what the Memory Inspector
sends in this place.
"""

{imports}

HERE = Path(__file__).parent
REPLAYED = json.loads((HERE / "conversation.json").read_text("utf-8"))


{models}


def test_every_prompt_is_the_same({fixture}):
{body}    for row in REPLAYED["turns"]:
{before}        asked = {{"messages": [HumanMessage(**row["human"])]}}
        chat.invoke(asked, {{"configurable": {{"thread_id": "replay"}}}})
        sent = [[message.type, message.text] for message in model.seen[-1]]
        assert sent == row["prompt"]
    assert len(model.seen) == len(REPLAYED["turns"])
'''

_MODEL = """    answers = [row["ai"] for row in REPLAYED["turns"]]
    model = Recorded(answers=answers, seen=[])
"""

_OURS = """    model.profile = {{"max_input_tokens": REPLAYED["window"]}}
    # Whatever the memory keeps in files is kept here.
    monkeypatch.setenv("MEMORY_INSPECTOR_HOME", str(tmp_path))
    monkeypatch.delenv("MEMORY_KEY_VALUE_FILE", raising=False)
    models = Models("demo", price_as=REPLAYED["priced_as"])
    now = [0.0]
    chat = agent.build(model, models{embeddings}, clock=lambda: now[0])
"""


def test_of(memory: Memory, alone: bool, sums: bool) -> str:
    """Write the test; `sums` says that the file on its own asks a model for summaries."""
    source = inspect.getsource(stand_in)
    models = [_class(source, "Recorded")] + ([_class(source, "Summarizer")] if sums else [])
    standard = "import json\nfrom pathlib import Path\nfrom typing import Any"
    others = [
        "from langchain_core.language_models import BaseChatModel",
        "from langchain_core.messages import AIMessage, HumanMessage",
        "from langchain_core.outputs import ChatGeneration, ChatResult",
    ]
    if sums:
        standard = f"import hashlib\n{standard}"
    if not alone:
        others.append("from memory.services import Models")
    command = "python -m pytest test_agent.py"
    if alone:
        body = _MODEL
        body += f"    chat = agent.build(model{', Summarizer()' if sums else ''})\n"
    else:
        command = f"PYTHONPATH=/path/to/memory-inspector {command}"
        body = _MODEL
        body += _OURS.format(embeddings=', embeddings="hashing"' if memory.embeds else "")
    return _TEST.format(
        name=memory.name,
        command=command,
        imports="\n".join([standard, "", "import agent", *others]),
        models="\n\n\n".join(models),
        fixture="" if alone else "monkeypatch, tmp_path",
        body=body,
        before="" if alone else '        now[0] = row["at"]\n',
    )


def _class(source: str, name: str) -> str:
    found = re.search(rf"^class {name}\(.*?(?=^\S|\Z)", source, re.DOTALL | re.MULTILINE)
    assert found
    return found[0].rstrip()
