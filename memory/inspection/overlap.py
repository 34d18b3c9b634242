"""What a recalled piece shares with the answer: a mark that they overlap, and no proof that the piece was used.

    >>> overlaps(["I was born in Oslo in 1987.", "I like tea."], "You were born in Oslo.", "Where was I born?")
    [('Oslo',), ()]

Shared are words of content (`content.py`). Two kinds do not count: words of the question, which the answer would
repeat whatever it was sent, and, from six pieces on, words that stand in more than half of them and so tell none from
the others, unless they are names or numbers. A number of one digit counts beside another word only.

An answer may rest on a piece and share no word with it, and share words with a piece that it does not rest on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from memory.inspection.content import Word, content, runs

MANY = 6
"""From so many pieces on a word may stand in too many of them."""


def overlaps(pieces: Sequence[str], answer: str, query: str = "") -> list[tuple[str, ...]]:
    """Return for each piece the words that it shares with the answer, as the answer writes them.

    Names and numbers come first, then the words that stand in the fewest pieces.
    """
    asked = {word.key for word in content(query)}
    said = [word for word in content(answer) if word.key not in asked]
    keys = {word.key for word in said}
    if not keys:
        return [()] * len(pieces)
    sharp = {word.key for word in said if word.kind != "word"}
    shared: list[set[str]] = []
    for piece in pieces:
        own = list(content(piece, keys))
        sharp.update(word.key for word in own if word.kind != "word")
        shared.append({word.key for word in own})
    among = Counter(key for own in shared for key in own)
    common = {key for key, count in among.items() if len(pieces) >= MANY and 2 * count > len(pieces)} - sharp
    return [_named(own - common, said, sharp, among, answer) for own in shared]


def _named(keys: set[str], said: Sequence[Word], sharp: set[str], among: Counter[str], answer: str) -> tuple[str, ...]:
    """Name shared words, the most telling first; nothing where all that is shared is a digit."""
    if all(len(key) == 1 and key.isdigit() for key in keys):
        return ()
    found = runs([word for word in said if word.key in keys], answer)
    found.sort(key=lambda one: min((word.key not in sharp, among[word.key]) for word in one[1]))
    return tuple({text.casefold(): text for text, _ in reversed(found)}.values())[::-1]


def marked(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where the text has these words, in any form that counts as the same, as spans of characters."""
    # A comma before it: a capital is a name's inside a sentence only.
    keys = {word.key for shared in words for word in content(f", {shared}")}
    found = runs(content(text, keys), text)
    return [(run[0].start, run[-1].end) for _, run in found]
