"""What a model call costs: dated rates from genai-prices, in exact decimals, offline.

    >>> cost = price("gpt-5-mini", Usage(input=3_000, cached=2_048, output=500))
    >>> cost.input, cost.cached, cost.output            # 952, 2,048 and 500 tokens at $0.25, $0.025 and $2 a million
    (Decimal('0.000238'), Decimal('0.0000512'), Decimal('0.001'))
    >>> dollars(cost.total)
    '$0.0013'
    >>> dollars(price("llama3", Usage(input=3_000)))    # nobody's price list has it: unknown, not free
    'unknown'

The demo model has no price of its own: whoever shows its costs gives the name of the model to price as.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from functools import cache
from importlib.metadata import version

from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from memory.tokens import split_model

MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Usage:
    """The tokens of one call or, added up, of many.

    `input` includes `cached` and `cache_write`; `output` includes `reasoning`.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0

    def __post_init__(self) -> None:
        if min(self.input, self.output, self.cached, self.cache_write, self.reasoning) < 0:
            raise ValueError(f"token counts cannot be negative: {self}")
        if self.cached + self.cache_write > self.input:
            raise ValueError(f"input includes cached and cache_write tokens, so it cannot be less than both: {self}")

    def __add__(self, other: Usage) -> Usage:
        if not isinstance(other, Usage):
            return NotImplemented
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.cache_write + other.cache_write,
            self.reasoning + other.reasoning,
        )

    def __radd__(self, other: object) -> Usage:
        # sum() begins with 0.
        return self if other == 0 else NotImplemented


