"""Which models take pictures, and what is sent to one that does.

    >>> takes_pictures("openai:gpt-5-mini"), takes_pictures("openai:gpt-3.5-turbo"), takes_pictures("demo")
    (True, False, False)
    >>> block(data)
    {'type': 'image', 'base64': 'iVBORw0…', 'mime_type': 'image/png'}

LangChain's packages carry a profile of each provider's models, which says it; a model without one, as on a server of
one's own, is not known to take pictures until somebody says so (PICTURE_MODELS, or the Settings page), and is told in
words what a file tells. `Pictures` is what a turn's models, its memory and its prompt share.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage
from PIL import Image

from memory.pictures.picture import Picture
from memory.pictures.tokens import picture_tokens, rule_of, said_of
from memory.tokens import BUILT_IN, split_model


def takes_pictures(model: str) -> bool:
    """Whether a model is known to take pictures: by PICTURE_MODELS, its provider's package, or its token rule.

    PICTURE_MODELS names models with commas between them, as everywhere; a * at the end stands for any ending.
    """
    named = (name.strip() for name in os.environ.get("PICTURE_MODELS", "").split(","))
    if split_model(model)[0] in BUILT_IN:
        return False
    return any(model.startswith(n[:-1]) if n.endswith("*") else model == n for n in named if n) or _known(model)


@lru_cache(maxsize=200)
def _known(model: str) -> bool:
    provider, name = split_model(model)
    if not provider:
        return False
    profile = _profiles(provider).get(name.removeprefix("ft:").partition(":")[0])
    return rule_of(model) is not None if profile is None else bool(profile.get("image_inputs"))


@lru_cache(maxsize=20)
def _profiles(provider: str) -> dict[str, Any]:
    """Read the profiles in a provider's package, without importing that, which takes seconds; none where it is away."""
    package = importlib.util.find_spec(f"langchain_{'openai' if provider == 'azure_openai' else provider}")
    file = Path(package.origin).parent / "data" / "_profiles.py" if package and package.origin else None
    spec = importlib.util.spec_from_file_location(f"_profiles_of_{provider}", file) if file and file.exists() else None
    if spec is None or spec.loader is None:
        return {}
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(getattr(module, "_PROFILES", {}))


def block(data: bytes) -> dict[str, Any]:
    """Write a picture as LangChain's standard content block, which every provider's package translates."""
    mime = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    return {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": mime}


def blocks_in(message: BaseMessage) -> list[str]:
    """Return the pictures of a message that has content blocks, as they stand there in base64."""
    parts = message.content if isinstance(message.content, list) else ()
    return [str(part["base64"]) for part in parts if isinstance(part, dict) and "base64" in part]


def tokens_in(message: BaseMessage, model: str) -> int:
    """Count the tokens of a message's pictures for a model, as far as its rule is known."""
    sizes = (Image.open(io.BytesIO(base64.b64decode(data))).size for data in blocks_in(message))
    return sum(picture_tokens(model, *size) or 0 for size in sizes)


def said_with(pictures: Sequence[Picture], sent: Mapping[str, int | None], model: str) -> str:
    """Say why a message stands in the prompt, and what became of the pictures that came with it."""
    count = f"{len(pictures):,} picture{'s' * (len(pictures) != 1)}"
    if not pictures:
        return "what you just said"
    if not sent:
        return f"what you just said; {model} is not known to take pictures, so it is told in words what the file tells"
    known = [tokens for tokens in sent.values() if tokens is not None]
    if len(known) < len(sent):
        return f"what you just said, with {count}, not counted here: {said_of(model)}"
    return f"what you just said, with {count} of {sum(known):,} tokens: counted {said_of(model)}"


@dataclass(frozen=True)
class Pictures:
    """The pictures of a turn: which model answers and which captions, and where the bytes are.

    `fetch` returns a picture's bytes by its id, None where they are not (or no longer) kept; it may raise
    StoreUnavailable. `told` says of models by name whether they take pictures, where the user has said so.
    """

    chat: str = "demo"
    memory: str = "demo"
    fetch: Callable[[str], bytes | None] = field(default=lambda id: None, repr=False)
    told: Mapping[str, bool] = field(default_factory=dict)

    @property
    def sent(self) -> bool:
        """Whether the model that answers takes pictures."""
        return self._takes(self.chat)

    @property
    def captioned(self) -> bool:
        """Whether the memory's model can look at pictures."""
        return self._takes(self.memory)

    def _takes(self, model: str) -> bool:
        return self.told.get(model, takes_pictures(model))

    def tokens(self, width: int, height: int) -> int | None:
        """Count a picture's tokens for the model that answers; None where its rule is not known."""
        return picture_tokens(self.chat, width, height)

    def with_query(self, pictures: tuple[Picture, ...]) -> dict[str, int | None]:
        """Return which pictures of a message are sent with it, with the tokens of each; none to a model without."""
        return {one.id: self.tokens(one.width, one.height) for one in pictures} if self.sent else {}
