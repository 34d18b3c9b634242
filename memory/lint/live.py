"""The conversation said to a memory turn by turn, with a look at every prompt: rules 1, 2, 3, 9, 10, 11 and 12.

>>> live = Live(bench)
>>> live.run(step)
>>> [check.verdict for check in live.checks()]
['holds', 'holds', …]
"""

from __future__ import annotations

from collections.abc import Callable

from memory.base import Recall, State
from memory.errors import InspectorError
from memory.lint.bench import Bench, parted, sent_tokens, state_json
from memory.lint.growth import Work, fair_calls, judge
from memory.lint.report import Check, Findings, broken, difference, holds, not_known
from memory.money.prices import Usage, price
from memory.prompt import Prompt
from memory.store import turn_json
from memory.trace import Call


class Live:
    """One run; afterwards `state` is what the memory knows, `calls` the turns after which its model was asked."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.state = State()
        self.recall = Recall()
        self.calls: list[int] = []
        self.failed: tuple[int, str] | None = None
        self._services = bench.services()
        self._found = {id: Findings(id) for id in ("limit", "newest", "read", "tools", "sources")}
        self._most = (0, 0)
        self._fetched, self._asked = Work("turns read beyond those sent"), Work("tokens for its own calls")
        self._tools = 0
        self._said = [turn_json(turn) for turn in bench.turns]

    def run(self, step: Callable[[], None]) -> None:
        """Say every turn; a memory that raises ends the run and is told."""
        bench = self.bench
        bench.watch.calls.clear()
        with bench.watch.looking():
            for index, turn in enumerate(bench.turns):
                self._services.now = turn.at or self._services.now
                before, asked = state_json(self.state), len(bench.watch.calls)
                bench.fetched, head = 0, bench.transcript(index)
                try:
                    self.recall = bench.memory.read(self.state, head, turn.human, self._services, bench.budget)
                    fetched = bench.fetched
                    self._read_again(index, turn.human, before, asked)
                except Exception as error:
                    said = str(error) if isinstance(error, InspectorError) else f"{type(error).__name__}: {error}"
                    self.failed = index, said
                    return
                self._look(self.recall, index, turn.human, bench.budget)
                bench.fetched = 0
                # What was fetched for reading is there for writing, as in a reply.
                if bench.memory.stateful:
                    self.state = bench.write(self.state, head.with_turn(turn), self._services, self.recall)
                sent = sum(item.turns[1] - item.turns[0] for item in self.recall.items if item.turns)
                self._fetched.amounts.append(max(0, fetched + bench.fetched - sent))
                own = bench.watch.calls[asked:]
                self._asked.amounts.append(sum(call.tokens for call in own))
                self.calls += [index] if own else []
                step()
            self._smaller()

    def _read_again(self, index: int, query: str, before: str, asked: int) -> None:
        bench, found = self.bench, self._found["read"]
        again = bench.memory.read(self.state, bench.transcript(index), query, self._services, bench.budget)
        if again != self.recall:
            found.add(
                index,
                f"read twice before turn {index + 1:,}, it recalled two different things",
                diff=difference(_listed(self.recall), _listed(again)),
            )
        if (after := state_json(self.state)) != before:
            found.add(index, f"reading before turn {index + 1:,} changed its state", diff=difference(before, after))
        if len(bench.watch.calls) > asked:
            found.add(index, f"reading before turn {index + 1:,} asked its model, at a cost each time")

    def _look(self, recall: Recall, length: int, query: str, budget: int) -> None:
        """Check one prompt against the rules that hold for each."""
        bench, at = self.bench, f"before turn {length + 1:,}"
        limit = min(budget, bench.limit)
        prompt = bench.prompt(recall, length, query)
        sent = sent_tokens(prompt, bench.encoding)
        if budget == bench.budget and sent > self._most[0]:
            self._most = sent, length
        if sent > limit:
            given = "" if budget == bench.budget else f" that it was given {at}"
            said = f"{sent:,} tokens were sent of {limit:,}{given or f', {at}'}"
            self._found["limit"].add(length, said, sent=sent, limit=limit)
        if torn := parted(prompt.langchain()):
            self._found["tools"].add(length, f"{at}, {torn}")
        self._tools += any(message.tool_calls for message in prompt.messages)
        self._newest(recall, prompt, length, at)
        self._sources(recall, length, at)

    def _newest(self, recall: Recall, prompt: Prompt, length: int, at: str) -> None:
        found, newest = self._found["newest"], length - 1
        for item in recall.items:
            if (item.shortened is not None) != ("shortened" in item.why):
                found.add(length, f"{at}, {item.ref} was cut and is not marked as shortened")
        spans = [item.turns for item in recall.items if item.turns]
        spans += [left.turns for left in recall.left_out if left.why]
        if length and not any(first <= newest < end for first, end in spans):
            found.add(length, f"{at}, turn {length:,} was neither sent nor was it said why not")

    def _sources(self, recall: Recall, length: int, at: str) -> None:
        found, times = self._found["sources"], [0] * length
        spans = [(item.turns, "sent") for item in recall.items if item.turns]
        spans += [(left.turns, "left out") for left in recall.left_out]
        for (first, end), what in spans:
            if not 0 <= first < end <= length:
                found.add(length, f"{at}, turns {first} to {end} were {what}, which are not there")
                return
            for place in range(first, end):
                times[place] += 1
        lost = [place for place, count in enumerate(times) if count == 0]
        twice = [place for place, count in enumerate(times) if count > 1]
        if lost:
            found.add(length, f"{at}, turn {lost[0] + 1:,} was neither sent nor left out with a reason")
        if twice and not _by_messages(recall, twice):
            found.add(length, f"{at}, turn {twice[0] + 1:,} was accounted for more than once")
        unsaid = [item.ref for item in recall.items if not item.why]
        unsaid += ["what was left out" for left in recall.left_out if not left.why]
        if unsaid:
            found.add(length, f"{at}, {unsaid[0]} has no reason")

    def _smaller(self) -> None:
        """Read once more with less room than it took, down to none."""
        bench, length = self.bench, len(self.bench.turns)
        for budget in sorted({0, self._most[0] // 4, self._most[0] // 2}):
            query = bench.last_query
            try:
                recall = bench.memory.read(self.state, bench.transcript(length), query, self._services, budget)
            except Exception as error:
                said = f"with a budget of {budget:,} tokens it failed ({type(error).__name__}: {error})"
                self._found["limit"].add(length, said)
                continue
            self._look(recall, length, query, budget)

    # --- what came of it

    def checks(self) -> list[Check]:
        """Return what was found; what a memory in LangChain's old form need not keep is waived."""
        bench, length = self.bench, len(self.bench.turns)
        if self.failed:
            index, said = self.failed
            why = f"it failed before turn {index + 1:,}"
            rest = [
                not_known(id, why) for id in ("transcript", "limit", "newest", "tools", "sources", "calls", "growth")
            ]
            return [broken("read", f"reading before turn {index + 1:,} failed ({said.rstrip('.')})", [index]), *rest]
        most, place = self._most
        found = self._found
        limit = found["limit"].check(
            f"at most {most:,} of {bench.limit:,} tokens were sent, before turn {place + 1:,}; with budgets of half of "
            "that, a quarter and none, it kept to them"
        )
        if limit.verdict == "holds":
            limit = holds("limit", limit.said, turns=(place,), sent=most, limit=bench.limit)
        checks = [
            self._transcript(),
            limit,
            found["newest"].check("each was sent, or it was said why not"),
            found["read"].check(f"read twice before each of {length:,} turns"),
            found["tools"].check(
                "each call was sent with its result" if self._tools else "no tool call of the conversation was torn"
            ),
            found["sources"].check("each turn once, before every turn, and each with its reason"),
            self._own_calls(),
            self._growth(),
        ]
        return [waived(check, bench.memory.caveat) for check in checks]

    def _transcript(self) -> Check:
        changed = [
            index
            for index, (turn, said) in enumerate(zip(self.bench.turns, self._said, strict=False))
            if turn_json(turn) != said
        ]
        if not changed and len(self.bench.turns) == len(self._said):
            return holds("transcript", f"all {len(self._said):,} turns are as they were said")
        index = changed[0] if changed else len(self._said) - 1
        now = turn_json(self.bench.turns[index]).decode() if index < len(self.bench.turns) else ""
        said = f"turn {index + 1:,} is no longer what was said"
        return broken("transcript", said, changed or [index], diff=difference(self._said[index].decode(), now))

    def _growth(self) -> Check:
        said = sum(turn.count(self.bench.encoding) for turn in self.bench.turns)
        self._asked.fair = fair_calls(said, len(self.bench.watch.calls))
        return judge([self._fetched, self._asked])

    def _own_calls(self) -> Check:
        seen, recorded = self.bench.watch.calls, [call for call in self._services.calls if _asked(call)]
        if self.bench.watch.hidden:
            return broken("calls", f"it called a model {self.bench.watch.hidden:,} times past its services, unrecorded")
        if len(seen) != len(recorded):
            return broken(
                "calls", f"its model was called {len(seen):,} times and {len(recorded):,} are recorded", self.calls
            )
        if not seen:
            return holds("calls", "it asks no model of its own here")
        priced = price(recorded[0].priced_as, Usage(1, 1)) is not None
        for number, call in enumerate(recorded, 1):
            whole = call.error or (call.input_tokens > 0 and (not priced or call.cost is not None))
            if not call.purpose or call.purpose == "reply" or not whole:
                return broken(
                    "calls", f"call {number:,} of {len(recorded):,} is recorded without purpose, tokens or cost"
                )
        sent = sum(call.input_tokens for call in recorded)
        purposes = ", ".join(sorted({call.purpose for call in recorded}))
        times = f"{len(seen):,} call{'s' * (len(seen) != 1)}"
        return holds("calls", f"{times} ({purposes}) with {sent:,} tokens of input, each recorded with its cost")


