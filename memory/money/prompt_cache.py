"""How much of a prompt its provider has in its cache: what it has in common with the one before, under a dated rule.

    >>> cached_tokens("openai:gpt-5-mini", 1_700)        # whole steps of 128 from 1,024 on
    1664
    >>> cached_tokens("openai:gpt-5-mini", 1_000)        # below the minimum nothing is cached
    0
    >>> usage("openai:gpt-5-mini", prompt=2_000, common=1_700, output=50)
    Usage(input=2000, output=50, cached=1664, cache_write=0, reasoning=0)

An estimate: it takes for granted that the next turn comes while the cache lives (`CacheRule.lives`; the pauses of a
conversation are looked at in `prefix.py`) and that caching is on where a provider wants it asked for. The
provider's own figures replace it where there are some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import groupby

from memory.base import Item, Recall, Turn
from memory.common.fit import span_ref
from memory.money.prices import Usage, rates
from memory.prompt import PromptMessage, assemble
from memory.tokens import count_tokens, encode, split_model


@dataclass(frozen=True, slots=True)
class CacheRule:
    """From how many tokens on a prefix is cached, in steps of how many, and how many seconds it `lives` unused."""

    minimum: int
    step: int = 1
    lives: int = 300


RULES_READ = date(2026, 11, 21)
"""When the rules were read."""

# By how a model's name begins; the first match counts. OpenAI's are those of its prompt caching guide as
# learn.microsoft.com (Foundry, prompt caching) restates it; it names no step for GPT-5.6 and later, and a life of 5 to
# 10 minutes, of which the shorter is taken. The others are those of docs.litellm.ai/docs/completion/prompt_caching
# (2026-10-07): 5 minutes for Anthropic's, none stated for Google's, where the same is taken.
_RULES: tuple[tuple[str, str, CacheRule], ...] = (
    ("openai", r"gpt-(5\.([6-9]|\d\d)|[6-9])", CacheRule(1024)),
    ("openai", r"", CacheRule(1024, 128)),
    ("anthropic", r"claude-(opus|fable|mythos)-5", CacheRule(512)),
    ("anthropic", r"claude-(opus-4-[56]|haiku-4-5)", CacheRule(4096)),
    ("anthropic", r"claude-(sonnet-[45]|opus-4)", CacheRule(1024)),
    ("google", r"gemini-", CacheRule(1024)),
)
_SAME = {"azure_openai": "openai", "google_genai": "google", "google_vertexai": "google"}


@cache
def cache_rule(model: str) -> CacheRule | None:
    """Return the rule of a model's provider; None where none is known or nothing is cached."""
    provider, name = split_model(model)
    known = rates(model)
    if known is not None and known.cached is None:
        return None
    provider = _SAME.get(provider, provider)
    return next((rule for whose, start, rule in _RULES if whose == provider and re.match(start, name)), None)


def cached_tokens(model: str, common: int) -> int:
    """Say how many tokens of a prefix of `common` tokens are read from the cache; 0 where no rule is known."""
    rule = cache_rule(model)
    if rule is None or common < rule.minimum:
        return 0
    return common - (common - rule.minimum) % rule.step


def usage(model: str, prompt: int, common: int, output: int) -> Usage:
    """Estimate what is billed for a prompt of which the first `common` tokens were sent before.

    Where a provider charges for writing, what is not read from the cache is written to it.
    """
    rule = cache_rule(model)
    cached = cached_tokens(model, min(common, prompt))
    writes = rule is not None and prompt >= rule.minimum and _charges_writes(model)
    return Usage(prompt, output, cached, prompt - cached if writes else 0)


@cache
def _charges_writes(model: str) -> bool:
    known = rates(model)
    return known is not None and known.cache_write is not None


