"""What lasts, tried through a real Redis: restart, repeat, clear, forget and another owner; rules 3, 4, 7 and 8.

>>> kept = Kept(bench, server)
>>> kept.run(step)                      # each turn by a new client and a new object, as after a restart
>>> kept.checks(live)

What is looked for are words that were said and stand in nothing that is always there. They must be found before
something is cleared: a search that finds nothing anywhere proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from memory import forgetting
from memory.base import Memory, Turn
from memory.common.words import plural
from memory.errors import InspectorError
from memory.forgetting.said import vocabulary
from memory.lint.bench import THREAD, Bench, state_json, told
from memory.lint.live import Live, waived
from memory.lint.report import Check, broken, difference, holds, not_known
from memory.lint.server import Server
from memory.lint.words import alone, found, quoted, telling
from memory.prompt import message_of
from memory.retrieval.index import Retrieval
from memory.services import ModelServices
from memory.store import Opened, Thread
from memory.stores.redis import RedisStore
from memory.trace import Trace
from memory.transcript import Transcript

PLANTED = ("zorvexia", "quillbrookton")
"""Words that nobody says."""
NO_WORD = "nothing was said that does not always stand there, so that nothing could be looked for"
IDS = ("restart", "twice", "clear", "forget", "owner")


class Kept:
    """A thread in a Redis, written by one process after the other."""

    def __init__(self, bench: Bench, server: Server) -> None:
        self.bench, self.server = bench, server

        # What stands there and is sent whatever was said; looked at before anything of the conversation is.
        self._store().put_thread(bench.user, self._thread())
        always = [self.server.everything(), self._next_prompt(bench.memory, bench.user), self._others("before")]
        self.words = telling(bench.turns, "\n".join([*always, *vocabulary()]))

    def run(self, step: Callable[[], None]) -> None:
        """Say every turn; nothing but the server's content is carried from one to the next."""
        for index, turn in enumerate(self.bench.turns):
            self._say(self.bench.user, turn, index)
            step()

    def _say(self, user: str, turn: Turn, index: int) -> None:
        self._store().append(user, THREAD, turn, Trace("import", index, turn.id, turn.at), {})
        self._write(user, self._again(), turn.at)

    def _write(self, user: str, memory: Memory, at: float = 0.0) -> None:
        bench, store = self.bench, self._store()
        if not memory.stateful:
            return
        opened = store.open(user, THREAD, bench.key, memory.tail)
        services = self._services(user)
        services.now = at
        state = bench.write(opened.state, self._transcript(user, opened), services, memory=memory)
        if state != opened.state:
            store.put_state(user, THREAD, bench.key, opened.revision, state)

    def checks(self, live: Live) -> list[Check]:
        """Compare with the live run, then forget and clear; asked for once."""
        caveat = self.bench.memory.caveat
        checks = [waived(self._restart(live), caveat), self._twice(), self._owner()]
        # In this order: each of the two leaves less for what follows it.
        return [*checks, self._forget(), self._clear()]

    # --- a restart and a repeat

    def _restart(self, live: Live) -> Check:
        bench = self.bench
        # A new search as well: a process that begins has only the vectors that were kept.
        opened, search = self._opened(bench.user), bench.searching()
        query, memory = bench.last_query, self._again()
        expected, kept = state_json(live.state), state_json(opened.state)
        if bench.memory.stateful and kept != expected:
            return broken(
                "restart",
                "read back from Redis by a new process after each turn, its state is another one",
                [len(bench.turns) - 1],
                diff=difference(told(live.state), told(opened.state)),
            )
        stored = self._store().turns(bench.user, THREAD, 0, len(bench.turns))
        lost = [index for index, turn in enumerate(bench.turns) if index >= len(stored) or stored[index] != turn]
        if lost:
            return broken("restart", f"turn {lost[0] + 1:,} was not read back as it was stored", lost)
        services, again = bench.services(), self._services(retrieval=search)
        before = bench.memory.read(live.state, bench.transcript(len(bench.turns)), query, services, bench.budget)
        after = memory.read(opened.state, self._transcript(bench.user, opened), query, again, bench.budget)
        if before != after:
            one, other = (bench.prompt(recall, len(bench.turns), query) for recall in (before, after))
            texts = ("\n".join(message.content for message in prompt.messages) for prompt in (one, other))
            return broken("restart", "the same state sends something else after a restart", diff=difference(*texts))
        size = len(kept.encode())
        times = len(bench.turns)
        what = (
            f"the state of {size:,} bytes is the same byte for byte" if bench.memory.stateful else "it keeps no state"
        )
        return holds("restart", f"a new process after each of {times:,} turns, over the same Redis: {what}")

    def _twice(self) -> Check:
        bench, turn = self.bench, self.bench.turns[-1]
        store, index = self._store(), len(self.bench.turns) - 1
        again = store.append(bench.user, THREAD, turn, Trace("import", index, turn.id, turn.at), {})
        opened = self._opened(bench.user)
        state, services = opened.state, self._services()
        if bench.memory.stateful:
            state = bench.write(state, self._transcript(bench.user, opened), services)
        if opened.length != len(bench.turns) or not again.repeated:
            return broken("twice", f"turn {index + 1:,}, stored twice, stands there twice", [index])
        if state != opened.state:
            said = f"turn {index + 1:,}, written twice, changed its state a second time"
            return broken("twice", said, [index], diff=difference(told(opened.state), told(state)))
        # A call that failed before is made again, and rightly so.
        if any(call.error is None and not call.reused and call.purpose != "embedding" for call in services.calls):
            return broken("twice", f"turn {index + 1:,}, written twice, was paid for twice", [index])
        return holds("twice", f"turn {index + 1:,}, stored and written again, changed nothing")

    # --- who sees it, and what is left of it

    def _owner(self) -> Check:
        if not self.words:
            return not_known("owner", NO_WORD)
        leaked = found(self.words, self._others("other"))
        if leaked:
            return broken("owner", f"another owner was sent {quoted(leaked, self.words)}", self._turns(leaked))
        return holds(
            "owner", f"a thread of the same name: asked for {len(self.words):,} words of this one, it was sent none"
        )

    def _others(self, name: str) -> str:
        """Return what another owner is sent, and what is noted of him, who has a thread of the same name."""
        bench, other = self.bench, f"{self.bench.user}-{name}"
        self._store().put_thread(other, self._thread())
        for index, said in enumerate(("I keep to my own words.", "Say mine alone.")):
            self._say(other, _own_turn(index, said, bench), index)
        # He asks for the very words of the first owner.
        asked = " ".join(word for turn in bench.turns for word in turn.human.split())[:2000]
        sent, state = self._next_prompt(self._again(), other, asked), self._opened(other).state
        self._gone(bench.memory, other)
        return f"{sent}\n{state_json(state)}"

    def _forget(self) -> Check:
        """Forget the turn that has most words of its own, and let the memory write again what it knew."""
        bench = self.bench
        own = alone(self.words, bench.turns)
        of = list(own.values())
        index = max(sorted(set(of)), key=of.count) if of else len(bench.turns)
        words = [word for word, place in own.items() if place == index] or list(PLANTED)
        begin = f"turn {index + 1:,} was forgotten"
        if not of:
            # No turn has words of its own: one more is said that has.
            said = f"I know {PLANTED[0].capitalize()}. I like {PLANTED[1].capitalize()}."
            self._say(bench.user, _own_turn(index, said, bench), index)
            begin = "a turn that was said beside the conversation was forgotten"
        if len(found(words, self.server.everything())) < len(words):
            return not_known("forget", f"turn {index + 1:,} was not found before it was forgotten")
        forgetting.forget_turn(self._store(), bench.retrieval, bench.user, THREAD, index)
        for word in words:
            self.words.pop(word, None)
        self._write(bench.user, self._again())
        prompt = self._next_prompt(self._again(), bench.user, bench.last_query)
        left, sent = found(words, self.server.everything()), found(words, prompt)
        at = (index,) if of else ()
        if left or sent:
            where = "in the store there is still" if left else "the next prompt still has"
            return broken("forget", f"{begin} and {where} {quoted(left or sent, dict.fromkeys(words, index))}", at)
        return holds(
            "forget",
            f"{begin}: of its {plural(len(words), 'word')} none is in the store, in what the memory wrote again, or in "
            "the next prompt",
            turns=at,
        )

    def _clear(self) -> Check:
        bench = self.bench
        if not self.words:
            return not_known("clear", NO_WORD)
        before = found(self.words, self.server.everything())
        if len(before) < len(self.words):
            lacking = next(word for word in self.words if word not in before)
            return not_known(
                "clear", f"“{lacking}” was not found before it was cleared, so the search cannot be trusted"
            )
        receipt = forgetting.clear(self._store(), bench.retrieval, bench.user, THREAD)
        rows, prompt = self.server.everything(), self._next_prompt(self._again(), bench.user)
        left, sent = found(self.words, rows), found(self.words, prompt)
        if left:
            return broken("clear", f"in the store there is still {quoted(left, self.words)}", self._turns(left))
        if sent and _keeps_elsewhere(bench.memory):
            # What it keeps for its owner beyond a conversation goes with everything of the owner.
            self._gone(bench.memory, bench.user)
            if not (sent := found(self.words, self._next_prompt(self._again(), bench.user))):
                return holds(
                    "clear",
                    f"of {len(before):,} words none is in the store; what it keeps for its owner beyond the "
                    "conversation went when everything of the owner was erased",
                )
        if sent:
            return broken("clear", f"the next prompt still has {quoted(sent, self.words)}", self._turns(sent))
        gone = ", ".join(f"{row.there:,} {row.place}" for row in receipt.rows if row.there)
        return holds(
            "clear", f"{len(before):,} words were in the store before and none after, nor in the next prompt ({gone})"
        )

    def _gone(self, memory: Memory, user: str) -> None:
        self._store().erase(user)
        self.bench.retrieval.forget(user)
        type(memory).erase(user)
        if user == self.bench.user:
            self._store().put_thread(user, self._thread())

    def _next_prompt(self, memory: Memory, user: str, query: str = "What do you know?") -> str:
        """Return what would be sent now, without the query."""
        opened = self._opened(user)
        transcript = self._transcript(user, opened)
        # With a search of its own, as a process has it that begins.
        services = self._services(user, Retrieval(self.bench.embedding, self.bench.vectors))
        recall = memory.read(opened.state, transcript, query, services, self.bench.budget)
        messages = self.bench.prompt(recall, opened.length, query, transcript[:]).messages[:-1]
        return "\n".join(message.content for message in messages)

    def _turns(self, words: Sequence[str]) -> list[int]:
        return sorted({self.words[word] for word in words})

    # --- the way to the server, new each time

    def _store(self) -> RedisStore:
        return RedisStore(self.server.connection)

    def _services(self, user: str = "", retrieval: Retrieval | None = None) -> ModelServices:
        """Return what the memory may use, with what is remembered across conversations where the server has it."""
        return self.bench.services(user, retrieval, self._store().shelf)

    def _again(self) -> Memory:
        """Make the memory anew, as a process does that begins."""
        return type(self.bench.memory)(**self.bench.memory.settings.model_dump())

    def _thread(self) -> Thread:
        memory = self.bench.memory
        return Thread(THREAD, "Lint", 1.0, 1.0, memory.name, memory.settings.model_dump(mode="json"))

    def _opened(self, user: str) -> Opened:
        return self._store().open(user, THREAD, self.bench.key, self.bench.memory.tail)

    def _transcript(self, user: str, opened: Opened) -> Transcript:
        store = self._store()
        of = (user, THREAD, opened.epoch)
        return Transcript(opened.length, lambda a, b: store.turns(user, THREAD, a, b), opened.tail, of)


def unkept(server: Server) -> list[Check]:
    """Return the checks of this file where there is no server to try them on."""
    return [not_known(id, f"no Redis could be started to try it on ({server.why.rstrip('.')})") for id in IDS]


def tidy(bench: Bench) -> None:
    """Remove what the memory keeps outside of the store for whoever it was tried with."""
    for user in (bench.user, f"{bench.user}-other", f"{bench.user}-before"):
        bench.retrieval.forget(user)
        try:
            type(bench.memory).erase(user)
        except InspectorError:
            continue


def _keeps_elsewhere(memory: Memory) -> bool:
    return type(memory).erase.__func__ is not Memory.erase.__func__  # type: ignore[attr-defined]


def _own_turn(index: int, said: str, bench: Bench) -> Turn:
    messages = (message_of("human", said, bench.encoding), message_of("ai", "Yes.", bench.encoding))
    return Turn(f"other-{index}", messages, at=2.0 + index, index=index)
