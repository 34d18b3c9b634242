"""From several views of a query to one score for each unit, by a few rules set by hand.

    >>> raw, alike = stand_out(keys, shares, prior(traits), asked)     # BM25 of the units' keys, and what is asked for
    >>> scores = squash(with_meaning(raw, cosines, runs))             # with the vectors of an embedding

A view is turned into standard deviations above its own mean, so that views of different scale can be added and a query
of many words weighs no more than one of few. A score is 0.5 at `MIDDLE` deviations and grows with the sum, never
reaching 1: it says how far a unit stands out of its conversation. It is 0 where a unit has nothing in common with the
query.

The constants are round and were fitted by no procedure, but they were chosen while looking at five conversations of
LoCoMo: `make bench-recall` on others is the fairer figure.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

# In deviations: a unit that merely touches the topic stands 1 or 2 above the mean, the best of some hundred 4 to 8.
WORDS = 1.2  # all keys together, which say nearly the same and so are worth little more than one
SPEAKER = 1.2  # Ana answers what is asked about Ana, and the human what they ask about themselves
QUESTION = -0.6  # who asks does not tell
ANSWER = 0.4  # who was just asked does
MONTH = 1.5  # said in the month that is asked about
DAY = 2.0  # and on that very day: a session or two of all
MEANING = 1.0  # the cosine of a unit's vector, about as much as its words
AROUND = 0.5  # that of its neighbourhood, of which the keys have told already
MIDDLE = 4.0  # where a score is 0.5


class Traits(NamedTuple):
    """What each unit is, whatever is asked: arrays as long as there are units."""

    question: Flags
    answer: Flags


class Asked(NamedTuple):
    """Which units the query names otherwise than by words: those of a speaker, of a month and of a day."""

    spoken: Flags | None = None
    month: Flags | None = None
    day: Flags | None = None


def prior(traits: Traits) -> Scores:
    """Return what each unit is worth before anything is asked."""
    result: Scores = QUESTION * traits.question + ANSWER * traits.answer
    return result


def deviations(values: Scores) -> Scores:
    """Return how many standard deviations each value lies above the mean; zeros where all are equal."""
    count = max(len(values), 1)
    centred: Scores = values - np.add.reduce(values) / count
    spread = math.sqrt(float(np.dot(centred, centred)) / count)
    return centred / spread if spread > 1e-9 else np.zeros_like(centred)


def stand_out(keys: Scores, shares: Scores, prior: Scores, asked: Asked) -> tuple[Scores, Flags]:
    """Say by how many deviations each unit stands out, and which have anything in common with the query.

    `keys` has a row of BM25 for each size of key, the largest last, which holds the others; `shares` the share of each.
    """
    # All rows at once what `deviations` does of one: numpy takes longer to be called than to count so few.
    count = max(keys.shape[1], 1)
    centred = keys - np.add.reduce(keys, axis=1, keepdims=True) / count
    spreads = np.sqrt(np.einsum("ij,ij->i", centred, centred) / count)
    raw = prior + (WORDS * shares / np.where(spreads > 1e-9, spreads, np.inf)) @ centred
    alike: Flags = keys[-1] > 0
    if asked.spoken is not None:
        raw += SPEAKER * asked.spoken
        # Of Ana and nothing else was asked, or in words that nobody used.
        alike = alike if alike.any() else asked.spoken
    for rule, flags in ((MONTH, asked.month), (DAY, asked.day)):
        if flags is not None:
            raw += rule * flags
            alike = alike | flags
    return raw, alike


def with_meaning(raw: Scores, cosines: Scores, runs: tuple[Places, Places]) -> Scores:
    """Add what the cosines of the units' vectors with the query's say to the deviations of their words.

    `runs` are where each unit's neighbourhood begins and ends: its mean cosine says much of what a mean vector of it
    would, without another vector.
    """
    first, end = runs
    sums = np.concatenate([[0.0], np.cumsum(cosines, dtype=float)])
    around = (sums[end] - sums[first]) / (end - first)
    result: Scores = raw + MEANING * deviations(cosines) + AROUND * deviations(around)
    return result


def squash(raw: Scores) -> Scores:
    """Turn deviations into scores between 0 and 1, in the same order."""
    result: Scores = 1.0 / (1.0 + np.exp(MIDDLE - np.minimum(np.maximum(raw, -20.0), 20.0)))
    return result
