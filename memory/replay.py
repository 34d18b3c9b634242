"""A recorded conversation run through a memory, turn by turn, and then asked the recording's questions.

    >>> run = Replay(recording, Models()).run(load().memory("window:k=3"))
    >>> for turn in run.turns(): print(turn.tokens["history"], turn.cached_tokens, turn.cost)
    >>> for asked in run.questions(): print(asked.check.found, asked.check.missing)
    >>> run.totals.cost, run.evidence.all.recall
    (Decimal('0.0213'), 0.31)

What was recorded stays: the memory sees the recorded answers, whatever model is set. A model answers only where the
recording has none (`lacks_answer`). Prompts are priced as one model (`Models.price_as`), in its tokens; each turn is
one prompt, also where a tool was called in it. Work grows with the turns and not with their square, but for what a
memory itself looks through and for prompts that are to be written out.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from memory.base import LeftOut, Memory, Recall, Segment, State, Turn
from memory.errors import BadInput, InspectorError, explain
from memory.evidence import Check, Evidence, Missing, Noted, check_evidence, noted, places_of
from memory.formats import Question, Recording
from memory.models import context_window, sum_chunks
from memory.money.prices import Usage, price
from memory.money.prompt_cache import Sent, Sizes, common_tokens, usage
from memory.prompt import Prompt, PromptMessage, assemble, message_of
from memory.replay_services import Answers, Rankings, ReplayServices
from memory.retrieval.batched import Batched
from memory.retrieval.embeddings import Embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.units import all_units, passage
from memory.retrieval.vectors import InMemoryVectors
from memory.services import DEFAULT_WINDOW, Models
from memory.tokens import BUILT_IN, count_tokens, encoding_for
from memory.trace import Call
from memory.transcript import Transcript

THREAD = "replay"


@dataclass(frozen=True, slots=True)
class Said:
    """What answered a turn: words of the recording, or of the model that was asked."""

    text: str
    recorded: bool
    tool_calls: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayedTurn:
    """One turn; `prompt` is empty where prompts are left out, `calls` are those that the memory made itself.

    `cost` is that of prompt and answer in dollars with the estimated `cached_tokens` of the prompt, `cost_uncached`
    without; None where the price is not known.
    """

    index: int
    prompt: tuple[PromptMessage, ...]
    tokens: Mapping[Segment, int]
    left_out: tuple[LeftOut, ...]
    reply: Said
    cached_tokens: int
    cost: Decimal | None
    cost_uncached: Decimal | None
    calls: tuple[Call, ...]

    @property
    def own_cost(self) -> Decimal | None:
        """What the memory's own calls cost; one that failed before anything was counted costs nothing."""
        return _sum(call.cost for call in self.calls if call.error is None or call.input_tokens + call.output_tokens)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the recording after its last turn; `tokens` is what the memory put into its prompt.

    `outdated` are messages that were sent though the evidence contradicts them, `noted` is what the notes say.
    """

    question: Question
    check: Check
    tokens: int
    prompt: tuple[PromptMessage, ...]
    answer: str | None = None
    outdated: tuple[str, ...] = ()
    noted: Noted = ""


@dataclass(slots=True)
class Totals:
    """All that the turns of a run took, prompts, answers and the memory's own calls together.

    Costs are in dollars, None where a part of them is not known; `seconds` is what the memory took to read and write.
    """

    turns: int = 0
    prompt_tokens: int = 0
    largest_prompt: int = 0
    own_calls: int = 0
    failed_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = Decimal(0)
    cost_uncached: Decimal | None = Decimal(0)
    seconds: float = 0.0

    def add(self, turn: ReplayedTurn, output: int, seconds: float) -> None:
        """Count one turn, whose answer has `output` tokens."""
        size = sum(turn.tokens.values())
        self.turns += 1
        self.prompt_tokens += size
        self.largest_prompt = max(self.largest_prompt, size)
        self.own_calls += sum(not call.reused for call in turn.calls)
        self.failed_calls += sum(call.error is not None for call in turn.calls)
        self.input_tokens += size + sum(call.input_tokens for call in turn.calls)
        self.output_tokens += output + sum(call.output_tokens for call in turn.calls)
        self.cost = _sum((self.cost, turn.cost, turn.own_cost))
        self.cost_uncached = _sum((self.cost_uncached, turn.cost_uncached, turn.own_cost))
        self.seconds += seconds


def lacks_answer(recording: Recording, index: int) -> bool:
    """Say whether a model is to answer a turn: the human spoke last in it and an answer is missing.

    It is missing from a conversation's last turn, and in our own format from any turn that is complete, for there a
    turn is what was asked and answered. Elsewhere a turn without an answer is one that its session's end cut off; and
    between two people, whose names stand in the messages, nobody owes an answer.
    """
    turn = recording.turns[index]
    asked = turn.status == "complete" and bool(turn.messages) and turn.messages[-1].role == "human" and turn.human
    if not asked or not (index == len(recording.turns) - 1 or recording.content is not None):
        return False
    return not any(message.role == "ai" and message.name for turn in recording.turns for message in turn.messages)


class Replay:
    """A recording that memories are run over, one after the other; what it indexed goes with it.

    `turns` are the first turn that is reported and the one after the last; those before are taken in by the memory as
    well, those after were never said. `budget` is the most tokens that a memory may send, besides what fits the
    window. Without `prompts` no text of a prompt is made.
    """

    def __init__(
        self,
        recording: Recording,
        models: Models,
        embedding: Embedding | None = None,
        turns: tuple[int, int] | None = None,
        budget: int | None = None,
        prompts: bool = True,
    ) -> None:
        self.recording, self.models, self.budget, self.prompts = recording, models, budget, prompts
        self.encoding = encoding_for(models.price_as).name
        # Loads the tokenizer, which takes half a second and belongs to no memory's time.
        count_tokens(" ", self.encoding)
        first, end = turns or (0, len(recording.turns))
        self.end = min(end, len(recording.turns))
        self.first = min(first, self.end)
        self.said = [_counted(turn, self.encoding) for turn in recording.turns[: self.end]]
        self.lacking = frozenset(index for index in range(self.end) if lacks_answer(recording, index))
        self.places = places_of(recording.turns)
        self.retrieval = Retrieval(embedding and Batched(embedding, self._texts), InMemoryVectors(), threads=2)
        self.rankings: Rankings = {}
        windows = [context_window(models.price_as) or DEFAULT_WINDOW]
        if models.chat not in BUILT_IN:
            windows.append(context_window(models.chat) or windows[0])
        self.window = min(windows)

    def run(self, memory: Memory) -> Run:
        """Prepare a run of one memory; nothing happens until its turns are iterated."""
        return Run(self, memory)

    def _texts(self) -> list[str]:
        """List what will be embedded, as far as it is known beforehand."""
        asked = [turn.human for turn in self.said]
        return [*map(passage, all_units(self.said)), *asked, *(question.text for question in self.recording.questions)]


class Run:
    """A memory over a recording: iterate `turns`, then `questions`; `totals` and `evidence` grow meanwhile.

    `errors` are the sentences of what went wrong and was survived. Its state is gone when `close` has been called.
    """

    def __init__(self, replay: Replay, memory: Memory) -> None:
        self.replay, self.memory = replay, memory
        self.totals, self.evidence = Totals(), Evidence()
        # A name of its own, so that nothing of another run or of a real user is seen.
        self.user = uuid.uuid4().hex
        self._services = replay.models.services(self.user, replay.retrieval, Answers(), ReplayServices)
        assert isinstance(self._services, ReplayServices)
        if not replay.lacking:
            self._services.share(replay.rankings)
        self._services.encoding = replay.encoding
        self._services.now = 0.0
        self._services.reflecting = True  # as if the conversation had rested after each turn
        self._said = list(replay.said)
        self._sizes = Sizes(self._said, replay.encoding)
        of = (self.user, THREAD, "1")
        self._transcript = Transcript(len(self._said), lambda first, end: self._said[first:end], of=of)
        self._state = State()

    @property
    def errors(self) -> Sequence[str]:
        return self._services.errors

    def turns(self) -> Iterator[ReplayedTurn]:
        """Read, answer and write each turn; raises BadInput where the memory fails, ModelFailed where a model does."""
        before: Sent | None = None
        for index in range(self.replay.end):
            turn, shown = self._said[index], index >= self.replay.first
            start = time.perf_counter()
            self._services.calls.clear()
            self._services.now = turn.at or self._services.now
            recall = None
            if index >= self.replay.first - 1 or index in self.replay.lacking:
                recall = self._read(self._transcript.head(index), turn.human)
            seconds = time.perf_counter() - start
            sent = Sent(recall.items, turn.human or None) if recall else None
            prompt = self._prompt(recall, turn.human, index) if recall else None
            if index in self.replay.lacking and prompt:
                turn = self._said[index] = self._answered(turn, prompt)
            start = time.perf_counter()
            if self.memory.stateful:
                with self._blamed(f"at turn {index}"):
                    head = self._transcript.head(index + 1)
                    self._state = self.memory.write(self._state, head, self._services, recall)
            seconds += time.perf_counter() - start
            if shown and recall and sent:
                calls = tuple(self._services.calls)
                done, output = self._replayed(turn, recall, prompt, sent, before, calls)
                self.totals.add(done, output, seconds)
                yield done
            before = sent

    def questions(self, answer: bool = False) -> Iterator[Asked]:
        """Ask the recording's questions after the last turn, each for itself; none changes what the memory knows.

        With `answer` the model answers them, which is counted nowhere.
        """
        at = self._services.now
        for question in self.replay.recording.questions:
            self._services.now = question.at or at
            self._services.calls.clear()
            recall = self._read(self._transcript, question.text)
            check = check_evidence(recall, question.evidence, self.replay.places, self._sizes)
            check = replace(check, missing=self._ranked(check.missing, question.text))
            outdated = check_evidence(recall, question.outdated, self.replay.places, self._sizes).found
            segments = self._segments(recall, "")
            tokens = segments["memory"] + segments["history"]
            self.evidence.add(check, question.category, tokens)
            text, prompt = None, None
            if answer or self.replay.prompts:
                prompt = assemble("", recall, self._transcript, question.text, self.replay.encoding)
            if answer and prompt:
                text = self._ask(prompt)[0]
            shown = prompt.messages if prompt and self.replay.prompts else ()
            notes = noted(recall, question.now, question.before)
            yield Asked(question, check, tokens, shown, text, outdated, notes)

    def close(self) -> None:
        """Forget what was made for this run, whichever files of its own the memory has."""
        self.replay.retrieval.forget(self.user)
        with suppress(Exception):
            type(self.memory).erase(self.user)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, transcript: Transcript, query: str) -> Recall:
        room = self.replay.window - count_tokens(query, self.replay.encoding) - min(1024, self.replay.window // 4)
        budget = max(0, room if self.replay.budget is None else min(room, self.replay.budget))
        with self._blamed(f"at turn {len(transcript)}"):
            return self.memory.read(self._state, transcript, query, self._services, budget)

    @contextmanager
    def _blamed(self, where: str) -> Iterator[None]:
        """Turn a memory's own mistake into a sentence."""
        try:
            yield
        except InspectorError:
            raise
        except Exception as error:
            raise BadInput(
                f"{self.memory.name} failed {where} of {self.replay.recording.id} ({type(error).__name__}: {error}): "
                "mend it or choose another memory"
            ) from error

    def _prompt(self, recall: Recall, query: str, index: int) -> Prompt | None:
        if not self.replay.prompts and index not in self.replay.lacking:
            return None
        prompt = assemble("", recall, self._said, query, self.replay.encoding)
        # Where the other side spoke first nobody asked, and providers refuse a message without words.
        return prompt if query else Prompt(prompt.messages[:-1])

    def _segments(self, recall: Recall, query: str) -> dict[Segment, int]:
        tokens: dict[Segment, int] = {"instructions": 0, "memory": 0, "history": 0, "query": 0}
        for item in recall.items:
            tokens[item.segment] += self._sizes.item(item)
        tokens["query"] += count_tokens(query, self.replay.encoding)
        return tokens

    def _replayed(
        self,
        turn: Turn,
        recall: Recall,
        prompt: Prompt | None,
        sent: Sent,
        before: Sent | None,
        calls: tuple[Call, ...],
    ) -> tuple[ReplayedTurn, int]:
        """Count and price a turn; return it with the tokens of its answer."""
        tokens, encoding, model = self._segments(recall, turn.human), self.replay.encoding, self.replay.models.price_as
        size = sum(tokens.values())
        answers = [message for message in turn.messages if message.role == "ai"]
        output = sum(message.count(encoding) for message in answers)
        common = common_tokens(before, sent, self._sizes) if before else 0
        cached = usage(model, size, common, output)
        reply = Said(
            turn.ai,
            turn.index not in self.replay.lacking,
            tuple({"name": call.get("name"), "args": call.get("args")} for one in answers for call in one.tool_calls),
        )
        with_cache, without = price(model, cached), price(model, Usage(size, output))
        done = ReplayedTurn(
            turn.index,
            prompt.messages if prompt and self.replay.prompts else (),
            tokens,
            recall.left_out,
            reply,
            cached.cached,
            with_cache.total if with_cache else None,
            without.total if without else None,
            calls,
        )
        return done, output

    def _answered(self, turn: Turn, prompt: Prompt) -> Turn:
        text, calls = self._ask(prompt)
        return replace(turn, messages=(*turn.messages, message_of("ai", text, self.replay.encoding, tool_calls=calls)))

    def _ask(self, prompt: Prompt) -> tuple[str, tuple[Mapping[str, Any], ...]]:
        models = self.replay.models
        try:
            answer = sum_chunks(models.open_chat().stream(prompt.langchain(models.chat)))
        except Exception as error:
            # Without its cause, whose text can quote the key.
            raise explain(error, model=models.chat, keys=models.keys) from None
        return str(answer.text), tuple(dict(call) for call in answer.tool_calls)

    def _ranked(self, missing: tuple[Missing, ...], query: str) -> tuple[Missing, ...]:
        """Say the rank of what a recall names no rank of, where the memory ranks turns by likeness."""
        if not self.memory.retrieves or not any(one.deep for one in missing):
            return missing
        search = getattr(self.memory.settings, "search", None)
        ranks = {(hit.turn, hit.message): hit for hit in self._services.rank(self._transcript, query, search)}
        ranked = []
        for one in missing:
            hit = ranks.get((one.turn, one.place)) or ranks.get((one.turn, None))
            if one.deep and hit:
                said = f"rank {hit.rank:,} by likeness" if hit.score > 0 else "nothing in it is like what was asked"
                one = replace(one, why=f"{said}; {one.why}", deep=False)
            ranked.append(one)
        return tuple(ranked)


def _counted(turn: Turn, encoding: str) -> Turn:
    """Return a turn with its tokens counted in the encoding of the price, once and for all."""
    if all(encoding in message.tokens for message in turn.messages):
        return turn
    messages = (
        replace(message, tokens={**message.tokens, encoding: message.count_content(encoding)})
        for message in turn.messages
    )
    return replace(turn, messages=tuple(messages))


def _sum(costs: Iterable[Decimal | None]) -> Decimal | None:
    """Add up what is known; None where a part is not."""
    total = Decimal(0)
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total
