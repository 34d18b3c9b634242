"""Every memory inside `create_agent`: the same prompts as in a chat, tools whole, threads apart, nothing lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, wrap_model_call
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import Field

from memory.agents.message_memory import MessageMemory, Owner, safe_name
from memory.agents.message_turns import start_of, turns_of
from memory.agents.stored_memory import StoredMemory
from memory.base import Memory, Recall
from memory.catalog import load
from memory.errors import BadInput, ModelFailed
from memory.middleware import MemoryMiddleware
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store
from memory.stores.inmemory import InMemoryStore
from memory.trace import prompt_of
from tests.memory.fakes import FakeChat, FakeModels, conversation, gist, new_user, say

QUERIES = [
    "My name is Alex and I live in Oslo.",
    "I prefer short answers. I work with Mira at Acme.",
    "/remember city = Oslo",
    "What do you know of Acme?",
    "I moved to Lisbon last week.\nIt is warm there.",
    "Where does Mira work?",
    "What is my name, and where do I live?",
]
TIGHT = {
    "window": "window:k=2",
    "token_buffer": "token_buffer:max_token_limit=90",
    "summary_buffer": "summary_buffer:max_token_limit=120",
    "summarization": "summarization:trigger=100,keep=3",
    "simple": 'simple:memories={"name":"Alex","city":"Oslo"}',
    "vector": "vector:k=2",
    "vector_token_buffer": "vector_token_buffer:max_token_limit=120",
    "combined": "combined:memories=window(k=1)+vector(k=2)+summary",
}
SPECS = [TIGHT.get(cls.short, cls.short) for cls in load().memories.values()]
every_memory = pytest.mark.parametrize("spec", SPECS)
NOW = 1_750_000_000.0
THREAD = {"configurable": {"thread_id": "t1", "user_id": "alex"}}


@pytest.fixture(autouse=True)
def _facts_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The facts that are saved by name, by whichever user, are this test's."""
    monkeypatch.setenv("MEMORY_KEY_VALUE_FILE", str(tmp_path / "facts.sqlite"))


class Scripted(BaseChatModel):
    """Answers with messages of a list in their order; what is an exception is raised. `seen` holds its prompts."""

    answers: list[Any]
    seen: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        self.seen.append(messages)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        message = answer if isinstance(answer, AIMessage) else AIMessage(answer)
        return ChatResult(generations=[ChatGeneration(message=message)])


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is so"


def calls(*words: str) -> AIMessage:
    asked = [{"name": "look_up", "args": {"word": word}, "id": f"call-{word}", "type": "tool_call"} for word in words]
    return AIMessage("", tool_calls=asked)


def searched() -> Retrieval:
    return Retrieval(embedding("hashing"))


def agent_of(memory: str | Memory, model: BaseChatModel, models: Any = None, **more: Any) -> Any:
    memory = load().memory(memory) if isinstance(memory, str) else memory
    options = {name: more.pop(name) for name in ("store", "budget", "clock", "retrieval") if name in more}
    options.setdefault("retrieval", searched())
    options.setdefault("clock", lambda: NOW)
    remember = MemoryMiddleware(memory, models or FakeModels(), **options)
    more.setdefault("checkpointer", InMemorySaver())
    return create_agent(model, more.pop("tools", []), middleware=[remember], **more)


def ask(agent: Any, *queries: str, config: Any = THREAD) -> Any:
    for query in queries:
        found = agent.invoke({"messages": [HumanMessage(query)]}, config)
    return found


def plainly(messages: Sequence[BaseMessage]) -> list[tuple[Any, ...]]:
    """Return all of a prompt that is sent; ids and what came with an answer are not."""
    return [
        (m.type, m.content, m.name, getattr(m, "tool_calls", None), getattr(m, "tool_call_id", None)) for m in messages
    ]


def prompts(model: Any) -> list[list[tuple[Any, ...]]]:
    return [plainly(seen) for seen in model.seen]


def in_a_chat(spec: str, instructions: str = "") -> list[list[tuple[Any, ...]]]:
    """Return the prompts of the same queries in a conversation of ours."""
    with pytest.MonkeyPatch.context() as patch:
        # Both have the same time, so that freshness and dates are the same however slow the machine is.
        patch.setattr("time.time", lambda: NOW)
        talk = conversation(InMemoryStore(), spec, instructions=instructions)
        say(talk, *QUERIES)
    return prompts(talk.models.open_chat())