class Sizes:
    """The tokens of whole turns as they are sent, each counted once, so that a span's are a difference."""

    def __init__(self, turns: Sequence[Turn], encoding: str) -> None:
        self.turns, self.encoding = turns, encoding
        self._sums = [0]

    def span(self, first: int, end: int) -> int:
        """Add up the turns from `first` up to, not including, `end`."""
        while len(self._sums) <= end:
            self._sums.append(
                self._sums[-1] + sum(message.tokens for message in self.render(_turn(len(self._sums) - 1)))
            )
        return self._sums[end] - self._sums[first]

    def item(self, item: Item) -> int:
        """Count what an item is sent as."""
        return self.span(*item.turns) if item.turns and item.whole else item.tokens

    def render(self, *items: Item) -> tuple[PromptMessage, ...]:
        """Return the messages that some items alone are sent as."""
        return assemble("", Recall(items), self.turns, "", self.encoding).messages[:-1]


@dataclass(frozen=True, slots=True)
class Sent:
    """A prompt as what it was made of: `query` is None where nobody asked."""

    items: tuple[Item, ...]
    query: str | None


_Part = tuple[Item, ...]  # one item, or all that are quoted in one block


def common_tokens(before: Sent, now: Sent, sizes: Sizes) -> int:
    """Count the tokens of the longest prefix that two prompts over the same turns have in common.

    Spans of whole turns are compared by their bounds, so that it takes no longer for a long conversation; messages are
    made only where the two part.
    """
    ours, theirs, count = _parts(before), _parts(now), 0
    while ours and theirs:
        mine, other = ours[-1], theirs[-1]
        if mine[0].whole and other[0].whole and (mine[0].turns or (0,))[0] == (other[0].turns or (0,))[0]:
            assert mine[0].turns
            assert other[0].turns
            first, end = mine[0].turns[0], min(mine[0].turns[1], other[0].turns[1])
            count += sizes.span(first, end)
            for parts in (ours, theirs):
                span = parts.pop()[0].turns
                if span and span[1] > end:
                    parts.append((_turns(end, span[1]),))
        elif list(map(_key, mine)) == list(map(_key, other)):
            count += sum(map(sizes.item, mine))
            ours.pop()
            theirs.pop()
        else:
            break
    for one, two in zip(_messages(ours, before.query, sizes), _messages(theirs, now.query, sizes), strict=False):
        same = same_start(one, two, sizes.encoding)
        if same is not None:
            return count + same
        count += one.tokens
    return count


def same_start(one: PromptMessage, two: PromptMessage, encoding: str) -> int | None:
    """Count the tokens with which two messages begin alike; None where all of them is the same."""
    if _bytes(one) == _bytes(two):
        return None
    same = (one.type, one.name, one.quoted) == (two.type, two.name, two.quoted)
    return _common_start(one.content, two.content, encoding) if same else 0


def _parts(sent: Sent) -> list[_Part]:
    """Return the parts, the first last."""
    parts: list[_Part] = []
    for quoted, run in groupby(sent.items, key=lambda item: item.quoted):
        items = tuple(run)
        parts += [items] if quoted else [(item,) for item in items]
    return parts[::-1]


def _key(item: Item) -> tuple[object, ...]:
    return item.ref, item.shortened, item.quoted, item.turns, item.text


def _turns(first: int, end: int) -> Item:
    return Item(span_ref(first, end), "history", "", 0, (first, end))


def _turn(index: int) -> Item:
    return _turns(index, index + 1)


def _messages(parts: list[_Part], query: str | None, sizes: Sizes) -> Iterator[PromptMessage]:
    for part in reversed(parts):
        if part[0].whole and part[0].turns:
            for index in range(*part[0].turns):
                yield from sizes.render(_turn(index))
        else:
            yield from sizes.render(*part)
    if query is not None:
        yield PromptMessage("human", query, "query", "query", count_tokens(query, sizes.encoding), "")


def _bytes(message: PromptMessage) -> PromptMessage:
    """Return the message without what only the screen knows of it."""
    return replace(message, segment="history", item="", why="", tokens=0, turn=None, shortened=False)


def _common_start(one: str, two: str, encoding: str) -> int:
    """Count the tokens with which two texts begin alike."""
    if one[:1] != two[:1]:
        return 0
    length = next(
        (place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two))
    )
    # A token can reach beyond where the letters part; a piece of each that is a little longer shows it.
    ours, theirs = (encode(text[: length + 50], encoding) for text in (one, two))
    pairs = enumerate(zip(ours, theirs, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(ours), len(theirs)))