WAIVED = {2, 4, 5, 10}
"""The rules that a class in LangChain's old form need not keep: it keeps its state in its own object."""
_OLD = "waived: it is in LangChain's old form"


def waived(check: Check, caveat: str | None) -> Check:
    """Return a check as "not known" where its rule is waived for a memory with a caveat."""
    if caveat is None:
        return check
    if check.id == "growth":
        return not_known("growth", f"{_OLD}, which is rebuilt from the whole transcript at each turn")
    if check.rule not in WAIVED:
        return check
    why = {
        2: "and says nothing of a limit of its own",
        4: "and keeps its state in its own object",
        5: "and keeps its state in its own object",
        10: "and does not say where a text comes from",
    }[check.rule]
    return not_known(check.id, f"{_OLD} {why}")


def _asked(call: Call) -> bool:
    return call.purpose != "embedding" and not call.reused


def _listed(recall: Recall) -> str:
    items = [f"sent {item.ref} ({item.tokens} tokens): {item.text or ''}" for item in recall.items]
    return "\n".join([*items, *(f"left out {left.turns}: {left.why}" for left in recall.left_out)])


def _by_messages(recall: Recall, places: list[int]) -> bool:
    """Whether turns that stand there several times do so message by message."""
    single = [item.turns for item in recall.items if item.turns and item.ref.startswith("message:")]
    single += [left.turns for left in recall.left_out if left.message is not None]
    return all(any(first <= place < end for first, end in single) for place in places)
