"""A conversation said to one of LangChain's classes turn by turn, with a look at all that it would send.

>>> live = ClassicLive(Deployed(spec, "Redis", client, watch.over(model)), watch, turns)
>>> live.run(progress)
>>> [(check.id, check.verdict) for check in live.checks()]
[('transcript', 'holds'), ('limit', 'broken'), …]
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage

from memory.base import Turn
from memory.lint.deployed import Deployed, messages_of, spoken, state_of, texts, tokens_of
from memory.lint.growth import Work, fair_calls, judge
from memory.lint.report import Check, Findings, Progress, broken, difference, holds, not_known
from memory.lint.watch import Watch
from memory.tokens import count_tokens

SESSION = "lint-live"
MOST_COUNTED = 1_500_000
"""Messages whose tokens a class may count before its run is ended: what grows with the square has no other end."""


class ClassicLive:
    """One run; `sent` are the texts before each turn, `asked` the turns at which its model was called.

    `turns` are those that it was told of the conversation's `length`, once it has run.
    """

    def __init__(self, deployed: Deployed, watch: Watch, turns: list[Turn]) -> None:
        self.deployed, self.watch, self.turns, self.length = deployed, watch, turns, len(turns)
        self.memory = deployed.memory(SESSION)
        self.sent: list[list[str]] = []
        self.asked: list[int] = []
        self.failed: str | None = None
        self.stopped = ""
        self._found = {id: Findings(id) for id in ("limit", "newest", "read")}
        self._most = (0, 0)
        self._fetched = Work("messages read beyond those sent")
        self._counted = Work("messages counted in tokens")
        self._own = Work("tokens for its own calls")

    def run(self, progress: Progress) -> None:
        """Say every turn, until a mistake of the class or too much work ends it."""
        for index, turn in enumerate(self.turns):
            counted, fetched, asked = self.watch.counted, self._fetches(), len(self.watch.calls)
            try:
                values = self.memory.load_memory_variables({"input": turn.human})
                sent = messages_of(values)
                self.sent.append(texts(values))
                fetched = self._fetches() - fetched
                self._read_again(index, turn.human, asked)
                between = self._fetches()
                self.memory.save_context({"input": turn.human}, {"output": turn.ai})
            except Exception as error:
                self.failed = f"{type(error).__name__}: {error}"
                self.sent.append([])
                return
            self._look(index, sent)
            fetched += self._fetches() - between
            self._fetched.amounts.append(max(0, fetched - spoken(sent)))
            self._counted.amounts.append(self.watch.counted - counted)
            self._counted.fair += 4 * spoken(sent) + 10
            own = self.watch.calls[asked:]
            self._own.amounts.append(sum(call.tokens for call in own))
            self.asked += [index] if own else []
            progress(0.8 * (index + 1) / len(self.turns), "says it turn by turn")
            if self.watch.counted > MOST_COUNTED:
                self.stopped = (
                    f"after turn {index + 1:,} it had counted {self.watch.counted:,} messages and was stopped"
                )
                self.turns = self.turns[: index + 1]
                return

    @property
    def last_query(self) -> str:
        return next((turn.human for turn in reversed(self.turns) if turn.human), "What did we speak of?")

    def load(self, memory: Any, query: str) -> list[str]:
        """Return the texts that a memory would send."""
        return texts(memory.load_memory_variables({"input": query}))

    def _fetches(self) -> int:
        return int(getattr(getattr(self.memory, "chat_memory", None), "fetched", 0))

    def _read_again(self, index: int, query: str, asked: int) -> None:
        # What is noted at reading is looked at from the second reading on: the first may rest on what was noted before.
        found, before, calls = self._found["read"], state_of(self.memory), len(self.watch.calls)
        again = self.load(self.memory, query)
        if again != self.sent[-1]:
            diff = difference("\n".join(self.sent[-1]), "\n".join(again))
            found.add(index, f"read twice before turn {index + 1:,}, it gave two different things", diff=diff)
        if (after := state_of(self.memory)) != before:
            diff = difference(before, after)
            found.add(index, f"reading before turn {index + 1:,} changed what it holds", diff=diff)
        if len(self.watch.calls) > calls:
            found.add(index, f"reading before turn {index + 1:,} asked its model, at a cost each time")

    def _look(self, index: int, sent: list[BaseMessage]) -> None:
        tokens, at = tokens_of(sent, self.watch.encoding), f"before turn {index + 1:,}"
        if tokens > self._most[0]:
            self._most = tokens, index
        limit, k = getattr(self.memory, "max_token_limit", None), getattr(self.memory, "k", None)
        if limit is not None and tokens > limit:
            found, said = self._found["limit"], f"{tokens:,} tokens were sent of {limit:,}, {at}"
            worse = tokens > found.more.get("sent", 0)
            found.add(index, said, worse, sent=tokens, limit=limit)
        if k is not None and spoken(sent) > 2 * k:
            said = f"k={k} and {spoken(sent):,} messages of the conversation were sent, {at}"
            self._found["limit"].add(index, said, sent=tokens)
        if limit and index and self.deployed.spec.chats:
            last, there = self.turns[index - 1], "\n".join(message.text for message in sent)
            if (last.human or last.ai) and not (_in(last.human, there) or _in(last.ai, there)):
                self._found["newest"].add(index, f"{at}, nothing of turn {index:,}, just spoken, was sent")

    # --- what came of it

    def checks(self) -> list[Check]:
        """Return what was found."""
        if self.failed is not None:
            place = len(self.sent) - 1
            return [broken("read", f"it failed at turn {place + 1:,} ({self.failed.rstrip('.')})", [place])]
        return [
            self._transcript(),
            self._limit(),
            self._newest(),
            self._found["read"].check(f"read twice before each of {len(self.turns):,} turns"),
            self._calls(),
            self._growth(),
        ]

    def _transcript(self) -> Check:
        if not self.deployed.spec.chats:
            return not_known("transcript", "it keeps no transcript")
        kept = [message.text for message in self.memory.chat_memory.messages]
        said = [text for turn in self.turns for text in (turn.human, turn.ai)]
        if kept == said:
            return holds("transcript", f"all {len(self.turns):,} turns are in its history as they were said")
        lost = [index for index, turn in enumerate(self.turns) if turn.human not in kept or turn.ai not in kept]
        named = f"; turn {lost[0] + 1:,} is not whole" if lost else ""
        return broken("transcript", f"of {len(said):,} messages {len(kept):,} are left in its history{named}", lost)

    def _limit(self) -> Check:
        found = self._found["limit"]
        limit, k = getattr(self.memory, "max_token_limit", None), getattr(self.memory, "k", None)
        if limit is None and k is None:
            return not_known("limit", f"it has no limit; at most {self._most[0]:,} tokens were sent")
        most, place = self._most
        of = f" of {limit:,}" if limit is not None else ""
        check = found.check(f"at most {most:,}{of} tokens were sent, before turn {place + 1:,}")
        return holds("limit", check.said, turns=(place,), sent=most, limit=limit) if check.verdict == "holds" else check

    def _newest(self) -> Check:
        if not (getattr(self.memory, "max_token_limit", None) and self.deployed.spec.chats):
            return not_known("newest", "it does not promise to send the newest turn")
        return self._found["newest"].check("something of it was sent each time")

    def _calls(self) -> Check:
        calls = self.watch.calls
        if not calls:
            return holds("calls", "it asks no model of its own here")
        read = sum(call.tokens for call in calls)
        times = f"{len(calls):,} call{'s' * (len(calls) != 1)}"
        return broken("calls", f"{times} with {read:,} tokens of input, of which it keeps no record", self.asked)

    def _growth(self) -> Check:
        said = sum(count_tokens(f"{turn.human} {turn.ai}", self.watch.encoding) for turn in self.turns)
        self._own.fair = fair_calls(said, len(self.watch.calls))
        return judge([self._fetched, self._counted, self._own], self.stopped)


def _in(text: str, there: str) -> bool:
    return bool(text) and text in there
