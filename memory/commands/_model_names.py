"""Models named on the command line, looked at before anything runs.

>>> check_name("--model", "opnai:gpt-5-mini")
Traceback (most recent call last):
memory.errors.BadInput: --model opnai:gpt-5-mini: no provider has this name; did you mean openai:gpt-5-mini?
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from memory.errors import BadInput, ModelFailed
from memory.tokens import BUILT_IN, split_model

if TYPE_CHECKING:
    from memory.base import Memory
    from memory.formats import Recording
    from memory.services import Models

# LangChain's names of providers whose models are in no price list, or stand there under another name.
_UNPRICED = ("azure_openai", "bedrock_converse", "google_genai", "google_vertexai", "huggingface", "nvidia", "ollama")


def opened(option: str, name: str, make: Callable[[], object]) -> None:
    """Make a model that is to be asked; raises BadInput with the option and the remedy, as where it lacks its key."""
    try:
        make()
    except ModelFailed as error:
        raise BadInput(f"{option} {name}: {error}") from None


def check_asked(models: Models, recordings: Sequence[Recording], memories: Sequence[Memory], answer: bool) -> None:
    """See to it that the models that a replay will ask can be, before anything is paid for; raises BadInput."""
    from memory.replay import lacks_answer

    if answer or any(lacks_answer(one, index) for one in recordings for index in range(len(one.turns))):
        opened("--model", models.chat, models.open_chat)
    if models.memory != "demo" and any(memory.stateful for memory in memories):
        opened("--memory-model", models.memory, models.open_memory)


def check_name(option: str, name: str) -> None:
    """See to it that a model's name has a provider and none that is misspelled; raises BadInput with the nearest."""
    provider, model = split_model(name)
    if provider in BUILT_IN:
        return
    known = _known()
    providers = sorted({*_UNPRICED, *(one.partition(":")[0] for one in known)})
    if provider and model:
        near = difflib.get_close_matches(provider, providers, 1, 0.75)
        if provider in providers or not near:
            return
        raise BadInput(f"{option} {name}: no provider has this name; did you mean {near[0]}:{model}?")
    names = {**{one.partition(":")[2]: one for one in reversed(known)}, **{one: one for one in (*known, *BUILT_IN)}}
    nearest = difflib.get_close_matches(name, names, 1)
    write = "write demo, echo or provider:name, such as openai:gpt-5-mini"
    hint = f"did you mean {names[nearest[0]]}?" if nearest else write
    raise BadInput(f"{option} {name}: there is no such model; {hint}")


@cache
def _known() -> tuple[str, ...]:
    """Name every model of the price data as provider:name, those of the model's own maker first."""
    from genai_prices.data_snapshot import get_snapshot

    found = [f"{provider.id}:{model.id}" for provider in get_snapshot().providers for model in provider.models]
    makers = ("openai", "anthropic", "google", "mistral", "deepseek")
    return tuple(sorted(found, key=lambda one: one.partition(":")[0] not in makers))
