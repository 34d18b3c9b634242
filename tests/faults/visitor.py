"""Somebody at the real app, over a websocket: talks, switches the memory, uploads, forgets and replays.

visitor = Visitor(Told(), number=0)
visitor.come(server, cookie)
visitor.do("turn")              # raises Gone where the app is killed meanwhile
visitor.told.turns              # what the page has shown as done

Each message names a drink that nobody else names, as in `deeds.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.deeds import drink
from tests.wire import Gone, Tab

DEEDS = ("turn", "switch", "upload", "forget", "replay")
MEMORIES = {"Window": "ConversationBufferWindowMemory", "Summary buffer": "ConversationSummaryBufferMemory"}
SCENARIO = "scenario_moved"
FORGETS = re.compile(r"chat_forget_\w+$")


@dataclass
class Told:
    """What the page has shown as done: turns, documents and what is forgotten by the numbers of their drinks."""

    turns: list[int] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    """What was to be forgotten and may be gone, though nobody was told of it."""
    uploaded: list[int] = field(default_factory=list)
    replays: int = 0
    memory: str = MEMORIES["Window"]
    unsure: bool = False
    """Whether the switch of the memory was cut off: either one may be in use."""
    count: Counter[str] = field(default_factory=Counter)


class Visitor:
    """One person with one tab at a time, who goes on in the same conversation wherever the app is."""

    def __init__(self, told: Told) -> None:
        self.told, self.number, self.turns = told, 0, 0
        self.tab: Tab | None = None

    def come(self, url: str, cookie: str) -> None:
        """Open the chat anew, and say good morning where nothing was said yet: a title is made of the first words."""
        self.url, self.cookie = url, cookie
        self._open()
        if not self.told.turns and not self._newest():
            self._say("Good morning.")

    def do(self, deed: str) -> None:
        """Do it and take note of it when the page shows that it is done."""
        did: Callable[[], bool] = getattr(self, deed)
        if did():
            self.told.count[deed] += 1

    def turn(self) -> bool:
        self.number += 1
        self._say(f"I like {drink(self.number)}.")
        self.told.turns.append(self.number)
        return True

    def switch(self) -> bool:
        page = self._open()
        new = next(label for label, name in MEMORIES.items() if name != self.told.memory)
        page.until(lambda: page.labelled("radio", "Memory"))
        (radio,) = page.labelled("radio", "Memory")
        self.told.unsure = True
        page.choose("radio", "Memory", list(radio.options).index(new))
        page.until(lambda: page.has("Switch") or self._reads_with(page, new))
        if page.has("Switch"):
            page.press("Switch")
            page.until(lambda: self._reads_with(page, new))
        self.told.memory, self.told.unsure = MEMORIES[new], False
        return True

    def upload(self) -> bool:
        self.number += 1
        name = f"{drink(self.number)}.md"
        text = f"# Drinks\n\nThe {drink(self.number)} is served at nine.\n" * 30
        page = self._open("documents")
        page.upload(name, text.encode(), "Add to the documents")
        page.until(lambda: page.sees(f"**{name}** is cut into"))
        self.told.uploaded.append(self.number)
        return True

    def forget(self) -> bool:
        page = self._open()
        page.settled()
        known = self._forgettable(page)
        if not known:
            return False
        number = min(known)
        page.press(known[number])
        page.until(lambda: page.has("Forget it"))
        self.told.begun.add(number)
        page.press("Forget it")
        page.until(lambda: not page.has("Forget it") and page.sees("looked again everywhere"))
        self.told.forgotten.append(number)
        return True

    def replay(self) -> bool:
        page = self._open("compare", half="Replay")
        page.until(lambda: page.has("compare_new") or page.has(f"compare_{SCENARIO}"))
        if page.has("compare_new"):
            page.press("compare_new")
        page.press(f"compare_{SCENARIO}")
        page.press("compare_run")
        page.until(lambda: page.has("compare_stop") or page.has("compare_again"))
        self.told.replays += 1
        return True

    def close(self) -> None:
        if self.tab:
            self.tab.close()
            self.tab = None

    # --- the page

    def _open(self, path: str = "", half: str = "") -> Tab:
        self.close()
        self.tab = Tab(self.url, self.cookie, path)
        if half:
            self.tab.choose("button_group", "Live or replayed", ("Live", "Replay").index(half))
            self.tab.settled()
        return self.tab

    def _say(self, text: str) -> None:
        """Send it, again where the page gives it back, and wait for the line that stands under a stored turn."""
        page = self.tab if self.tab and self.tab.all("chat_input") else self._open()
        before = self._newest()
        while True:
            page.say(text)
            page.until(lambda: page.written == text or (self._newest() > before and page.sees(text)))
            if page.written != text:
                return

    def _newest(self) -> int:
        """Return the number of the last turn that is drawn with its figures; 0 where none is."""
        found = re.findall(r"^Turn ([\d,]+) ·", self.tab.text if self.tab else "", re.MULTILINE)
        return int(found[-1].replace(",", "")) if found else 0

    def _forgettable(self, page: Tab) -> dict[int, str]:
        """Return the keys of the buttons that forget a turn, by the numbers of its drink, which stands before them."""
        found, number = dict[int, str](), 0
        for _, one in sorted(page.drawn.items()):
            if one.WhichOneof("type") == "markdown":
                said = re.fullmatch(r"I like brew(\d+)x\.", one.markdown.body)
                number = int(said[1]) if said else number
            elif one.WhichOneof("type") == "button" and (key := FORGETS.search(one.button.id)) and number:
                found[number], number = key[0], 0
        return found

    def _reads_with(self, page: Tab, label: str) -> bool:
        return any(f"chat_choice_{MEMORIES[label]}_" in one.id for one in page.all("radio")) and not page.has("Switch")


__all__ = ["DEEDS", "Gone", "Told", "Visitor"]
