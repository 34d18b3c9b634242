"""Which words of a text carry its content: names, numbers, and words that are neither grammar nor everyday.

    >>> [word.text for word in content("I was born in Oslo in 1987. Tell me more!")]
    ['born', 'Oslo', '1987']

No model is asked, so the same text always has the same words. The rule: a number counts; so does a name, which is a
word with a capital letter inside a sentence or with two of them; of other words those with three letters or more,
without the grammar of seven languages and without some two hundred of the commonest English words. Two words are the
same where letter case, accents written in two ways and the endings that an English stemmer knows are all that parts
them. Writing without spaces is read in pairs of signs (Chinese, Japanese) or in fours (Thai, Lao, Khmer, Burmese).

What it cannot see: synonyms, translations, numbers in words, the bent forms of other languages, Korean particles.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from memory.retrieval.words import terms


class Word(NamedTuple):
    """A word of content: as it is written, from `start` to `end` of the text, and the `key` that equal words share."""

    text: str
    key: str
    start: int
    end: int
    kind: Literal["name", "number", "word"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that English needs as well (die, war, man, door, van, son) are left out.
_GRAMMAR = _set(
    # German
    "aber alle allem allen aller alles als auch auf aus bei beim bis dann das dass dein deine dem der dich dir "
    "doch durch ein eine einem einen einer eines euch euer für gibt haben habe hast hier ich ihm ihn ihnen ihr ihre "
    "ihrem ihren ist jetzt kann kein keine mehr mein meine meinem meinen meiner mich mir mit muss nach nicht noch "
    "nur oder ohne schon sehr sein seine sich sie sind über und uns unser unter viel vom von vor waren warum wenn "
    "wer werden wie wir wird wurde zum zur zwischen "
    # French
    "alors aussi autre avec avez avoir avons bien cela ces cet cette ceux chez comme dans depuis donc dont elle "
    "elles encore est était être eux fait faire ici ils leur leurs lui mais même mes moi mon nos notre nous ont "
    "parce pas peut peux pourquoi quand que quel quelle qui quoi sans ses ses sont sous suis sur tes toi "
    "toujours tous tout toute toutes très une vos votre vous "
    # Spanish
    "algo aquí así aunque bueno cada como con cual cuando cuándo del desde donde dónde ella ellas ellos entre "
    "eres esa ese eso esta está están estar este esto estoy hace hacer hasta las los más mis muy nada nos "
    "nosotros otra otro para pero poco por porque puede puedo que qué quién según ser sido siempre sino sobre "
    "soy sus también tengo tiene tienes todo todos tus una uno unos usted "
    # Italian
    "abbiamo anche ancora avere che chi ciao cosa così cui dal dalla degli dei della delle dello essere fare "
    "gli hai hanno loro mio molto nella nelle noi non nostro ogni perché però più poi qual quale quando quanto "
    "quella quello questa questo sei sia siamo sono sua suo sul sulla tra tua tuo tutti tutto una vuoi "
    # Portuguese
    "agora ainda algum aqui até com como dela dele depois ela ele eles essa esse esta estão estar estava este "
    "está estou eu foi isso isto já mais mas mesmo meu minha muito não nas nem nos nossa nosso onde para pela pelo "
    "por porque posso qual quando que quem são sem ser seu sua também tem tenho ter tudo uma você "
    # Dutch
    "aan alle als bij daar dan dat deze dit een eens geen gewoon haar heb hebben heeft het hier hij "
    "hun iets ik jij jouw kan maar meer mij mijn naar niet nog onze ook over toch uit veel voor waar waarom "
    "wat weer wel wij wordt zal ze zei zijn zich zij zonder zou zo"
)
_EVERYDAY = _set(
    "able actually again ago ahead almost along already always another answer any anybody anyone anything anyway "
    "around ask away back bad become before begin believe best better bit both bring call change come could course "
    "day different each easy either else end enough even ever every everybody everyone everything example far feel "
    "few find fine first follow get give glad go good got great guess happen happy hard hear hello help hey high "
    "hope hour however idea keep kind know last late least leave less let like little live long look lot love low "
    "make many matter maybe mean might minute moment month more most move much must name near need never new next "
    "nice nobody nothing now number off often okay old once one only open order other otherwise ought out own part "
    "people perhaps person place plan please point possible pretty problem put question quite rather ready real "
    "really remember right run said same say see seem send set several show since small some somebody someone "
    "something sometimes soon sorry sort sound start stay still stop such sure take talk tell thank thing think "
    "though time today together tomorrow tonight too try turn two understand until use usual usually wait want way "
    "week well whether while whole will without word work world would year yes yet yesterday note"
)


_ALSO_NAMES = ("May", "Will")
"""Grammar in small letters and a month or a name with a capital."""


def _ranges(of: Iterable[int]) -> str:
    """Write code points as the inside of a character class."""
    found: list[list[int]] = []
    for point in of:
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in found)


# Python's \w ends at a mark that stands over or under a letter, as vowels do in Hindi and Thai.
_MARKS = _ranges(point for point in range(0x300, 0x10000) if unicodedata.category(chr(point)).startswith("M"))
_PAIRED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_FOURS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_TOKEN = re.compile(
    rf"(?P<number>\d+(?:[.,:'’]\d+)*)|(?P<paired>[{_PAIRED}]+)|(?P<fours>[{_FOURS}]+)"
    rf"|(?P<word>[^\W\d_{_PAIRED}{_FOURS}][^\W\d_{_PAIRED}{_FOURS}]*(?:[{_MARKS}][^\W\d_{_PAIRED}{_FOURS}]*)*)"
)
_KANA = re.compile("[\u3040-\u309f]+")
_GROUPED = re.compile(r"(?<=\d)[,'’](?=\d{3}\b)")
_BEGINS = re.compile(r"(?:^|[.!?…:。！？\n\r]|[-*•>])[\s\"'“”‘’«»(\[#*_]*$")
LONGEST = 40
"""Characters of a word from which on it is data and no word."""
REACH = 12
"""Characters before a word that are looked at for the beginning of its sentence."""


def content(text: str, only: Collection[str] | None = None) -> Iterator[Word]:
    """Return the words of content of a text, in order; a word that stands there twice comes twice.

    `only` are the keys of the words that are wanted, all where it is None.
    """
    for match in _TOKEN.finditer(text):
        found, start = match[0], match.start()
        if match.lastgroup == "word":
            key = found.casefold() if found in _ALSO_NAMES and not _begins(text, start) else _key(found)
            if key is None or (only is not None and key not in only):
                continue
            # Most words are small; where none has a capital its surroundings need no look.
            name = found[0].isupper() and (sum(map(str.isupper, found)) > 1 or not _begins(text, start))
            if name or len(key) > 2 or len(found) > 2:
                yield Word(found, key, start, match.end(), "name" if name else "word")
        elif match.lastgroup == "number":
            key = _GROUPED.sub("", found)
            if only is None or key in only:
                yield Word(found, key, start, match.end(), "number")
        else:
            size = 2 if match.lastgroup == "paired" else 4
            for at in range(max(1, len(found) - size + 1)):
                part = found[at : at + size]
                if not _KANA.fullmatch(part) and (only is None or part in only):
                    yield Word(part, part, start + at, start + at + len(part), "word")


def _begins(text: str, start: int) -> bool:
    """Say whether a word stands at the beginning of a sentence or a line."""
    return _BEGINS.search(text[max(0, start - REACH) : start]) is not None


@lru_cache(maxsize=50_000)
def _key(word: str) -> str | None:
    """Reduce a word to what equal words share, None where it says nothing or is no word."""
    plain = unicodedata.normalize("NFKC", word).casefold()
    if len(plain) >= LONGEST or plain in _GRAMMAR or plain in _EVERYDAY:
        return None
    found = terms(plain)
    # What the stemmer's own rule for words takes apart is left as it is.
    key = found[0] if len(found) == 1 else None if not found else plain
    return None if key in _EVERYDAY else key


def runs(words: Iterable[Word], text: str) -> list[tuple[str, list[Word]]]:
    """Join the words that overlap in a text, as pairs of signs do; each run as it is written there, in order."""
    found: list[list[Word]] = []
    for word in words:
        if found and word.start < found[-1][-1].end:
            found[-1].append(word)
        else:
            found.append([word])
    return [(text[run[0].start : run[-1].end], run) for run in found]
