"""Tokens of pictures by each provider's rule: the providers' own examples, and what is not known."""

from __future__ import annotations

import re

import pytest

from memory.pictures.sight import Pictures, said_with, takes_pictures
from memory.pictures.tokens import picture_tokens, rules, said_of
from tests.pictures.drawn import beach


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        ("openai:gpt-4o", 1024, 1024, 765),
        ("gpt-4o", 2048, 4096, 1105),
        ("openai:gpt-4o-2024-08-06", 512, 512, 255),
        ("openai:gpt-5", 512, 512, 210),
        ("openai:gpt-4.1-mini", 1024, 1024, 1659),
        ("openai:gpt-4.1-mini", 1800, 2400, 2353),
        ("openai:gpt-5-mini", 1024, 1024, 1229),
        ("azure_openai:gpt-4o", 1024, 1024, 765),
        ("anthropic:claude-sonnet-4-5", 1000, 1000, 1334),
        ("google_genai:gemini-2.5-flash", 384, 384, 258),
        ("google_genai:gemini-2.5-flash", 1024, 700, 516),
    ],
)
def test_a_picture_is_counted_as_its_provider_says(model: str, width: int, height: int, tokens: int) -> None:
    assert picture_tokens(model, width, height) == tokens


@pytest.mark.parametrize("model", ["demo", "openai:gpt-6-astra", "openai:gpt-5.1", "openai:o3-mini", "ollama:llava"])
def test_what_no_rule_is_known_for_is_not_guessed(model: str) -> None:
    assert picture_tokens(model, 512, 512) is None
    assert "not known" in said_of(model)


def test_what_a_provider_scales_down_by_bounds_of_its_models_is_not_guessed() -> None:
    assert picture_tokens("anthropic:claude-opus-5", 2000, 500) is None


def test_every_rule_has_its_source_and_all_of_them_a_date() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", rules()["as_of"])
    assert all(rule["source"] for rule in rules()["rules"])


def test_the_models_that_take_pictures_are_known_by_their_profile_or_rule() -> None:
    takes = ("openai:gpt-5-mini", "gpt-4o", "openai:gpt-5.1", "anthropic:claude-opus-4-1", "openai:gpt-5-2025-08-07")
    assert all(map(takes_pictures, takes))
    not_known = ("demo", "echo", "openai:gpt-3.5-turbo", "openai:o3-mini", "openai:my-own", "ollama:llava", "nobody:x")
    assert not any(map(takes_pictures, not_known))


def test_whoever_runs_the_server_names_models_that_take_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICTURE_MODELS", " openai:llava , openai:qwen2.5-vl*,demo")
    assert all(map(takes_pictures, ("openai:llava", "openai:qwen2.5-vl:7b", "openai:gpt-4o")))
    assert not any(map(takes_pictures, ("openai:llava:13b", "openai:qwen3", "demo", "echo")))


def test_what_the_user_says_of_a_model_comes_before_what_is_known_of_it() -> None:
    told = {"openai:my-own": True, "openai:gpt-4o": False}
    assert Pictures("openai:my-own", "openai:gpt-4o", told=told).sent
    assert not Pictures("openai:my-own", "openai:gpt-4o", told=told).captioned
    assert not Pictures("openai:gpt-4o", "openai:my-own", told=told).sent


def test_what_became_of_the_pictures_of_a_message_is_said() -> None:
    picture, _ = beach()
    for model, said in {
        "demo": "demo is not known to take pictures, so it is told in words what the file tells",
        "openai:gpt-4o": "with 1 picture of 425 tokens: counted by tiles of 512 pixels, as published by",
        "openai:gpt-5.1": "with 1 picture, not counted here: how many tokens a picture takes is not known",
    }.items():
        assert said in said_with([picture], Pictures(model).with_query((picture,)), model)
    assert said_with([], {}, "demo") == "what you just said"
