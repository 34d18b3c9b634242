"""An answer on its way: it reads, asks the model, and commits twice; iterate it, then ask it for its turn and trace.

    >>> reply = conversation.reply("What is my name?")
    >>> "".join(reply), reply.turn.status, reply.trace.read_length
    ('Your name is Alex.', 'complete', 1)

What was paid for is never thrown away: a commit that the store did not take is repeated without asking a model again.
With a gate it stops before each of its four steps (see `memory/steps.py`).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall, ToolMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from memory.base import Message, State, Turn
from memory.edits.events import write
from memory.errors import BadInput, InspectorError, ModelFailed, StoreUnavailable, ThreadGone
from memory.longterm.consent import asks, unasked
from memory.models import explain, sum_chunks, usage_of
from memory.money.prefix import look_back
from memory.pictures.album import take_back
from memory.pictures.picture import Picture
from memory.prompt import message_of
from memory.reading import Reading
from memory.services import record, usage_so_far
from memory.steps import BeforeWrite, Gate, TurnLeft, before_write
from memory.tokens import count_tokens
from memory.trace import Call, StateRef, Trace
from memory.transcript import Transcript

if TYPE_CHECKING:
    from memory.conversation import Conversation

Through = Callable[[Iterator[BaseMessage]], Iterator[BaseMessage]]

MOST_ROUNDS = 4
"""How often a model may call tools in a turn before it has to answer."""
AFTER_TOOLS = "reply after tools"
"""The purpose of the calls of a turn but its first: what a memory's tools cost."""
RACES = 8
"""How often the loser of a race for a state reads and writes again."""