@every_memory
def test_the_model_is_sent_what_a_chat_sends(spec: str) -> None:
    model = FakeChat()
    agent = agent_of(spec, model)
    found = ask(agent, *QUERIES)
    assert prompts(model) == in_a_chat(spec)
    # The agent's own messages are all there, as they were said.
    assert [m.content for m in found["messages"] if m.type == "human"] == QUERIES
    assert len(found["messages"]) == 2 * len(QUERIES)
    assert "memory" not in found


@every_memory
def test_instructions_come_first(spec: str) -> None:
    model = FakeChat()
    ask(agent_of(spec, model, system_prompt="Be brief."), *QUERIES)
    assert prompts(model) == in_a_chat(spec, "Be brief.")


@every_memory
def test_a_store_of_ours_keeps_the_turns_and_is_recalled_of_without_a_checkpointer(spec: str) -> None:
    model, store = FakeChat(), InMemoryStore()
    ask(agent_of(spec, model, store=store, checkpointer=None, system_prompt="Be brief."), *QUERIES)
    assert prompts(model) == in_a_chat(spec, "Be brief.")
    turns, traces = store.turns("alex", "t1", 0, 99), store.traces("alex", "t1", 0, 99)
    assert [turn.human for turn in turns] == QUERIES
    notes, texts = store.everything("alex", "t1")
    for seen, trace in zip(model.seen, traces, strict=True):
        own = {ref.partition("/")[2]: note for ref, note in notes.items()}
        rebuilt = prompt_of(trace, turns, own, texts)
        assert rebuilt.exact
        assert plainly(rebuilt.prompt.langchain()) == plainly(seen)
        assert trace.reply
        assert trace.errors == ()


@every_memory
def test_asynchronously_it_is_the_same(spec: str) -> None:
    async def talk() -> None:
        for query in QUERIES:
            await agent.ainvoke({"messages": [HumanMessage(query)]}, THREAD)

    model = FakeChat()
    agent = agent_of(spec, model)
    asyncio.run(talk())
    assert prompts(model) == in_a_chat(spec)


@every_memory
def test_what_it_knows_survives_a_restart_as_json_in_the_checkpoint(spec: str) -> None:
    saver, model = InMemorySaver(), FakeChat()
    for query in QUERIES:
        # A new agent, a new search, a new memory: only the checkpointer stays.
        agent = agent_of(spec, model, checkpointer=saver)
        ask(agent, query)
    assert prompts(model) == in_a_chat(spec)
    kept = agent.get_state(THREAD).values.get("memory", {})
    assert json.loads(json.dumps(kept)) == kept
    assert bool(kept) == load().memory(spec).stateful


@every_memory
def test_two_threads_know_nothing_of_each_other(spec: str) -> None:
    model = FakeChat()
    agent = agent_of(spec, model)
    for query in QUERIES:
        for thread in ("one", "two"):
            user = f"{thread}-user"
            ask(agent, query, config={"configurable": {"thread_id": thread, "user_id": user}})
    alone = in_a_chat(spec)
    assert prompts(model)[0::2] == alone
    assert prompts(model)[1::2] == alone


@every_memory
def test_of_the_current_turn_nothing_is_left_out_and_no_call_is_parted_from_its_result(spec: str) -> None:
    turns = [[calls("a", "b"), calls("c"), f"Answer {n} " + "word " * 40] for n in range(4)]
    model = Scripted(answers=[answer for turn in turns for answer in turn])
    agent = agent_of(spec, model, tools=[look_up])
    found = ask(agent, *(f"Question {n}" for n in range(4)))
    assert len(found["messages"]) == 4 * 7
    for number, seen in enumerate(model.seen):
        turn, step = divmod(number, 3)
        current = found["messages"][7 * turn :][: (1, 4, 6)[step]]
        assert plainly(seen[-len(current) :]) == plainly(current)
        asked = [call["id"] for message in seen if isinstance(message, AIMessage) for call in message.tool_calls]
        given = [message.tool_call_id for message in seen if isinstance(message, ToolMessage)]
        assert sorted(asked) == sorted(given)
        # The prompt's beginning stays the same while the agent works, so that a provider can cache it.
        if step:
            assert plainly(seen[: len(model.seen[number - 1])]) == plainly(model.seen[number - 1])


