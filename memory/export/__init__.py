"""Leaving with code: a memory as tuned, as a file that runs on LangChain 1.x, and a test that its prompts are ours.

    >>> found = export(load().memory("window:k=3"), "langgraph", sample())
    >>> sorted(found.files)
    ['agent.py', 'conversation.json', 'requirements.txt', 'test_agent.py']

There are three forms. `middleware` is create_agent with our MemoryMiddleware, for every memory. `langgraph` is a
StateGraph, without this package where the memory's rule is short enough to be written out; else its nodes ask this
package. `langchain` is create_agent without this package, for those short rules alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from memory.base import Memory
from memory.classic import ClassicMemory
from memory.errors import BadInput
from memory.export.alone import agent_alone, graph_alone
from memory.export.ours import agent_with_ours, graph_with_ours
from memory.export.replayed import priced_as, prompts_of, test_of
from memory.export.rules import rule_of
from memory.export.sample import sample
from memory.formats.recording import Recording
from memory.tokens import BUILT_IN, encoding_for, split_model

__all__ = ["FORMS", "Exported", "export", "main_file", "sample", "stands_alone"]

FORMS = ("langchain", "langgraph", "middleware")


@dataclass(frozen=True, slots=True)
class Exported:
    """The files by name; `notices` say what of the conversation is not in the test."""

    files: dict[str, str]
    notices: tuple[str, ...]


def stands_alone(memory: Memory, form: str) -> bool:
    """Say whether the file needs nothing of this package."""
    return form != "middleware" and rule_of(memory) is not None


def main_file(memory: Memory, form: str, model: str = "") -> str:
    """Write the file itself; `model` is the one that it opens by default, else one that needs no key.

    Raises BadInput where the memory has no such form, with the reason and the forms that it has.
    """
    rule = rule_of(memory)
    given = "" if split_model(model)[0] in BUILT_IN else model
    encoding = encoding_for(priced_as(model)).name
    if form == "middleware":
        return agent_with_ours(memory, given)
    if form == "langgraph":
        return graph_alone(memory, rule, given, encoding) if rule else graph_with_ours(memory, given)
    if rule is None:
        raise BadInput(f"--as langchain: {_why(memory)}; take --as middleware, or --as langgraph, which import it")
    return agent_alone(memory, rule, given, encoding)


def export(memory: Memory, form: str, recording: Recording, model: str = "") -> Exported:
    """Write the file, its requirements, and a test that replays a conversation; raises BadInput."""
    main, alone = main_file(memory, form, model), stands_alone(memory, form)
    rule = rule_of(memory)
    replayed = prompts_of(memory, recording, model, alone)
    return Exported(
        {
            "agent.py": main,
            "requirements.txt": _requirements(main, alone, memory.embeds, model),
            "test_agent.py": test_of(memory, alone, bool(alone and rule and rule.remember)),
            "conversation.json": replayed.json(),
        },
        replayed.notices,
    )


def _why(memory: Memory) -> str:
    if isinstance(memory, ClassicMemory):
        return f"{memory.name} is a class in LangChain's old form, which its agents no longer run"
    if memory.embeds:
        return f"{memory.name} ranks turns by this project's own search, which LangChain has not"
    if memory.family == "extracted":
        return f"{memory.name} takes notes in a way of this project's own, which LangChain has not"
    return f"{memory.name} does what no part of LangChain does"


def _requirements(main: str, alone: bool, searches: bool, model: str) -> str:
    """List what the file and its test import, as pinned here."""
    names = ["langchain", "langchain-core", "langgraph"]
    if not alone:
        names += ["langchain-classic", "bpe-openai", "genai-prices", "numpy", "pydantic", "snowballstemmer"]
        # For a search by meaning, where its model is on the computer.
        names += ["onnxruntime", "tokenizers"] if searches else []
    elif "bpe_openai" in main:
        names.append("bpe-openai")
    provider = split_model(model)[0]
    if provider and provider not in BUILT_IN:
        names.append(f"langchain-{provider.replace('_', '-')}")
    return "\n".join(map(_pinned, names)) + "\n# for test_agent.py\n" + _pinned("pytest") + "\n"


def _pinned(name: str) -> str:
    try:
        return f"{name}=={version(name)}"
    except PackageNotFoundError:
        return name