class Reply(Reading):
    """An answer: iterate it for the text, then ask it for its turn and trace."""

    def __init__(
        self,
        conversation: Conversation,
        query: str,
        turn_id: str,
        replaces: str | None,
        through: Through | None,
        gate: Gate | None = None,
        pictures: tuple[Picture, ...] = (),
    ) -> None:
        super().__init__(conversation, query, turn_id, replaces, gate, pictures)
        self.error: ModelFailed | None = None
        self._through = through or (lambda stream: stream)
        self._stop = threading.Event()
        self._chunks: list[AIMessageChunk] = []
        self._whole: AIMessageChunk | None = None
        self._rounds: list[Message] = []
        self._calls: list[Call] = []
        self._asked_with: tuple[list[BaseMessage], Mapping[str, BaseTool]] = [], {}
        self._started, self._first = 0.0, cast("float | None", None)
        self._basis: tuple[State, str, Transcript] | None = None
        self._after: State | None = None
        self._races = 0
        self._asked = False
        self._left = False

    def stop(self) -> None:
        """End the answer at the next word; what there is of it is kept and marked as stopped."""
        self._stop.set()

    @property
    def text(self) -> str:
        """What the model has said so far, in all of its rounds."""
        return "".join(message.content for message in self._rounds if message.role == "ai") + "".join(
            chunk.text for chunk in self._chunks
        )

    def __iter__(self) -> Iterator[str]:
        with self.phases("read"):
            self._read()
        if self.saved:
            return
        assert self.prompt
        talk = self.conversation
        try:
            tools = {tool.name: tool for tool in talk.memory.tools(self._state, self._services)}
            messages = self.prompt.langchain(talk.models.chat, self._services.pictures.fetch)
            for number in range(MOST_ROUNDS + 1):
                # The last round has no tools: whatever the model would still look up, it answers.
                offered = tools if number < MOST_ROUNDS else {}
                yield from self._streamed(messages, offered)
                if not (self._whole and self._whole.tool_calls and offered) or self._stop.is_set():
                    break
                messages += self._called(self._whole, offered)
        except GeneratorExit:
            self._stop.set()
            self._end()
            self.commit()
            raise
        except Exception as error:
            self.error = explain(error, model=talk.models.chat, keys=talk.models.keys)
        self._end()
        self.commit()

    def _streamed(self, messages: list[BaseMessage], tools: Mapping[str, BaseTool]) -> Iterator[str]:
        """Ask the model once; what came of it stands in `_chunks`, and in `_whole` where it came to its end."""
        self._chunks, self._whole = [], None
        self._asked_with = messages, tools
        self._started, self._first = time.monotonic(), None
        model: Runnable[Any, Any] = self.conversation.models.open_chat()
        if tools:
            model = self.conversation.models.open_chat().bind_tools(list(tools.values()))
        for chunk in self._through(model.stream(messages)):
            if self._stop.is_set():
                return
            assert isinstance(chunk, AIMessageChunk)
            self._first = self._first or time.monotonic() - self._started
            self._chunks.append(chunk)
            if chunk.text:
                yield chunk.text
        if not self._stop.is_set():
            self._whole = sum_chunks(self._chunks)

    def _called(self, whole: AIMessageChunk, tools: Mapping[str, BaseTool]) -> list[BaseMessage]:
        """Run the tools that the model called, keep calls and answers for the turn, and return them as messages."""
        self._record()
        said = message_of("ai", whole.text, self._encoding, tool_calls=tuple(dict(call) for call in whole.tool_calls))
        past = self._transcript
        before = past[-1].ai if len(past) else ""
        answers = [_answer(call, tools, self.query, before) for call in whole.tool_calls]
        results = [
            message_of("tool", answer, self._encoding, tool_call_id=str(call.get("id")), name=call["name"])
            for call, answer in zip(whole.tool_calls, answers, strict=True)
        ]
        self._rounds += [said, *results]
        asked = AIMessage(whole.text, tool_calls=[dict(call) for call in whole.tool_calls])
        return [asked, *(ToolMessage(one.content, tool_call_id=one.tool_call_id, name=one.name) for one in results)]

    def _record(self) -> None:
        """Take down the call that has just ended; the first of a turn is the reply's, whose prompt was recalled."""
        talk, whole = self.conversation, self._whole
        assert self.trace
        assert self.prompt
        seconds = time.monotonic() - self._started
        self.phases.ended("model", seconds)
        messages, tools = self._asked_with
        output = count_tokens("".join(chunk.text for chunk in self._chunks), self._encoding)
        # What broke off or was refused is paid for as well; only what never got an answer cost nothing.
        usage = usage_of(whole) if whole else usage_so_far(self._chunks, output)
        if self._calls:
            estimate = sum(count_tokens(message.text, self._encoding) for message in messages)
            estimate += sum(message.picture_tokens for message in self.prompt.messages)
            prefix, purpose = self.prompt.tokens, AFTER_TOOLS
        else:
            # The answer whose place this one takes was asked for last.
            past = self._transcript.with_turn(self._replaced) if self._replaced else self._transcript
            same = look_back(talk.store, talk.user, talk.thread, self._opened.length, self.trace, self.prompt, past)
            self.trace = replace(self.trace, prefix=same.tokens, broken=same.broken)
            estimate, prefix, purpose = self.prompt.tokens, same.tokens if same.alive else 0, "reply"
        estimate += sum(count_tokens(_schema(tool), self._encoding) for tool in tools.values())
        if whole:
            output += sum(count_tokens(json.dumps(call["args"]), self._encoding) for call in whole.tool_calls)
        self._calls.append(
            record(
                purpose,
                talk.models.chat,
                self.trace.priced_as,
                estimate if self._chunks or not self.error else 0,
                output,
                usage,
                seconds,
                self._first,
                str(self.error) if self.error else None,
                prefix,
            )
        )

    def _end(self) -> None:
        """Make the turn and complete its trace with the calls."""
        talk, whole = self.conversation, self._whole
        self._record()
        assert self.trace
        text = "".join(chunk.text for chunk in self._chunks)
        stopped = self._stop.is_set() and self.error is None
        messages = [message_of("human", self.query, self._encoding, pictures=self.pictures), *self._rounds]
        calls: tuple[Any, ...] = tuple(dict(one) for one in whole.tool_calls) if whole else ()
        if text or calls:
            messages.append(message_of("ai", text, self._encoding, tool_calls=calls))
        earlier: tuple[str, ...] = ()
        if self._replaces and (old := self._replaced):
            earlier = (*old.earlier, old.ai) if old.ai else old.earlier
        self.turn = Turn(
            self.turn_id,
            tuple(messages),
            "failed" if self.error else "stopped" if stopped else "complete",
            time.time(),
            str(self.error) if self.error else None,
            earlier,
        )
        errors = (str(self.error),) if self.error else ()
        self.trace = replace(self.trace, calls=tuple(self._calls), errors=errors)
        if not talk.memory.stateful:
            # There is no second commit, which would count what reading cost.
            self.trace = self._with_own(self.trace)

    def commit(self) -> None:
        """Append the turn, then let the memory write; safe to repeat after StoreUnavailable."""
        if self.saved:
            return
        talk = self.conversation
        assert self.turn
        assert self.trace
        if not self._appended:
            try:
                rest = self.trace, self._texts, self._replaces, self._back, self._opened.epoch
                with self.phases("store"):
                    done = talk.store.append(talk.user, talk.thread, self.turn, *rest)
            except BadInput:
                take_back(talk.store, talk.user, talk.thread, self.turn_id, self.pictures)
                raise
            if done.repeated and not self._ours(done.index):
                self._adopt(done.index)
                return
            self._appended, self._index = True, done.index
            self.turn = replace(self.turn, index=done.index)
            self.trace = replace(self.trace, turn=done.index)
            if self._index == self._opened.length:
                self._basis = self._state, self._opened.revision, self._transcript.with_turn(self.turn)
        self._ask_to_write()
        if talk.memory.stateful and not self._left:
            with self.phases("write"):
                self._write()
        elif talk.memory.stateful:
            self._without_write()
        self.saved = True

    def _ask_to_write(self) -> None:
        """Wait before the memory writes; where the turn is left there, the next write takes it in as well."""
        if not self._asked:
            try:
                self._gate(self._before_write)
            except TurnLeft:
                self._left = True
            self._asked = True

    def _before_write(self) -> BeforeWrite:
        assert self.turn
        state, _, transcript = self._read_again()
        return before_write(self.conversation, state, transcript, self.recall, self.turn)

    def _read_again(self) -> tuple[State, str, Transcript]:
        """Return what the memory's write rests on, read anew where another tab was faster."""
        if self._basis is None:
            opened = self.conversation.opened(services=self._services)
            self._edits = opened.edits
            self._basis = opened.state, opened.revision, self.conversation.transcript(opened)
        return self._basis

    def _ours(self, index: int) -> bool:
        """Whether the turn that stands there is this one, and not another process's answer to the same message."""
        assert self.turn
        return self._stored(index).at == self.turn.at

    def _write(self) -> None:
        """Let the memory write and store what it made; what a model was paid for is kept for the next try."""
        talk = self.conversation
        assert self.turn
        assert self.trace
        while self._races < RACES:
            state, revision, transcript = self._read_again()
            if self._after is None:
                self._after = self._written(state, transcript)
            trace = replace(self._with_own(self.trace), after=StateRef.of(self._after, state))
            changed = self._after if self._after != state else None
            if talk.store.put_state(
                talk.user, talk.thread, talk.key, revision, changed, trace, since=self._opened.epoch
            ):
                self.trace = trace
                return
            self._basis = self._after = None
            self._races += 1
        self._without_write(
            f"{talk.memory.label} did not take this turn in, as others kept writing here; the next turn catches up."
        )

    def _without_write(self, *errors: str) -> None:
        """Complete the trace of a turn that the memory did not take in; what was paid for is counted all the same."""
        talk = self.conversation
        assert self.trace
        trace = self._with_own(self.trace)
        trace = replace(trace, errors=(*trace.errors, *errors))
        talk.store.put_state(talk.user, talk.thread, talk.key, "", None, trace, since=self._opened.epoch)
        self.trace = trace

    def _with_own(self, trace: Trace) -> Trace:
        """Add what the memory asked for itself, while it read and wrote."""
        own = self._services
        return replace(trace, calls=(*trace.calls, *own.calls), errors=(*trace.errors, *own.errors))

    def _written(self, state: State, transcript: Transcript) -> State:
        talk = self.conversation
        try:
            edits = talk.edits(state, self._edits)
            return write(talk.memory, state, transcript, self._services, self.recall, edits)
        except (StoreUnavailable, ThreadGone):
            raise
        except Exception as error:
            # A plug-in's own mistake loses no turn either, nor does a model's failure that it let through.
            said = str(error) if isinstance(error, InspectorError) else f"{type(error).__name__}: {error}"
            self._services.errors.append(f"{talk.memory.label} failed to take this turn in ({said.rstrip('.')}).")
            return state


def _answer(call: ToolCall, tools: Mapping[str, BaseTool], said: str, before: str) -> str:
    """Run a tool for the message `said`; what is wrong with a call is told to the model, which may call again."""
    tool = tools.get(call["name"])
    if tool is None:
        return f"There is no tool {call['name'][:40]!r}: use {' or '.join(tools)}."
    if asks(tool) and (refused := unasked(call["args"], said, before)):
        return refused
    try:
        return str(tool.invoke(call["args"]))
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'The call'}: {first['msg']}: call it again so that it fits."


def _schema(tool: BaseTool) -> str:
    return json.dumps(convert_to_openai_tool(tool))
