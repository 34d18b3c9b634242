"""Embeddings by their setting: what is chosen, what a vector is, and what is said when a model is away."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memory.errors import BadInput, ModelFailed
from memory.retrieval import embeddings, minilm
from memory.retrieval.embeddings import Embedding, Hashing, embedding, fetch_model

# The tests have a home of their own; the model is looked for in the real one.
MODEL = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"
needs_model = pytest.mark.skipif(minilm.missing(MODEL) is not None, reason="all-MiniLM-L6-v2 is not on this disk")

TEXTS = [
    "I love hiking in the mountains.",
    "Yesterday we climbed a steep hill with my sister!",
    "The invoice is due on Friday.",
    "",
    "¿Dónde está mi gato? 猫はどこですか。 🐈",
    "word " * 900,
]


@pytest.fixture(autouse=True)
def _no_model_is_remembered() -> Iterator[None]:
    yield
    for made in (embeddings._minilm, embeddings._onnx, embeddings._provided):
        made.cache_clear()


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Embedding:
    monkeypatch.setattr(minilm, "FOLDER", MODEL)
    return embedding("minilm")


def test_auto_is_hashing_and_says_so_where_no_model_is_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "FOLDER", Path("/nowhere"))
    chosen = embedding()
    assert (chosen.name, chosen.real, chosen.dimensions, chosen.priced_as) == ("hashing", False, 384, None)
    assert chosen.label == "hashing, no meaning: words only"


def test_the_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDINGS", " openai:text-embedding-3-large ")
    chosen = embedding()
    assert (chosen.name, chosen.dimensions) == ("openai:text-embedding-3-large", 3072)
    assert chosen.priced_as == "openai:text-embedding-3-large"
    assert embedding("hashing").name == "hashing"


def test_the_same_setting_is_the_same_object() -> None:
    assert embedding("hashing") is embedding("hashing")
    assert embedding("openai:text-embedding-3-small") is embedding("openai:text-embedding-3-small")
    assert embedding("openai:text-embedding-3-small", api_key="a") is not embedding("openai:text-embedding-3-small")


@pytest.mark.parametrize("setting", ["gpt", "words", "demo", ":", "openai:"])
def test_a_setting_that_means_nothing_is_refused_with_what_can_be_written(setting: str) -> None:
    with pytest.raises(BadInput, match="openai:text-embedding-3-small, or a path"):
        embedding(setting)


def test_minilm_that_is_not_there_is_not_downloaded_by_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "FOLDER", Path("/nowhere"))
    with pytest.raises(ModelFailed, match="download it in Settings, or set EMBEDDINGS=hashing"):
        embedding("minilm")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there is no model\.onnx"):
        embedding(str(tmp_path))


def test_no_text_is_no_row() -> None:
    assert Hashing().embed([]).shape == (0, 384)


@given(st.lists(st.text(max_size=200), min_size=1, max_size=40))
@example(["\U000b441e"])  # its word and its only piece meet in one place, with opposite signs
@settings(max_examples=60)
def test_rows_have_the_length_one_and_stand_in_the_order_of_the_texts(texts: list[str]) -> None:
    model = Hashing()
    rows = model.embed(texts)
    assert rows.dtype == np.float32
    assert rows.shape == (len(texts), 384)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, rows, strict=True):
        assert np.array_equal(model.embed([text])[0], row)


def test_half_a_character_is_embedded_as_a_question_mark() -> None:
    assert np.array_equal(Hashing().embed(["half \ud83d"]), Hashing().embed(["half ?"]))


def test_hashing_is_the_same_in_every_process() -> None:
    script = "from memory.retrieval.embeddings import Hashing; print(Hashing().embed(['I love hiking.'])[0].tolist())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_hashing_finds_shared_words_and_word_forms_but_no_meaning() -> None:
    model = Hashing()
    query, same, form, meaning = model.embed(["hiking", "we went hiking", "the hikers", "a walk in the mountains"])
    assert query @ same > query @ form > query @ meaning
    assert abs(query @ meaning) < 0.3


def test_a_query_is_embedded_once_and_the_oldest_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Hashing):
        calls = 0

        def _vectors(self, texts: Any) -> Any:
            self.calls += len(texts)
            return super()._vectors(texts)

    monkeypatch.setattr(embeddings, "CACHED", 3)
    model = Counting()
    model.embed(["a", "b", "a"])
    assert model.calls == 2
    model.embed(["a", "c"])
    assert model.calls == 3
    model.embed(["d"])
    model.embed(["a", "c", "d"])
    assert model.calls == 4
    model.embed(["b"])
    assert model.calls == 5
    model.embed([str(number) for number in range(30)])
    model.embed(["b"])
    assert model.calls == 35


def test_what_is_given_out_cannot_change_what_is_kept() -> None:
    model = Hashing()
    model.embed(["a"])[:] = 0
    assert np.linalg.norm(model.embed(["a"])) == pytest.approx(1)


@needs_model
def test_minilm_is_what_chromadb_computes(model: Embedding) -> None:
    from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

    chroma = ONNXMiniLM_L6_V2()
    chroma.DOWNLOAD_PATH = MODEL.parent
    texts = TEXTS + [f"Message {number} " + "and more " * number for number in range(0, 30, 3)]
    assert np.abs(model.embed(texts) - np.array(chroma(texts))).max() < 1e-5


@needs_model
def test_minilm_knows_meaning(model: Embedding) -> None:
    query, near, far = model.embed(["hiking", "a walk in the mountains", "an invoice"])
    assert query @ near > query @ far + 0.2
    assert model.real


@needs_model
def test_minilm_needs_no_chromadb(model: Embedding) -> None:
    script = (
        "import sys; from pathlib import Path; from memory.retrieval.minilm import OnnxModel;"
        f"OnnxModel(Path({str(MODEL)!r})).embed(['a']); print('chromadb' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ended.stdout.strip() == b"False"


@needs_model
def test_threads_share_one_model(model: Embedding) -> None:
    expected = [model.embed([text])[0] for text in TEXTS]
    fresh = embeddings.OnnxEmbedding(MODEL, "fresh", "", 384)
    seen: list[bool] = []

    def work() -> None:
        seen.extend(
            np.allclose(fresh.embed([text])[0], row, atol=1e-5) for text, row in zip(TEXTS, expected, strict=True)
        )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4 * len(TEXTS)
    assert all(seen)


@needs_model
def test_a_path_is_an_embedding_named_by_what_it_holds(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.symlink_to(MODEL)
    chosen = embedding(str(folder))
    assert chosen.name.startswith("mine-")
    assert chosen.dimensions == 384


@needs_model
@pytest.mark.parametrize("cut", [0, 1, 4_096, 45_000_000, -1])
def test_a_model_that_is_cut_off_is_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes((MODEL / name).read_bytes()[: cut if name == "model.onnx" else None])
    monkeypatch.setattr(minilm, "FOLDER", tmp_path)
    assert embedding("auto").name == "hashing"
    with pytest.raises(ModelFailed, match="not complete"):
        minilm.OnnxModel(tmp_path).embed(["a"])


def test_a_model_that_is_no_model_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x08\x01")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelFailed, match="cannot be loaded: it is damaged"):
        minilm.OnnxModel(tmp_path).embed(["a"])


class _Files(BaseHTTPRequestHandler):
    body = b"not a model"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server of the loopback in place of Chroma's; the model's place is in an empty folder."""
    from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(ONNXMiniLM_L6_V2, "MODEL_DOWNLOAD_URL", f"http://127.0.0.1:{server.server_port}/onnx.tar.gz")
    monkeypatch.setattr(ONNXMiniLM_L6_V2._download.retry, "sleep", lambda seconds: None)  # type: ignore[attr-defined]
    monkeypatch.setattr(minilm, "FOLDER", tmp_path / "models" / "onnx")
    yield tmp_path / "models"
    server.shutdown()
    server.server_close()