@pytest.mark.parametrize("mode", ["messages", "updates"])
def test_an_answer_is_streamed_and_the_memorys_own_calls_are_not(mode: str) -> None:
    writer = FakeChat(answer=gist)
    agent = agent_of("summary", FakeChat(), writer)
    ask(agent, *QUERIES[:2])
    parts = list(agent.stream({"messages": [HumanMessage("And now?")]}, THREAD, stream_mode=mode))
    if mode == "messages":
        texts = [part.content for part, _ in parts if isinstance(part, AIMessageChunk)]
        assert len(texts) >= 2
        assert "".join(texts).endswith("I heard: And now?")
        assert not any("gist" in text for text in texts)
    else:
        assert [name for part in parts for name in part] == [
            "MemoryMiddleware.before_agent",
            "model",
            "MemoryMiddleware.after_agent",
        ]
        assert "gist" in json.dumps(parts[-1])
    assert len(writer.seen) == 3


def test_it_is_streamed_asynchronously_too() -> None:
    async def texts() -> list[str]:
        stream = agent.astream({"messages": [HumanMessage("Hello?")]}, THREAD, stream_mode="messages")
        return [part.content async for part, _ in stream if isinstance(part, AIMessageChunk)]

    agent = agent_of("summary", FakeChat(), FakeChat(answer=gist))
    found = asyncio.run(texts())
    assert len(found) >= 2
    assert "gist" not in "".join(found)


def test_without_another_the_agents_own_model_serves_the_memory() -> None:
    model = Scripted(answers=["Hello Alex.", "The user is Alex.", "Oslo.", "Alex lives in Oslo."])
    remember = MemoryMiddleware(load().memory("summary"))
    agent = create_agent(model, [], middleware=[remember], checkpointer=InMemorySaver())
    ask(agent, "I am Alex.", "I live in Oslo.")
    assert model.seen[2][0] == SystemMessage("The user is Alex.")


def test_a_memorys_model_that_fails_costs_no_turn_and_the_next_run_catches_up(caplog: Any) -> None:
    failing = [True]

    def writer(messages: list[BaseMessage]) -> str | Exception:
        return ModelFailed("The model is tired: try again.", kind="server") if failing[0] else gist(messages)

    model = FakeChat()
    agent = agent_of("summary", model, FakeChat(answer=writer))
    found = ask(agent, *QUERIES[:2])
    assert len(found["messages"]) == 4
    kept = agent.get_state(THREAD).values["memory"]
    assert kept["errors"] == ["The model is tired: try again."]
    assert "The model is tired" in caplog.text
    failing[0] = False
    ask(agent, *QUERIES[2:4])
    kept = agent.get_state(THREAD).values["memory"]
    assert kept["errors"] == []
    assert kept["state"]["covered"] == 4
    assert kept["state"]["notes"]["summary"]["version"] == 4


def test_an_agents_model_that_fails_loses_nothing_of_what_was_known() -> None:
    model = Scripted(answers=["Hello Alex.", ConnectionError("away"), "You are Alex."])
    agent = agent_of("summary", model)
    ask(agent, "I am Alex.")
    with pytest.raises(ConnectionError):
        ask(agent, "Who am I?")
    ask(agent, "Are you there?")
    assert [message.type for message in model.seen[-1]] == ["system", "human", "human"]
    assert agent.get_state(THREAD).values["memory"]["state"]["covered"] == 2


class Broken(Memory):
    """Fails at whatever it is asked."""

    short, label, keeps, forgets, costs, stateful = "broken", "Broken", "", "", "", True
    reads = False

    def read(self, *_: Any) -> Recall:
        if not self.reads:
            raise ZeroDivisionError("by nought")
        return Recall()

    def write(self, *_: Any) -> Any:
        raise ZeroDivisionError("by nought")


def test_a_memorys_own_mistake_is_named_before_anything_is_sent_and_afterwards_survived() -> None:
    model, memory = FakeChat(), Broken()
    agent = agent_of(memory, model)
    with pytest.raises(BadInput, match="Broken failed to read this conversation"):
        ask(agent, "Hello?")
    assert model.seen == []
    memory.reads = True
    ask(agent, "Hello?")
    said = agent.get_state(THREAD).values["memory"]["errors"]
    assert said == ["Broken failed to take this turn in (ZeroDivisionError: by nought)."]


