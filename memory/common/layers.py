"""A mapping that is copied in the time of what is new in it: of thousands of notes a turn changes a few.

    >>> one = Layers({"a": 1, "b": 2})
    >>> two = Layers(one)                 # shares what `one` has
    >>> two["b"] = 3
    >>> dict(one), dict(two)
    ({'a': 1, 'b': 2}, {'a': 1, 'b': 3})

A lower layer is never changed and shared by all copies; above it stands what came since, in a layer that each copy has
of its own. Where that has outgrown the root of the lower one the copy joins both, so that n copies cost n·√n at most.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from math import isqrt
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

FEW = 64
"""So many entries are copied without a thought."""


class Layers(Mapping[K, V]):
    """A mapping in the order in which its keys came; whoever made a copy may set entries of it, none is deleted."""

    def __init__(self, entries: Mapping[K, V] | None = None) -> None:
        lower: dict[K, V] = {}
        upper: dict[K, V] = {}
        if isinstance(entries, Layers):
            lower, upper = entries._layers
            if len(upper) > max(FEW, isqrt(len(lower))):
                lower, upper = {**lower, **upper}, {}
        elif entries:
            lower = dict(entries)
        self._layers: tuple[dict[K, V], dict[K, V]] = (lower, dict(upper))

    def __getitem__(self, key: K) -> V:
        lower, upper = self._layers
        return upper[key] if key in upper else lower[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._layers[1][key] = value

    def __contains__(self, key: object) -> bool:
        return key in self._layers[1] or key in self._layers[0]

    def __len__(self) -> int:
        lower, upper = self._layers
        return len(lower) + sum(key not in lower for key in upper)

    def __iter__(self) -> Iterator[K]:
        return iter(self._joined())

    def keys(self) -> KeysView[K]:
        return self._joined().keys()

    def values(self) -> ValuesView[V]:
        return self._joined().values()

    def items(self) -> ItemsView[K, V]:
        return self._joined().items()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._joined()!r})"

    def _joined(self) -> dict[K, V]:
        """Return all entries; joined once, in one assignment, as two threads may look at a state."""
        lower, upper = self._layers
        if upper:
            lower = {**lower, **upper}
            self._layers = lower, {}
        return lower
