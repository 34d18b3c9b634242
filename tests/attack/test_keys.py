"""Keys and passwords stay where they are: in no log, no trace, no export, no error and nothing that is stored.

python -m pytest tests/attack/test_keys.py
"""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest
import redis

from memory import worker
from memory.backup.copying import back_up
from memory.conversation import Conversation
from memory.errors import InspectorError, explain
from memory.exchange import export_user
from memory.observing import log, metrics
from memory.preferences import Preferences
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.server.connect import connect
from memory.services import Models
from memory.stores.redis import RedisStore
from tests.memory.fakes import conversation, everything_on, new_user
from tests.openai_server import openai_server
from tests.servers import redis_server

FROM_ENVIRONMENT = "sk-environment-4f1c0a9be2d7"
TYPED = "sk-typed-9be2d74f1c0a"
PASSWORD = "pa55w0rd-of-redis"
PLANTED = (FROM_ENVIRONMENT, TYPED, PASSWORD)


def held_by(places: dict[str, str]) -> list[str]:
    """Name the places in which a planted key stands, whole or by its beginning."""
    return [name for name, text in places.items() for key in PLANTED if key in text or key[:14] in text]


def test_no_key_is_anywhere_after_a_turn_that_worked_and_one_that_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setattr(logging.getLogger("memory_inspector"), "handlers", [])  # put back afterwards
    log.set_up()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger("memory_inspector").handlers[:] = [handler]
    logging.getLogger().addHandler(handler)
    places: dict[str, str] = {}
    folder = tmp_path / "redis"
    folder.mkdir()
    try:
        with openai_server() as model, redis_server(folder, requirepass=PASSWORD) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", model.url)
            monkeypatch.setenv("OPENAI_API_KEY", FROM_ENVIRONMENT)
            monkeypatch.setenv("REDIS_URL", server.url.replace("//", f"//:{PASSWORD}@"))
            connection = connect()
            store, user = RedisStore(connection), new_user()
            made = conversation(store, "window", user=user)
            Preferences(model="openai:echo").save(store, user)
            for key in (None, TYPED):
                for name in ("openai:echo", "openai:401", "openai:html", "openai:429"):
                    models = Models(name, key=key)
                    talk = Conversation(
                        store, user, "t1", made.memory, models, retrieval=Retrieval(embedding("hashing"))
                    )
                    job = worker.start(talk, f"Hello {name}.")
                    job.join(60)
                    places[f"{name} by {key and 'typed'}"] = (
                        f"{job.text} {job.error} {job.reply.error} {job.reply.trace!r}"
                    )
            places["store"] = repr(everything_on(connection))
            places["export"] = export_user(store, user).decode()
            back_up(connection, tmp_path / "all.jsonl")
            places["backup"] = (tmp_path / "all.jsonl").read_text()
            places["metrics"] = metrics.exposed().decode()
            places["connection"] = f"{connection.describe()} {connection!r}"
            server.kill()
            with pytest.raises(InspectorError) as away:
                connection.call(lambda client: client.get("x"))
            places["outage"] = f"{away.value} {away.value!r}"
            connection.close()
    finally:
        logging.getLogger().removeHandler(handler)
    places["log"] = written.getvalue()
    output = capfd.readouterr()
    places["output"] = output.out + output.err
    assert "Hello openai:echo" in places["export"]
    assert held_by(places) == []


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"401: Incorrect API key provided: {TYPED}. You can find it at …"),
        ValueError(f"Authorization: Bearer {FROM_ENVIRONMENT}"),
        ConnectionError(f"https://user:{TYPED}@host/v1 did not answer"),
        redis.ConnectionError(f"redis://:{TYPED}@host:6379"),
    ],
)
def test_no_key_is_in_what_is_said_of_an_error(error: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", FROM_ENVIRONMENT)
    said = explain(error, model="openai:x", keys=(TYPED,))
    assert held_by({"error": f"{said} {said!r}"}) == []