def test_an_agent_that_has_talked_before_is_caught_up_with_before_the_first_prompt() -> None:
    saver, model = InMemorySaver(), FakeChat()
    ask(create_agent(model, [], checkpointer=saver), *QUERIES[:3])
    agent = agent_of("summary", model, checkpointer=saver)
    ask(agent, "What is my name?")
    assert [message.type for message in model.seen[-1]] == ["system", "human"]
    assert agent.get_state(THREAD).values["memory"]["state"]["covered"] == 4


def test_another_memory_over_the_same_thread_knows_all_of_it() -> None:
    saver, model = InMemorySaver(), FakeChat()
    ask(agent_of("window:k=1", model, checkpointer=saver), *QUERIES[:4])
    writer = FakeChat(answer=gist)
    ask(agent_of("summary", model, writer, checkpointer=saver), "What is my name?")
    assert len(writer.seen) == 5
    assert model.seen[-1][0].text.startswith("gist")


def test_a_message_that_is_edited_is_known_as_it_is_now() -> None:
    model = FakeChat()
    agent = agent_of("summary", model)
    found = ask(agent, "I live in Oslo.", "Thanks.")
    before = agent.get_state(THREAD).values["memory"]["state"]["notes"]["summary"]["text"]
    first = found["messages"][0]
    agent.update_state(THREAD, {"messages": [HumanMessage("I live in Rome.", id=first.id)]})
    ask(agent, "Where do I live?")
    assert model.seen[-1][0].text != before
    assert agent.get_state(THREAD).values["memory"]["state"]["covered"] == 3


def test_the_same_question_after_an_edit_is_answered_from_what_stands_there_now() -> None:
    model = FakeChat()
    agent = agent_of("buffer", model)
    found = ask(agent, "I live in Oslo.", "Where do I live?")
    first, last = found["messages"][0], found["messages"][2:]
    gone = [RemoveMessage(id=message.id) for message in last]
    agent.update_state(THREAD, {"messages": [HumanMessage("I live in Rome.", id=first.id), *gone]})
    ask(agent, "Where do I live?")
    assert model.seen[-1][0].text == "I live in Rome."


def test_what_another_middleware_edits_for_a_call_is_not_taken_for_a_change_of_what_was_said() -> None:
    @wrap_model_call
    def edit(request: Any, handler: Any) -> Any:
        edited = [message.model_copy(update={"content": f"{message.text}!"}) for message in request.messages]
        return handler(request.override(messages=edited))

    model, writer = FakeChat(), FakeChat(answer=gist)
    remember = MemoryMiddleware(load().memory("summary"), FakeModels(writer=writer))
    agent = create_agent(model, [], middleware=[edit, remember], checkpointer=InMemorySaver())
    ask(agent, "One", "Two", "Three")
    assert len(writer.seen) == 3
    assert [message.text for message in model.seen[-1]][1:] == ["Three!"]


def test_a_run_that_waits_for_a_person_goes_on_after_a_restart_as_one_turn() -> None:
    def made() -> Any:
        wait = HumanInTheLoopMiddleware(interrupt_on={"look_up": True})
        remember = MemoryMiddleware(load().memory("summary"), FakeModels())
        return create_agent(model, [look_up], middleware=[remember, wait], checkpointer=saver)

    saver, model = InMemorySaver(), Scripted(answers=["Hello.", calls("a"), "So it is."])
    ask(made(), "I am Alex.", "Look it up.")
    assert len(model.seen) == 2
    made().invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
    assert [message.type for message in model.seen[-1]] == ["system", "human", "ai", "tool"]
    agent = made()
    assert agent.get_state(THREAD).values["memory"]["state"]["covered"] == 2


def test_many_threads_at_once_are_kept_apart() -> None:
    model = FakeChat()
    agent = agent_of("combined:memories=window(k=1)+vector(k=2)+summary", model)

    def talk(number: int) -> None:
        config = {"configurable": {"thread_id": f"t{number}", "user_id": "alex"}}
        for query in QUERIES:
            ask(agent, query, config=config)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(talk, range(4)))
    alone = in_a_chat("combined:memories=window(k=1)+vector(k=2)+summary")
    assert sorted(prompts(model), key=repr) == sorted(alone * 4, key=repr)