@dataclass(frozen=True)
class Price:
    """US dollars by kind of token; `input` is what was neither read from the cache nor written to it."""

    input: Decimal = Decimal(0)
    cached: Decimal = Decimal(0)
    cache_write: Decimal = Decimal(0)
    output: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.input + self.cached + self.cache_write + self.output

    def __add__(self, other: Price) -> Price:
        if not isinstance(other, Price):
            return NotImplemented
        return Price(
            self.input + other.input,
            self.cached + other.cached,
            self.cache_write + other.cache_write,
            self.output + other.output,
        )

    def __radd__(self, other: object) -> Price:
        return self if other == 0 else NotImplemented


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens; a kind that the provider does not price apart is None."""

    input: Decimal
    output: Decimal | None
    cached: Decimal | None
    cache_write: Decimal | None


# LangChain's names of providers where the price data knows them by another, or would take them for another.
_PROVIDERS = {"azure_openai": "azure", "google_genai": "google", "google_vertexai": "google", "bedrock_converse": "aws"}


@cache
def model_info(model: str) -> ModelInfo | None:
    """Find a model in the price data; None when it is not there or its provider is not."""
    provider_name, name = split_model(model)
    if not provider_name or not name:
        return None
    snapshot = get_snapshot()
    provider = find_provider_by_id(snapshot.providers, _PROVIDERS.get(provider_name, provider_name))
    return provider.find_model(name, all_providers=snapshot.providers) if provider else None


def rates(model: str, *, input_tokens: int = 0, when: datetime | None = None) -> Rates | None:
    """Return a model's rates, for display or for a prompt of `input_tokens` (some models charge more for long ones).

    None when they are unknown, and where a part of the bill does not follow from a `Usage`: a fee per request,
    reasoning tokens at a rate of their own.
    """
    info = model_info(model)
    if info is None:
        return None
    prices: ModelPrice = info.get_prices(when or datetime.now(UTC))

    def rate(of: Decimal | TieredPrices | None) -> Decimal | None:
        if not isinstance(of, TieredPrices):
            return of
        # The tier that the prompt reaches holds for all of its tokens; tiers ascend.
        reached = [tier.price for tier in of.tiers if input_tokens > tier.start]
        return reached[-1] if reached else of.base

    for_input = rate(prices.input_mtok)
    if for_input is None or prices.requests_kcount is not None or prices.output_reasoning_mtok is not None:
        return None
    return Rates(for_input, rate(prices.output_mtok), rate(prices.cache_read_mtok), rate(prices.cache_write_mtok))


def price(model: str, usage: Usage, when: datetime | None = None) -> Price | None:
    """Price one call at the rates of its day (`when`, by default now); None when they are unknown, never 0.

    Long prompts cost more per token with some models, so price each call and add the prices up,
    not the tokens. A write to the cache is taken for one of the shortest kind.
    """
    of = rates(model, input_tokens=usage.input, when=when)
    if of is None or (of.output is None and usage.output):
        return None
    # What has no rate of its own is billed as ordinary input.
    for_cached = of.input if of.cached is None else of.cached
    for_write = of.input if of.cache_write is None else of.cache_write
    return Price(
        input=(usage.input - usage.cached - usage.cache_write) * of.input / MILLION,
        cached=usage.cached * for_cached / MILLION,
        cache_write=usage.cache_write * for_write / MILLION,
        output=usage.output * (of.output or Decimal(0)) / MILLION,
    )


# The package names no date; this is the newest change of a price in it that was in force when it was released.
_DATES = {"0.2.3": date(2026, 11, 9)}


@cache
def price_date() -> date:
    """Return the day as of which the prices are known to hold."""
    if known := _DATES.get(version("genai-prices")):
        return known
    today = datetime.now(UTC).date()
    changes = (
        conditional.constraint.start_date
        for provider in get_snapshot().providers
        for info in provider.models
        if isinstance(info.prices, list)
        for conditional in info.prices
        if isinstance(conditional.constraint, StartDateConstraint)
    )
    return max(day for day in changes if day <= today)


# Providers as LangChain names them, in the order of the selector, and how their chat models' names begin.
_OFFERED = {
    "openai": "gpt-",
    "anthropic": "claude-",
    "google_genai": "gemini-",
    "mistralai": "mistral-",
    "deepseek": "deepseek-",
    "xai": "grok-",
}
_NOT_CHAT = re.compile(
    r"audio|image|tts|live|realtime|transcribe|vision|embed|search|research|codex|code|build|cyber|rosalind"
    r"|robotics|omni|multi-agent|oss|pro$|instruct|preview|exp$|latest|:|\d{4}"
)
_PAST = re.compile(
    r"gpt-(3|4$|4-|4\.5)|claude-([23v]|.*-4-[01]$)|gemini-(1|2\.0|pro|flash)|grok-[23]|deepseek-[rv][123]"
)


@cache
def priced_models() -> list[str]:
    """List the chat models worth offering in a selector, as `provider:name`, newest first within a provider."""
    snapshot, found = get_snapshot(), []
    for name, start in _OFFERED.items():
        provider = find_provider_by_id(snapshot.providers, _PROVIDERS.get(name, name))
        models = [
            info.id
            for info in (provider.models if provider else [])
            if info.id.startswith(start) and info.context_window and not info.deprecated
            if not _NOT_CHAT.search(info.id) and not _PAST.match(info.id)
        ]
        newest_first = sorted(models, key=_version, reverse=True)
        found += [f"{name}:{id}" for id in newest_first if rates(f"{name}:{id}")]
    return found


def _version(id: str) -> tuple[list[float], str]:
    """Order names by the numbers in them: gpt-6.1-sol after gpt-5-mini."""
    return [float(number) for number in re.findall(r"\d+\.?\d*", id)], id


def dollars(amount: Decimal | None) -> str:
    """Write an amount for a reader: two digits that count under a cent, four decimals under a dollar, else cents.

    >>> dollars(Decimal("0.000123")), dollars(Decimal("0.0512")), dollars(Decimal("12.3456")), dollars(Decimal(0))
    ('$0.00012', '$0.0512', '$12.35', '$0')
    """
    if amount is None:
        return "unknown"
    if amount == 0:
        return "$0"
    size, sign = abs(amount), "-" if amount < 0 else ""
    if size >= 1:
        return f"{sign}${size:,.2f}"
    if size >= Decimal("0.01"):
        return f"{sign}${size:.4f}".removesuffix("00")
    return f"{sign}${Context(prec=2).create_decimal(size):f}"
