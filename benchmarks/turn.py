"""The cost of one turn around the model: read, write and trace over Redis on TCP, the model at zero latency.

Beside it, in the same run and interleaved: langchain_classic's memories over their Redis history, openai-agents'
RedisSession, and the floor: two round trips (read ten messages, append two) with LangChain message objects.

    make bench-turn        or  python -m benchmarks.turn --turns 10 100 --rounds 5

Absolute times are this machine's; compare the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import Any
from unittest.mock import patch

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from redis import Redis

from memory import catalog, threads
from memory.base import Message, State, Turn
from memory.conversation import Conversation
from memory.server.connect import connect
from memory.services import Models
from memory.stores.redis import RedisStore
from memory.tokens import count_tokens
from memory.trace import Trace
from tests.ports import free_port

warnings.filterwarnings("ignore")
USER = "Tell me what we should see on the second day, and how long it takes to walk there from the hotel by the river."
ANSWER = " ".join(
    ["Start at the castle before the crowds come, then walk down through the old town to the square."] * 6
)
MEMORIES = ("none", "buffer", "window:k=5", "token_buffer", "summary", "summary_buffer", "last_input")


class Instant(BaseChatModel):
    """Answers at once, always the same."""

    @property
    def _llm_type(self) -> str:
        return "instant"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("A summary of what was said."))])

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(ANSWER, chunk_position="last"))

    def stream(self, messages: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        # Without LangChain's own machinery, which is the model's cost and not that of the turn around it.
        yield AIMessageChunk(ANSWER, chunk_position="last")

    def invoke(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        return AIMessage("A summary of what was said.")

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Any = None) -> int:
        return sum(count_tokens(message.text) for message in messages)


def turn(index: int) -> Turn:
    return Turn(
        uuid.uuid4().hex[:16],
        (
            Message("human", USER, tokens={"o200k_base": count_tokens(USER)}),
            Message("ai", ANSWER, tokens={"o200k_base": count_tokens(ANSWER)}),
        ),
        index=index,
    )


def ours(client: Redis, url: str, spec: str, length: int) -> Callable[[], Any]:
    store, memory = RedisStore(connect(url)), catalog.load().memory(spec)
    thread = threads.new(store, "bench", memory)
    turns = [turn(index) for index in range(length)]
    store.extend("bench", thread.id, turns, [Trace("import", index, one.id, 0.0) for index, one in enumerate(turns)])
    if memory.stateful:
        # As a live conversation would have left it: everything but what still fits is in the summary.
        end = length if spec == "summary" else max(0, length - 10)
        state = State().with_note("summary", "A summary of what was said.", (0, end), since=end) if end else State()
        store.put_state("bench", thread.id, memory.key, "", replace(state, covered=length))
    talk = Conversation(store, "bench", thread.id, memory, Models(), instructions="You are a helpful assistant.")

    def one() -> None:
        for _ in talk.reply(USER):
            pass

    return one


def floor(client: Redis, length: int) -> Callable[[], Any]:
    key = f"floor:{uuid.uuid4().hex}"
    rows = [json.dumps(row) for _ in range(length) for row in ({"r": "h", "c": USER}, {"r": "a", "c": ANSWER})]
    for first in range(0, len(rows), 1000):
        client.rpush(key, *rows[first : first + 1000])

    def one() -> None:
        kept: Any = client.lrange(key, -10, -1)
        for row in map(json.loads, kept):
            (HumanMessage if row["r"] == "h" else AIMessage)(row["c"])
        new = [{"r": "h", "c": HumanMessage(USER).content}, {"r": "a", "c": AIMessage(ANSWER).content}]
        client.rpush(key, *map(json.dumps, new))

    return one


def classic(url: str, kind: str, length: int) -> Callable[[], Any]:
    from langchain_classic import memory as old
    from langchain_community.chat_message_histories import RedisChatMessageHistory

    history = RedisChatMessageHistory(uuid.uuid4().hex, url=url)
    rows = [
        json.dumps({"type": kind, "data": {"content": text, "type": kind}})
        for kind, text in (("human", USER), ("ai", ANSWER))
    ]
    for _ in range(0, length, 100):
        history.redis_client.lpush(history.key, *rows * min(100, length))
    made = {
        "buffer": lambda: old.ConversationBufferMemory(chat_memory=history, return_messages=True),
        "window": lambda: old.ConversationBufferWindowMemory(chat_memory=history, k=5, return_messages=True),
        "token_buffer": lambda: old.ConversationTokenBufferMemory(
            chat_memory=history, llm=Instant(), return_messages=True
        ),
        "summary": lambda: old.ConversationSummaryMemory(chat_memory=history, llm=Instant(), return_messages=True),
        "summary_buffer": lambda: old.ConversationSummaryBufferMemory(
            chat_memory=history, llm=Instant(), return_messages=True
        ),
    }[kind]()

    def one() -> None:
        made.load_memory_variables({"input": USER})
        made.save_context({"input": USER}, {"output": ANSWER})

    return one


def agents(url: str, length: int, loop: asyncio.AbstractEventLoop) -> Callable[[], Any]:
    from agents.extensions.memory import RedisSession

    session = RedisSession.from_url(uuid.uuid4().hex, url=url)
    rows: list[Any] = [{"role": "user", "content": USER}, {"role": "assistant", "content": ANSWER}]

    async def fill() -> None:
        for _ in range(0, length, 100):
            await session.add_items(rows * min(100, length))

    async def once() -> None:
        await session.get_items(limit=10)
        await session.add_items(list(rows))

    loop.run_until_complete(fill())
    return lambda: loop.run_until_complete(once())


@contextmanager
def server() -> Iterator[str]:
    """Start a server on a free loopback port, without persistence for all alike."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        raise SystemExit("bench-turn needs redis-server or valkey-server on the PATH: apt-get install redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        running = subprocess.Popen(
            [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            client = Redis(port=port)
            for _ in range(100):
                try:
                    client.ping()
                    break
                except Exception:
                    time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            running.terminate()
            running.wait()


def measure(cases: dict[str, Callable[[], Any]], rounds: int, repeats: int) -> dict[str, tuple[float, float]]:
    """Time each case in interleaved rounds; return the least and the median in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for case in cases.values():
        case()
    for _ in range(rounds):
        for name, case in cases.items():
            for _ in range(repeats):
                start = time.perf_counter()
                case()
                times[name].append((time.perf_counter() - start) * 1000)
    return {name: (min(spent), median(spent)) for name, spent in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, nargs="+", default=[10, 100, 1000, 10_000], help="stored turns")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=6, help="turns a case in each round")
    args = parser.parse_args()
    loop = asyncio.new_event_loop()
    with server() as url, patch("memory.services.chat_model", lambda *_, **__: Instant()):
        client = Redis.from_url(url)
        base: dict[str, float] = {}
        for length in args.turns:
            cases: dict[str, Callable[[], Any]] = {
                "floor": floor(client, length),
                "RedisSession": agents(url, length, loop),
            }
            for spec in MEMORIES:
                cases[f"ours {spec}"] = ours(client, url, spec, length)
            # Classic prunes in quadratic time over Redis: at 1,000 turns one turn takes the better part of a minute.
            for kind in ("buffer", "window", "summary") + (("token_buffer", "summary_buffer") if length <= 100 else ()):
                cases[f"classic {kind}"] = classic(url, kind, length)
            slow = length >= 1000
            spent = measure(cases, args.rounds, 1 if slow and length > 1000 else 3 if slow else args.repeats)
            heads = ("best ms", "median ms", "× floor", "× RedisSession", f"× at {args.turns[0]} turns")
            print(f"\n{f'{length:,} stored turns':28}" + "   ".join(heads))
            for name, (best, middle) in spent.items():
                base.setdefault(name, best)
                ratios = (best / spent["floor"][0], best / spent["RedisSession"][0], best / base[name])
                print(f"{name:28}{best:10.3f}{middle:12.3f}{ratios[0]:10.2f}{ratios[1]:17.2f}{ratios[2]:19.2f}")


if __name__ == "__main__":
    main()
