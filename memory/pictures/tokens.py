"""How many tokens a picture takes, by the rule that a model's provider has published; None where none is known.

    >>> picture_tokens("openai:gpt-4o", 1024, 1024), picture_tokens("anthropic:claude-sonnet-4-5", 750, 1000)
    (765, 1000)
    >>> picture_tokens("mistralai:pixtral-12b", 512, 512) is None
    True

The rules stand in `rules.json`, dated and each with its source. They are estimates: after a call the provider's own
figure takes their place. A provider whose rule is not there is not guessed.
"""

from __future__ import annotations

import json
from functools import lru_cache
from math import ceil, sqrt
from pathlib import Path
from typing import Any

from memory.tokens import split_model

PATCH, MOST_PATCHES = 32, 1536
"""Pixels of a patch's side, and how many patches a picture has at most before OpenAI scales it down."""
_LARGE, _SHORT, _TILE = 2048, 768, 512


@lru_cache(maxsize=1)
def rules() -> dict[str, Any]:
    """Return the rules: `as_of` is their date, `rules` a list of which the first that fits counts."""
    read: dict[str, Any] = json.loads((Path(__file__).parent / "rules.json").read_text())
    return read


def rule_of(model: str) -> dict[str, Any] | None:
    """Return the rule of a model, named as everywhere; None where none is known."""
    provider, name = split_model(model)
    provider = {"azure_openai": "openai", "google_vertexai": "google_genai"}.get(provider, provider)
    name = name.removeprefix("ft:")
    for rule in rules()["rules"]:
        if rule["provider"] == provider and any(_names(name, start) for start in rule["models"]):
            return None if rule["kind"] == "none" else rule
    return None


def _names(name: str, start: str) -> bool:
    """Whether a model is of a family: gpt-5 and gpt-5-2025-08-07 are, gpt-5.1 is another one."""
    rest = name[len(start) :]
    return name.startswith(start) and (start[-1] == "-" or rest[:1] in ("", "-", ":"))


def picture_tokens(model: str, width: int, height: int) -> int | None:
    """Count the tokens of a picture of so many pixels for a model; None where its rule is not known."""
    rule = rule_of(model)
    if rule is None:
        return None
    match rule["kind"]:
        case "tiles":
            return int(rule["base"] + rule["tile"] * _tiles(width, height))
        case "patches":
            patched: int = ceil(_patches(width, height) * rule["times"])
            return patched
        case "crops":
            if max(width, height) <= rule["small"]:
                return int(rule["each"])
            return int(rule["each"] * ceil(width / rule["crop"]) * ceil(height / rule["crop"]))
        case _:
            tokens: int = ceil(width * height / rule["pixels"])
            # Beyond these measures the provider scales a picture down, by bounds that differ between its models.
            return tokens if tokens <= rule["most"] and max(width, height) <= rule["side"] else None


def said_of(model: str) -> str:
    """Say by which rule a model's pictures are counted, for the reader of a screen."""
    rule = rule_of(model)
    if rule is None:
        return f"how many tokens a picture takes is not known for {model}"
    words = {"tiles": "by tiles of 512 pixels", "patches": "by patches of 32 pixels", "crops": "by crops of 768 pixels"}
    return f"{words.get(rule['kind'], 'by its area')}, as published by {rules()['as_of']}"


def _tiles(width: int, height: int) -> int:
    """Count OpenAI's tiles: the picture is fitted into a square, then its short side is made no longer than allowed."""
    scale = min(1.0, _LARGE / max(width, height))
    scale *= min(1.0, _SHORT / (min(width, height) * scale))
    return ceil(round(width * scale, 6) / _TILE) * ceil(round(height * scale, 6) / _TILE)


def _patches(width: int, height: int) -> int:
    """Count OpenAI's patches; a picture with too many is scaled down until it has no more than are allowed."""
    count = ceil(width / PATCH) * ceil(height / PATCH)
    if count <= MOST_PATCHES:
        return count
    shrink = sqrt(PATCH**2 * MOST_PATCHES / (width * height))
    columns, rows = width * shrink / PATCH, height * shrink / PATCH
    shrink *= min(int(columns) / columns if columns >= 1 else 1, int(rows) / rows if rows >= 1 else 1)
    return min(MOST_PATCHES, ceil(round(width * shrink / PATCH, 6)) * ceil(round(height * shrink / PATCH, 6)))
