"""Episodes: what was asked, how it was approached, what was done, and what the user said that came of it.

    >>> said = [Run("Explain knots.", USER, ASSISTANT), Run("A loop is a lane, because it turns.", ASSISTANT, USER)]
    >>> [one["result"] for one in episodes([*said, Run("Now I get it!", USER, ASSISTANT)])]
    ['Now I get it!']

Only a request that was met, and of which the user says that it worked, is worth repeating.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from memory.demo.sentences import ASSISTANT, REFUSAL, USER, Run, is_question, split
from memory.demo.telling import clip

_WORKED = re.compile(
    r"(?i)\b(?:makes? (?:so much |perfect )?sense|(?:get|got) it|understand|understood|clear|clearer|works|worked|helps"
    r"|helped|helpful|perfect|great|thanks?|clicks?|clicked|exactly|brilliant|wonderful|solved|fixed|see now)\b"
)
_NOT = re.compile(r"(?i)\b(?:not|never|no|still|but)\b|n['’]t\b")
_REQUEST = re.compile(
    r"(?i)^\W*(?:(?:hi|hello|hey|so|now|ok|okay|please|and|then)\b[\s,!.]*)*(?:explain|describe|show|teach|tell|help|give"
    r"|write|suggest|compare|summari[sz]e|translate|fix|solve|find|walk me|i(?:['’]d like| need| want))\b"
)
_WHY = re.compile(r"\b(?:because|since|let me|I think|I will|I'll|so that)\b", re.IGNORECASE)


def episodes(material: Sequence[Run]) -> Iterator[dict[str, str]]:
    """Yield the episode of the first request that was answered, where the last words of the user say it went well."""
    asked = next((i for i, r in enumerate(material) if r.speaker != ASSISTANT and _asks(r.text)), None)
    done = next((i for i, r in enumerate(material) if asked is not None and i > asked and r.speaker == ASSISTANT), None)
    if asked is None or done is None:
        return
    action, after = material[done].text, [r.text for r in material[done:] if r.speaker == USER]
    if action.startswith(REFUSAL) or not after or not _went_well(after[-1]):
        return
    why = [sentence for sentence in split(action) if _WHY.search(sentence)]
    yield {
        "observation": clip(material[asked].text),
        "thoughts": " ".join(why[:1]),
        "action": clip(action),
        "result": clip(after[-1]),
    }


def _asks(text: str) -> bool:
    return any(is_question(sentence) or _REQUEST.match(sentence) for sentence in split(text))


def _went_well(text: str) -> bool:
    said = [sentence for sentence in split(text) if _WORKED.search(sentence)]
    return bool(said) and not _NOT.search(said[0]) and not is_question(said[0])
