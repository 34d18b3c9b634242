"""Prices against figures worked out by hand and against genai-prices' own calculator."""

from __future__ import annotations

import doctest
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price

from memory.money import prices
from memory.money.prices import Price, Rates, Usage, dollars, price, price_date, priced_models, rates

MINI = "openai:gpt-5-mini"


def test_a_gpt_5_mini_call_costs_what_it_costs_by_hand() -> None:
    # 10,000 in of which 8,192 cached, 1,500 out: 1,808 x $0.25 + 8,192 x $0.025 + 1,500 x $2, per million.
    cost = price(MINI, Usage(input=10_000, cached=8_192, output=1_500))
    assert cost == Price(input=Decimal("0.000452"), cached=Decimal("0.0002048"), output=Decimal("0.003"))
    assert cost.total == Decimal("0.0036568")


def test_the_rates_of_gpt_5_mini_are_those_of_openais_page() -> None:
    assert rates("gpt-5-mini") == Rates(Decimal("0.25"), Decimal(2), Decimal("0.025"), None)


def test_a_write_to_the_cache_is_charged_where_the_provider_charges_it() -> None:
    # Claude Sonnet 4.5: $3 in, $0.30 cached, $3.75 written, $15 out.
    cost = price("anthropic:claude-sonnet-4-5", Usage(input=6_000, cached=2_000, cache_write=3_000, output=100))
    assert cost == Price(Decimal("0.003"), Decimal("0.0006"), Decimal("0.01125"), Decimal("0.0015"))


def test_a_write_to_the_cache_without_a_rate_is_ordinary_input() -> None:
    cost = price(MINI, Usage(input=2_000, cache_write=1_000))
    assert cost is not None
    assert cost.cache_write == cost.input == Decimal("0.00025")


def test_cached_tokens_without_a_rate_are_ordinary_input() -> None:
    # GPT-4 has no cached rate: $30 in.
    cost = price("openai:gpt-4", Usage(input=1_000, cached=1_000))
    assert cost is not None
    assert cost.total == Decimal("0.03")


def test_a_long_prompt_pays_the_higher_tier_for_all_its_tokens() -> None:
    below, above = price("openai:gpt-5.4", Usage(input=272_000)), price("openai:gpt-5.4", Usage(input=272_001))
    assert below is not None
    assert above is not None
    assert below.total == Decimal("0.68")
    assert above.total > Decimal("1.36")


def test_a_price_is_that_of_its_day() -> None:
    # o3 fell from $10 to $2 on 2025-06-10.
    usage = Usage(input=1_000_000)
    before = price("openai:o3", usage, datetime(2025, 6, 9, tzinfo=UTC))
    after = price("openai:o3", usage, datetime(2025, 6, 10, tzinfo=UTC))
    assert before is not None
    assert after is not None
    assert (before.total, after.total) == (10, 2)


@pytest.mark.parametrize(
    "model", ["demo", "llama3", "openai:gpt-99", "ollama:llama3", "nobody:gpt-5-mini", "openai:", "", "openai:qwen3:8b"]
)
def test_an_unknown_price_is_none_and_never_zero(model: str) -> None:
    assert rates(model) is None
    assert price(model, Usage(input=1_000)) is None


def test_a_price_with_a_fee_per_request_is_unknown_since_usage_does_not_hold_it() -> None:
    assert rates("perplexity:sonar") is None


def test_a_dated_name_has_the_price_of_its_model() -> None:
    assert rates("openai:gpt-5-mini-2025-08-07") == rates(MINI)


@pytest.mark.parametrize(
    ("langchain", "same"),
    [("azure_openai:gpt-4o", "openai:gpt-4o"), ("google_vertexai:gemini-2.5-flash", "google_genai:gemini-2.5-flash")],
)
def test_langchains_provider_names_are_understood(langchain: str, same: str) -> None:
    assert rates(langchain) == rates(same) is not None


@pytest.mark.parametrize("size", [3_000, 300_000])
def test_every_offered_price_is_what_genai_prices_calculates(size: int) -> None:
    when = datetime(2026, 11, 21, tzinfo=UTC)
    usage = Usage(input=size, cached=size // 3, cache_write=size // 5, output=777)
    theirs = TheirUsage(
        input_tokens=usage.input,
        cache_read_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        output_tokens=777,
    )
    for model in priced_models():
        provider, name = model.split(":")
        provider = {"google_genai": "google"}.get(provider, provider)
        cost = price(model, usage, when)
        assert cost is not None
        total = calc_price(theirs, name, provider_id=provider, genai_request_timestamp=when).total_price
        assert cost.total == total, model
        assert cost.total == cost.input + cost.cached + cost.cache_write + cost.output


def test_usages_and_prices_add_up() -> None:
    one = Usage(input=10, output=2, cached=4, cache_write=1, reasoning=1)
    assert sum([one, one]) == one + one == Usage(20, 4, 8, 2, 2)
    cost = price(MINI, Usage(input=1_000_000))
    assert cost is not None
    assert sum([cost, cost]) == Price(input=Decimal("0.5"))


@pytest.mark.parametrize(
    "counts", [{"input": -1}, {"input": 5, "cached": 6}, {"input": 5, "cached": 3, "cache_write": 3}]
)
def test_an_impossible_usage_is_refused(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="input"):
        Usage(**counts)


def test_the_selector_offers_current_chat_models_and_no_others() -> None:
    models = priced_models()
    assert {MINI, "openai:gpt-4o-mini", "anthropic:claude-opus-5"} <= set(models)
    assert len(models) == len(set(models))
    assert 20 < len(models) < 100
    assert not [
        model for model in models if any(word in model for word in ("audio", "image", "embed", "codex", "gpt-3"))
    ]


def test_prices_say_as_of_which_day_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert price_date() == date(2026, 11, 9)
    monkeypatch.setattr(prices, "_DATES", {})
    price_date.cache_clear()
    assert date(2026, 11, 9) <= price_date() <= datetime.now(UTC).date(), "another version's date is found in its data"
    price_date.cache_clear()


def test_the_examples_in_the_text_hold() -> None:
    assert doctest.testmod(prices).failed == 0


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "unknown"),
        ("0", "$0"),
        ("0.00", "$0"),
        ("0.000123456", "$0.00012"),
        ("0.0000000123", "$0.000000012"),
        ("0.009996", "$0.010"),
        ("0.01", "$0.01"),
        ("0.0512", "$0.0512"),
        ("0.5", "$0.50"),
        ("0.99999", "$1.00"),
        ("12.3456", "$12.35"),
        ("1234.5", "$1,234.50"),
        ("-0.000123", "-$0.00012"),
    ],
)
def test_an_amount_is_written_for_a_reader(amount: str | None, text: str) -> None:
    assert dollars(None if amount is None else Decimal(amount)) == text