def test_branches_of_one_thread_find_no_words_of_each_other() -> None:
    model = FakeChat()
    agent = agent_of("vector:k=1", model)
    ask(agent, "I like tea.")
    fork = agent.get_state(THREAD).config
    ask(agent, "My parrot is called Coco.", "Who is Coco?")
    assert "parrot" in model.seen[-1][0].text
    other = agent.invoke({"messages": [HumanMessage("My horse is called Bella.")]}, fork)
    assert len(other["messages"]) == 4
    ask(agent, "Who is Coco?")
    assert "parrot" not in str(model.seen[-1])


def test_an_image_that_is_recalled_is_sent_again() -> None:
    picture = [{"type": "text", "text": "What is this?"}, {"type": "image", "url": "https://example.org/a.png"}]
    model = FakeChat()
    agent = agent_of("buffer", model)
    agent.invoke({"messages": [HumanMessage(picture)]}, THREAD)
    ask(agent, "And what is beside it?")
    assert model.seen[-1][0].content == picture


def test_what_is_said_in_the_middle_of_a_run_belongs_to_its_turn() -> None:
    said = [
        HumanMessage("Question", id="q"),
        calls("a"),
        ToolMessage("so", tool_call_id="call-a"),
        HumanMessage("Go on."),
    ]
    remembered = MessageMemory(load().memory("none"), Models())
    assert remembered.prompt(said, start="q") == said
    assert remembered.prompt(said) == said[3:]


def test_a_system_message_among_the_messages_is_an_instruction() -> None:
    said = [SystemMessage("Be brief."), HumanMessage("a"), AIMessage("b"), HumanMessage("c")]
    assert MessageMemory(load().memory("none"), Models()).prompt(said) == [said[0], said[3]]
    assert turns_of(said[:3])[0].human == "a"
    assert start_of(said) == 3


def test_no_more_is_recalled_than_fits_beside_what_the_agent_did() -> None:
    model = Scripted(
        answers=["word " * 500, "word " * 500, calls("x" * 900), "Done."], profile={"max_input_tokens": 1200}
    )
    agent = agent_of("buffer", model, tools=[look_up])
    ask(agent, "One", "Two", "Three")
    assert len(model.seen[2]) == 3  # of two long turns the newest, and the query
    assert [message.type for message in model.seen[3]][-3:] == ["human", "ai", "tool"]
    assert sum(len(message.text.split()) for message in model.seen[3][:-3]) < 500


def test_a_budget_holds() -> None:
    model = FakeChat()
    ask(agent_of("buffer", model, budget=60), *QUERIES)
    talk = conversation(InMemoryStore(), "buffer", budget=60)
    say(talk, *QUERIES)
    assert prompts(model) == prompts(talk.models.open_chat())


def test_the_clock_that_is_given_dates_what_is_quoted() -> None:
    model = FakeChat()
    agent = agent_of("vector:k=1", model, clock=lambda: 1_700_000_000.0)
    ask(agent, "My parrot is called Coco.", "Who is Coco?")
    assert "14 November 2023:" in model.seen[-1][0].text


def test_users_and_threads_of_any_name_are_kept_apart() -> None:
    assert safe_name("alex_1") == "alex_1"
    assert safe_name("alex@example.org") != safe_name("alex@example.com")
    assert safe_name("../x").isalnum()


def test_the_user_may_be_named_by_the_context() -> None:
    model, store = FakeChat(), InMemoryStore()
    agent = agent_of("window:k=1", model, store=store)
    agent.invoke(
        {"messages": [HumanMessage("Hello")]}, {"configurable": {"thread_id": "t1"}}, context={"user_id": "mira"}
    )
    assert [turn.human for turn in store.turns("mira", "t1", 0, 9)] == ["Hello"]


def test_a_store_without_a_thread_is_refused_with_the_remedy() -> None:
    agent = agent_of("window:k=1", FakeChat(), store=InMemoryStore(), checkpointer=None)
    with pytest.raises(BadInput, match="thread_id"):
        ask(agent, "Hello", config={})


def test_without_a_thread_a_memory_works_on_the_messages_it_is_given() -> None:
    model = FakeChat()
    agent = agent_of("vector:k=1", model, checkpointer=None)
    said = [("human", "My parrot is called Coco."), ("ai", "Nice."), ("human", "I like tea."), ("ai", "So do I.")]
    agent.invoke({"messages": [*said, ("human", "Who is Coco?")]})
    assert "parrot" in model.seen[-1][0].text
    assert "tea" not in model.seen[-1][0].text


