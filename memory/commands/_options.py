"""Options that several commands have, each written once; and the models that they name, looked at.

>>> add_options(parser, "file", "--memory", "--turns", turns="check with turns A to B-1 alone")
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from memory.errors import BadInput
from memory.longterm.namespace import checked_label

if TYPE_CHECKING:
    from memory.services import Models

PRICE_MODEL = "openai:gpt-5-mini"

_OPTIONS: dict[str, dict[str, Any]] = {
    "file": {"metavar": "FILE", "help": "a recorded conversation, or several; - for standard input"},
    "--memory": {
        "metavar": "SPEC",
        "action": "append",
        "help": "a memory with its settings; may be given several times",
    },
    "--organisation": {
        "metavar": "NAME",
        "default": "",
        "help": "stands for {org} in a memory's namespace (default: the variable itself)",
    },
    "--application": {
        "metavar": "NAME",
        "default": "",
        "help": "stands for {app} in a memory's namespace (default: the variable itself)",
    },
    "--model": {
        "metavar": "M",
        "default": "demo",
        "help": "answers what has no recorded answer (default: %(default)s)",
    },
    "--memory-model": {
        "metavar": "M",
        "default": "demo",
        "help": "for the memory's own calls (default: %(default)s)",
    },
    "--price-model": {
        "metavar": "M",
        "default": PRICE_MODEL,
        "help": "whose tokens and prices count (default: %(default)s)",
    },
    "--embeddings": {
        "metavar": "E",
        "help": "auto, minilm, hashing, provider:name or a path (default: EMBEDDINGS)",
    },
    "--budget": {
        "metavar": "N",
        "type": int,
        "help": "the most tokens that a memory may send (default: what the window has)",
    },
    "--conversation": {"metavar": "ID", "help": "one conversation of a file that holds several"},
    "--turns": {
        "metavar": "A:B",
        "help": "report turns A to B-1; later ones are never said (either may be left out)",
    },
    "--questions": {
        "choices": ("all", "none"),
        "default": "all",
        "help": "ask the file's questions (default: %(default)s)",
    },
    "--answer": {"action": "store_true", "help": "have --model answer the questions"},
    "--no-prompts": {
        "action": "store_true",
        "help": "leave the texts of the prompts out, which is faster",
    },
    "--json": {"metavar": "FILE", "help": "write JSON instead of the table; - for standard output"},
    "--format": {"metavar": "F", "default": "auto", "help": "the file's format (default: %(default)s)"},
}


def add_options(parser: argparse.ArgumentParser, *names: str, **helps: str) -> None:
    """Add some of them in this order; `helps` says of one what it does here, by its name without its dashes."""
    for name in names:
        known = dict(_OPTIONS[name])
        known["help"] = helps.get(name.lstrip("-").replace("-", "_"), known["help"])
        parser.add_argument(name, **known)


def check_memory(specs: list[str] | None) -> None:
    """Refuse a command without a memory."""
    if not specs:
        raise BadInput("--memory is missing: name one, such as --memory window:k=3 (see python -m memory list)")


def fill_labels(options: argparse.Namespace) -> None:
    """Write what --organisation and --application name into the namespaces of the memories that the options name."""
    given = {name: getattr(options, name, None) or [] for name in ("memory", "sweep")}
    for name, variable in (("organisation", "{org}"), ("application", "{app}")):
        try:
            label = checked_label(getattr(options, name))
        except BadInput as error:
            raise BadInput(f"--{name}: {error}") from None
        if not label:
            continue
        if signs := sorted({*label} & {*",=+():"}):
            raise BadInput(f"--{name} {label}: leave out {' '.join(signs)}, which part the settings of a memory")
        if not any(variable in spec for specs in given.values() for spec in specs):
            raise BadInput(
                f"--{name} {label}: no memory has {variable} in its namespace, as collection:namespace={variable}"
            )
        given = {kind: [spec.replace(variable, label) for spec in specs] for kind, specs in given.items()}
    for kind, specs in given.items():
        setattr(options, kind, specs)


def check_budget(budget: int | None) -> None:
    """Refuse a budget that cannot be."""
    if budget is not None and budget < 0:
        raise BadInput(f"--budget {budget}: give a number of tokens from 0 on")


def models_of(options: argparse.Namespace, *names: str) -> Models:
    """Make the models of the options with these names ("model", "memory_model", "price_model"); raises BadInput."""
    from memory.commands._model_names import check_name
    from memory.services import Models

    for name in names:
        check_name(f"--{name.replace('_', '-')}", getattr(options, name))
    chat = options.model if "model" in names else "demo"
    return Models(chat, options.memory_model, options.price_model)
