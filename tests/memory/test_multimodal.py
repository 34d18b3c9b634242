"""MultimodalMemory: pictures captioned once, found by their captions, sent to models that take them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from memory import threads
from memory.base import Message, State, Turn, replay
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import BadInput
from memory.exchange import bring_in, export_thread, read
from memory.inspection.inspect import inspect
from memory.inspection.sent import as_json
from memory.pictures.album import take_in
from memory.pictures.picture import Picture, worded
from memory.pictures.sight import Pictures
from memory.preferences import Preferences
from memory.prompt import assemble
from memory.reply import Reply
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.steps import BeforeModel
from memory.store import Store, Thread
from memory.stores.inmemory import InMemoryStore
from memory.views import PictureList
from memory.worker import start
from tests.memory.fakes import ENCODING, FakeServices, lazily, new_user, trace_of, traces_of, turns_of
from tests.openai_server import Answer, Server, openai_server
from tests.pictures.drawn import beach, cat

MEMORY = load().memory("multimodal")
SEEN = 425
"""Tokens of a picture of 600 × 400 pixels by gpt-4o's rule: two tiles."""


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with openai_server() as server:
        yield server


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("OPENAI_BASE_URL", running.url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    running.requests.clear()
    return running


def talk_with(store: Store, model: str = "demo", memory: str = "multimodal", **more: Any) -> Conversation:
    user, chosen = new_user(), load().memory(memory)
    store.put_thread(user, Thread("t1", created=1.0, updated=1.0, memory=chosen.name))
    return Conversation(store, user, "t1", chosen, Models(model), retrieval=Retrieval(), **more)


def send(talk: Conversation, text: str, *files: tuple[Picture, bytes]) -> Reply:
    pictures = take_in(talk.store, talk.user, talk.thread, files)
    reply = talk.reply(worded(text, pictures), pictures=pictures)
    list(reply)
    return reply


def parts(message: dict[str, Any], kind: str) -> list[Any]:
    content = message["content"]
    return [part for part in content if part["type"] == kind] if isinstance(content, list) else []


def with_pictures() -> list[Turn]:
    told = [("Our holiday.", beach()[0]), ("Our cat.", cat()[0])]
    return [
        Turn(f"t{index}", (Message("human", worded(text, [picture]), pictures=(picture,)),), index=index)
        for index, (text, picture) in enumerate(told)
    ]


def test_the_demo_model_recalls_a_picture_by_what_can_be_read_off_its_file() -> None:
    talk = talk_with(InMemoryStore())
    send(talk, "Here is our holiday.", beach())
    send(talk, "And this is our cat.", cat())
    send(talk, "I like tea.")
    reply = send(talk, "What does the picture beach.png show?")
    assert reply.text == "The picture beach.png shows mainly blue and beige."
    first = trace_of(reply).items[0]
    assert (first.ref, first.picture) == ("picture-1-1:1", "")
    assert "from turn 1; its caption alone, as demo is not known to take pictures" in first.why
    assert trace_of(send(talk, "What do I like?")).items == ()
    assert all(call.purpose == "reply" for trace in traces_of(talk) for call in trace.calls)


def test_who_asks_for_a_picture_without_naming_one_gets_the_last() -> None:
    recall = MEMORY.read(
        replay(MEMORY, with_pictures(), FakeServices()), lazily(with_pictures()), "Any photo?", FakeServices(), 500
    )
    assert [item.ref for item in recall.items] == ["picture-1-1:1", "picture-2-1:1"]
    one = load().memory("multimodal:k=1")
    recall = one.read(
        replay(one, with_pictures(), FakeServices()), lazily(with_pictures()), "Any photo?", FakeServices(), 500
    )
    assert [item.ref for item in recall.items] == ["picture-2-1:1"]


def test_the_same_picture_is_captioned_once_and_a_forgotten_turn_s_not_sent() -> None:
    turns = with_pictures()
    again = Turn("t2", (Message("human", beach()[0].told, pictures=(beach()[0],)),), index=2)
    state = replay(MEMORY, [*turns, again], FakeServices())
    assert sorted(state.notes) == ["picture-1-1", "picture-2-1"]
    gone = [Turn("t0", (), "forgotten", index=0), turns[1]]
    recall = MEMORY.read(state, lazily(gone), "pictures?", FakeServices(), 500)
    assert [item.ref for item in recall.items] == ["picture-2-1:1"]


@pytest.mark.parametrize(
    ("budget", "picture"), [(SEEN + 10, False), (SEEN + 60, True), (2 * SEEN + 120, True), (10, False), (0, False)]
)
def test_a_picture_s_tokens_count_for_the_budget_and_its_caption_is_sent_where_it_does_not_fit(
    budget: int, picture: bool
) -> None:
    services, turns = FakeServices(), with_pictures()
    services.pictures = Pictures("openai:gpt-4o")
    recall = MEMORY.read(replay(MEMORY, turns, services), lazily(turns), "pictures of the beach", services, budget)
    assert recall.tokens <= budget
    assert any(item.picture for item in recall.items) == picture
    prompt = assemble("", recall, lazily(turns), "?", ENCODING)
    assert sum(message.tokens for message in prompt.messages[:-1]) == recall.tokens
    for item in recall.items:
        assert bool(item.picture) == ("the picture itself, 425 tokens" in item.why)


def test_where_a_rule_is_not_known_the_caption_is_sent_and_says_so() -> None:
    services, turns = FakeServices(), with_pictures()
    services.pictures = Pictures("openai:gpt-5.1")
    recall = MEMORY.read(replay(MEMORY, turns, services), lazily(turns), "the beach", services, 5000)
    assert not any(item.picture for item in recall.items)
    assert "its tokens are not known for openai:gpt-5.1" in recall.items[0].why


def test_a_model_of_a_server_of_one_s_own_receives_pictures_once_somebody_says_that_it_takes_them(
    server: Server,
) -> None:
    store = InMemoryStore()
    talk = talk_with(store, "openai:my-own")
    server.script(Answer(text="I see no picture."))
    send(talk, "Here is our holiday.", beach())
    assert all(not parts(request.body["messages"][-1], "image_url") for request in server.requests)
    server.requests.clear()
    models = Preferences(model="openai:my-own").but(pictures={"openai:my-own": True}).models()
    server.script(Answer(text="A beach."))
    trace = trace_of(send(replace(talk, models=models), "And this?", cat()))
    assert len(parts(server.requests[0].body["messages"][-1], "image_url")) == 1
    assert list(trace.pictures.values()) == [None]


def test_a_model_that_takes_pictures_receives_them_and_writes_the_caption(server: Server) -> None:
    store = InMemoryStore()
    talk = talk_with(store, "openai:gpt-4o")
    server.script(Answer(text="A beach."), Answer(text="A wide sandy beach\nunder a blue sky. Sign: OCEAN."))
    first = send(talk, "Here is our holiday.", beach())
    sent, caption = server.requests[0].body, server.requests[1].body
    [shown] = parts(sent["messages"][-1], "image_url")
    assert base64.b64decode(shown["image_url"]["url"].partition("base64,")[2]) == beach()[1]
    assert shown["image_url"]["url"].startswith("data:image/png;")
    assert parts(sent["messages"][-1], "text")[0]["text"] == worded("Here is our holiday.", [beach()[0]])
    assert len(parts(caption["messages"][-1], "image_url")) == 1
    trace = trace_of(first)
    assert trace.pictures == {beach()[0].id: SEEN}
    assert [call.purpose for call in trace.own_calls] == ["caption"]
    assert trace.own_calls[0].estimate > SEEN
    assert trace.segments["query"] > SEEN
    state = talk.opened().state
    text = "The picture beach.png: A wide sandy beach under a blue sky. Sign: OCEAN."
    assert [note.text for note in state.notes.values()] == [text]

    server.requests.clear()
    server.script(Answer(text="OCEAN."))
    reply = send(talk, "What did the sign at the ocean beach say?")
    messages = server.requests[0].body["messages"]
    assert [message["role"] for message in messages] == ["user", "user"]
    assert parts(messages[0], "text")[0]["text"] == text
    assert len(parts(messages[0], "image_url")) == 1
    [item] = trace_of(reply).items
    assert (item.picture, item.text) == (beach()[0].id, None)
    assert "the picture itself, 425 tokens, with its caption" in item.why

    seen = inspect(store, talk.user, talk.thread, 1, 2)
    assert seen
    assert seen.rebuilt.exact
    assert sum(message.tokens for message in seen.rebuilt.prompt.messages) == trace_of(reply).prompt_tokens
    assert "not shown here" in as_json(seen.rebuilt.prompt)
    [form] = [form for form in seen.view.forms if isinstance(form, PictureList)]
    assert [(row.turn, row.caption, row.sent) for row in form.rows] == [(0, text, True)]
    first_seen = inspect(store, talk.user, talk.thread, 0, 2)
    assert first_seen
    assert first_seen.rebuilt.exact
    assert "with 1 picture of 425 tokens" in first_seen.rebuilt.prompt.messages[-1].why


def test_a_model_that_takes_none_is_told_in_words_and_the_trace_says_so(server: Server) -> None:
    talk = talk_with(InMemoryStore(), "openai:gpt-3.5-turbo")
    reply = send(talk, "Look.", beach())
    assert server.requests[0].body["messages"][-1]["content"] == worded("Look.", [beach()[0]])
    assert trace_of(reply).pictures == {}
    assert reply.prompt
    assert "not known to take pictures" in reply.prompt.messages[-1].why


def test_a_failing_caption_loses_no_turn_and_is_made_with_the_next(server: Server) -> None:
    talk = talk_with(InMemoryStore(), "openai:gpt-4o")
    server.script(Answer(text="Nice."), Answer(status=500))
    failed = trace_of(send(talk, "Look.", beach()))
    assert failed.errors
    assert talk.opened().state == State()
    server.script(Answer(text="Tea."), Answer(text="A beach."))
    send(talk, "I like tea.")
    assert [note.text for note in talk.opened().state.notes.values()] == ["The picture beach.png: A beach."]


def test_two_pictures_of_one_name_have_captions_of_their_own(server: Server) -> None:
    talk = talk_with(InMemoryStore(), "openai:gpt-4o")
    other = cat()[0]
    other = Picture(other.id, "beach.png", other.mime, other.width, other.height, other.size)
    server.script(Answer(text="1"), Answer(text="Sand."), Answer(text="2"), Answer(text="Fur."))
    send(talk, "One.", beach())
    send(talk, "Two.", (other, cat()[1]))
    assert sorted(note.text[-5:] for note in talk.opened().state.notes.values()) == [" Fur.", "Sand."]


def test_an_estimate_of_the_captions_calls_nobody_and_counts_the_pictures(server: Server) -> None:
    talk = talk_with(InMemoryStore(), "openai:gpt-4o", "buffer")
    send(talk, "Look.", beach())
    server.requests.clear()
    estimate = Conversation(talk.store, talk.user, talk.thread, MEMORY, talk.models).estimate()
    assert (estimate.turns, estimate.calls, server.requests) == (1, 1, [])
    assert estimate.tokens > SEEN


def test_in_a_combined_memory_pictures_stand_beside_the_recent_turns() -> None:
    talk = talk_with(InMemoryStore(), memory="combined:memories=multimodal(k=1)+window(k=1),max_token_limit=200")
    send(talk, "Here is our holiday.", beach())
    for number in range(3):
        send(talk, f"Message {number}.")
    trace = trace_of(send(talk, "What does the picture beach.png show?"))
    assert [item.ref for item in trace.items] == ["0.picture-1-1:1", "turns:3-3"]
    assert trace.segments["memory"] + trace.segments["history"] <= 200


def test_step_mode_shows_the_picture_in_the_prompt_and_an_edit_keeps_it(server: Server) -> None:
    talk = talk_with(InMemoryStore(), "openai:gpt-4o", "buffer")
    pictures = take_in(talk.store, talk.user, talk.thread, [beach()])
    job = start(talk, worded("Look.", pictures), stepped=True, pictures=pictures)
    while not isinstance(job.before, BeforeModel):
        if job.before:
            job.next(job.before.step)
        job.join(0.01)
    before = job.before
    assert before.messages[-1].pictures == (beach()[0].id,)
    assert before.messages[-1].tokens > SEEN
    from memory.edited_prompt import reworded

    job.edit([*before.messages[:-1], reworded(before.messages[-1], "What is this?", before.encoding)])
    assert job.before
    assert job.before.tokens > SEEN  # type: ignore[union-attr]
    job.run_on()
    job.join(30)
    [shown] = parts(server.requests[0].body["messages"][-1], "image_url")
    assert shown
    assert turns_of(talk)[0].pictures == (beach()[0],)


def test_a_message_taken_back_before_the_model_leaves_no_picture(store: Store) -> None:
    talk = talk_with(store)
    pictures = take_in(store, talk.user, talk.thread, [beach()])
    job = start(talk, worded("Look.", pictures), stepped=True, pictures=pictures)
    while job.status != "paused":
        job.join(0.01)
    job.stop()
    job.join(30)
    assert job.status == "withdrawn"
    assert store.picture_ids(talk.user, talk.thread) == []


def test_an_export_carries_the_pictures_and_an_import_brings_them_back(store: Store) -> None:
    talk = talk_with(store)
    send(talk, "Here is our holiday.", beach())
    data = export_thread(store, talk.user, talk.thread)
    receipt = bring_in(store, "another", read(data))
    [thread] = receipt.threads
    assert store.picture("another", thread, beach()[0].id) == beach()[1]
    [turn] = store.turns("another", thread, 0, 10)
    assert turn.pictures == (beach()[0],)
    image = Image.open(io.BytesIO(beach()[1]))
    wrong = base64.b64encode(image.tobytes()[:100])
    with pytest.raises(BadInput, match="must be a picture in PNG or JPEG under the hash of its bytes"):
        read(data.replace(base64.b64encode(beach()[1]), wrong))
    for old, new in ((b'"beach.png"', b'"<b>beach"'), (b'"image/png"', b'"text/html"'), (b'"blue"', b'"<i>"')):
        with pytest.raises(BadInput, match=r"messages\[0\].pictures\[0\]"):
            read(data.replace(old, new))


def test_a_fork_takes_captions_and_pictures_along() -> None:
    talk = talk_with(InMemoryStore())
    send(talk, "Here is our holiday.", beach())
    fork = threads.fork(talk.store, talk.user, talk.thread, 1)
    other = Conversation(talk.store, talk.user, fork.id, MEMORY, Models())
    assert send(other, "What does the picture beach.png show?").text.startswith("The picture beach.png shows")
    assert not [call for call in traces_of(other)[-1].own_calls if call.purpose == "caption"]