def test_what_the_store_lacks_is_taken_over_from_the_checkpoint() -> None:
    saver, store, model = InMemorySaver(), InMemoryStore(), FakeChat()
    ask(create_agent(model, [], checkpointer=saver), *QUERIES[:3])
    ask(agent_of("summary", model, store=store, checkpointer=saver), "What is my name?")
    assert [turn.human for turn in store.turns("alex", "t1", 0, 9)] == [*QUERIES[:3], "What is my name?"]
    assert model.seen[-1][0].text.startswith("gist")


def test_what_is_forgotten_while_an_agent_works_does_not_come_back_with_its_answer() -> None:
    @tool
    def forget(word: str) -> str:
        """Forget everything."""
        store.clear("alex", "t1")
        return word

    store, call = InMemoryStore(), calls("a")
    call.tool_calls[0]["name"] = "forget"
    model = Scripted(answers=["Hello Alex.", call, "Done.", "I know nobody."])
    agent = agent_of("buffer", model, store=store, checkpointer=None, tools=[forget])
    ask(agent, "I am Alex.", "Forget me.")
    assert store.turns("alex", "t1", 0, 9) == []
    ask(agent, "Who am I?")
    assert [message.text for message in model.seen[-1]] == ["Who am I?"]
    assert len(store.turns("alex", "t1", 0, 9)) == 1


def told(memory: StoredMemory, query: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Have a turn of the thread t1 answered, with something that happens between the prompt and the answer."""
    messages: list[BaseMessage] = [HumanMessage(query, id=query)]
    memory.prompt(messages, owner=Owner("alex", "t1"))
    meanwhile()
    memory.write([*messages, AIMessage("ok")], owner=Owner("alex", "t1"))


def test_the_trace_has_the_prompt_that_was_sent_though_another_turn_came_before_the_answer() -> None:
    store = InMemoryStore()
    first, other = (StoredMemory(load().memory("buffer"), FakeModels(), store=store) for _ in range(2))
    told(first, "One.")
    told(first, "Three.", lambda: told(other, "Two."))
    traces = store.traces("alex", "t1", 0, 9)
    assert [turn.human for turn in store.turns("alex", "t1", 0, 9)] == ["One.", "Two.", "Three."]
    assert [trace.turn for trace in traces] == [0, 1, 2]
    assert [trace.read_length for trace in traces] == [0, 1, 1]
    assert [[item.turns for item in trace.items] for trace in traces] == [[], [(0, 1)], [(0, 1)]]


def test_a_write_that_loses_every_race_leaves_its_error_and_its_calls_in_the_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = InMemoryStore()
    memory = StoredMemory(load().memory("summary"), FakeModels(writer=FakeChat(answer=gist)), store=store)
    put = store.put_state

    def lost(*given: Any, **more: Any) -> str | None:
        return None if given[4] is not None else put(*given, **more)

    monkeypatch.setattr(store, "put_state", lost)
    told(memory, "One.")
    (trace,) = store.traces("alex", "t1", 0, 9)
    assert [call.purpose for call in trace.calls].count("summary") >= 1
    assert trace.errors[-1].startswith("Summary did not take this turn in, as others kept writing here")
    monkeypatch.undo()
    told(memory, "Two.")
    assert store.open("alex", "t1", memory.key).state.covered == 2
    assert store.traces("alex", "t1", 1, 2)[0].errors == ()


def test_a_run_with_tools_is_one_turn_in_the_store_with_every_call_of_the_model(store: Store) -> None:
    model, user = Scripted(answers=[calls("a"), "So it is."]), new_user()
    agent = agent_of("buffer", model, store=store, tools=[look_up])
    config = {"configurable": {"thread_id": "t1", "user_id": user}}
    ask(agent, "Look it up.", config=config)
    (turn,) = store.turns(user, "t1", 0, 9)
    assert [message.role for message in turn.messages] == ["human", "ai", "tool", "ai"]
    (trace,) = store.traces(user, "t1", 0, 9)
    assert [call.purpose for call in trace.calls] == ["reply", "reply"]
    assert trace.calls[1].input_tokens > trace.calls[0].input_tokens
    thread = store.thread(user, "t1")
    assert thread
    assert thread.title == "Look it up."