def test_a_download_of_something_else_leaves_nothing_behind(download: Path) -> None:
    with pytest.raises(ModelFailed, match="a proxy may stand in the way") as caught:
        fetch_model()
    assert caught.value.kind == "connection"
    assert list(download.iterdir()) == []


def test_no_network_is_one_sentence(download: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> Any:
        raise httpx.ConnectError("Name or service not known")

    monkeypatch.setattr(httpx, "stream", refuse)
    with pytest.raises(ModelFailed, match="there is no network") as caught:
        fetch_model()
    assert caught.value.kind == "connection"
    assert str(minilm.FOLDER) in str(caught.value)
    assert list(download.iterdir()) == []


@needs_model
def test_a_download_tells_its_progress_and_replaces_what_was_cut_off(
    download: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib
    import tarfile

    from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

    archive = tmp_path / "onnx.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(MODEL, arcname="onnx")
    monkeypatch.setattr(_Files, "body", archive.read_bytes())
    monkeypatch.setattr(ONNXMiniLM_L6_V2, "_MODEL_SHA256", hashlib.sha256(_Files.body).hexdigest())
    minilm.FOLDER.mkdir(parents=True)
    (minilm.FOLDER / "model.onnx").write_bytes(b"half")
    heard: list[tuple[int, int]] = []
    model = fetch_model(lambda done, total: heard.append((done, total)))
    assert heard[0] == (0, len(_Files.body))
    assert heard[-1] == (len(_Files.body), len(_Files.body))
    assert 20 < len(heard) < 400
    assert [path.name for path in download.iterdir()] == ["onnx"]
    assert embedding("auto") is model
    assert model.embed(["a"]).shape == (1, 384)


class _Provider(BaseHTTPRequestHandler):
    """Speaks OpenAI's embeddings protocol as plain servers do: lists of floats."""

    seen: list[dict[str, Any]] = []  # noqa: RUF012
    status = 200
    width = 3

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append({"path": self.path, "key": self.headers["Authorization"], **body})
        data = [
            {"index": place, "embedding": [len(text), 1, 0][: self.width]} for place, text in enumerate(body["input"])
        ]
        answer = {"data": data, "model": body["model"]} if self.status == 200 else {"error": {"message": "no"}}
        payload = json.dumps(answer).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Provider]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setattr(_Provider, "seen", [])
    yield _Provider
    server.shutdown()
    server.server_close()


def test_a_server_of_ones_own_gets_plain_texts_in_batches_and_no_key_is_needed(provider: type[_Provider]) -> None:
    model = embedding("openai:nomic-embed-text")
    assert model.name.startswith("openai:nomic-embed-text at 127.0.0.1:")
    assert model.dimensions == 3
    provider.seen.clear()
    texts = ["x" * (number % 7) for number in range(300)]
    rows = model.embed(texts)
    assert [len(request["input"]) for request in provider.seen] == [128, 128, 44]
    assert provider.seen[0]["input"][:2] == [" ", "x"]
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[6][0] > rows[2][0]
    assert provider.seen[0]["path"] == "/v1/embeddings"


def test_long_texts_are_cut_and_spread_over_requests(provider: type[_Provider]) -> None:
    embedding("openai:m").embed([f"{number:05}" * 4_000 for number in range(20)])
    assert [len(request["input"]) for request in provider.seen] == [12, 8]
    assert {len(text) for request in provider.seen for text in request["input"]} == {8_000}


@pytest.mark.parametrize(("status", "kind"), [(401, "key"), (429, "rate_limit"), (500, "server"), (404, "connection")])
def test_what_a_provider_refuses_is_a_sentence(
    provider: type[_Provider], monkeypatch: pytest.MonkeyPatch, status: int, kind: str
) -> None:
    monkeypatch.setattr(provider, "status", status)
    with pytest.raises(ModelFailed) as caught:
        embedding("openai:m", api_key="sk-secret-secret").embed(["a"])
    assert caught.value.kind == kind
    assert "secret" not in str(caught.value)
    assert provider.seen[-1]["key"] == "Bearer sk-secret-secret"
    assert len(provider.seen) == 1


def test_vectors_of_another_width_are_not_kept(provider: type[_Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    model = embedding("openai:m")
    assert model.dimensions == 3
    monkeypatch.setattr(provider, "width", 2)
    with pytest.raises(ModelFailed, match="are not 1 vectors of 3 numbers"):
        model.embed(["new"])


def test_without_a_key_the_setting_is_accepted_and_the_first_text_says_what_is_missing() -> None:
    model = embedding("openai:text-embedding-3-small")
    with pytest.raises(ModelFailed, match=r"There is no key .* or set EMBEDDINGS=auto") as caught:
        model.embed(["a"])
    assert caught.value.kind == "key"


def test_a_provider_whose_package_is_missing_is_named() -> None:
    with pytest.raises(ModelFailed, match="needs the package langchain-cohere") as caught:
        embedding("cohere:embed-english-v3").embed(["a"])
    assert caught.value.kind == "unknown_model"
