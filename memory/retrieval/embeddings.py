"""Texts as vectors, by the model that EMBEDDINGS names; nothing is downloaded and nothing is sent unless it says so.

    >>> model = embedding("auto")
    >>> model.name, model.dimensions, model.real
    ('all-MiniLM-L6-v2', 384, True)
    >>> rows = model.embed(["I love hiking.", "We climbed a mountain."])
    >>> float(rows[0] @ rows[1])                # rows have the length 1: their product is the cosine
    0.35

`EMBEDDINGS` is one of

    auto                           all-MiniLM-L6-v2 where it is on this disk, else hashing (the default)
    minilm                         all-MiniLM-L6-v2, which `fetch_model` downloads when a person asks for it
    hashing                        no model: words and pieces of words, so it compares words and knows no meaning
    openai:text-embedding-3-small  OpenAI, or the server at OPENAI_BASE_URL; any provider:name that LangChain knows
    /path/to/a/folder              with model.onnx and tokenizer.json, in the form of all-MiniLM-L6-v2
"""

from __future__ import annotations

import hashlib
import os
import threading
from abc import abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from langchain_core.embeddings import Embeddings

from memory.errors import BadInput, ModelFailed, explain
from memory.retrieval import minilm
from memory.retrieval.words import terms
from memory.tokens import BUILT_IN, split_model, well_formed

CACHED = 2_000
FEW = 16
SECONDS = 20.0
"""How long a provider may keep silent; a person waits for the answer meanwhile."""


class Embedding(Embeddings):
    """A model of vectors: `name` decides which vectors can be compared, `label` says to a reader what it is.

    `real` is whether it knows meaning. `priced_as` is the model whose price list holds for its tokens, None where it
    runs in this process and costs nothing. Safe for many threads.
    """

    name: str
    label: str
    dimensions: int
    real: bool = True
    priced_as: str | None = None

    def __init__(self) -> None:
        self._cache: OrderedDict[bytes, Any] = OrderedDict()
        self._lock = threading.Lock()

    @abstractmethod
    def _vectors(self, texts: Sequence[str]) -> Any:
        """Return a row for each of at least one text, of any length."""

    def embed(self, texts: Sequence[str]) -> Any:
        """Return float32 rows of length 1 in the order of the texts; no row for no text.

        Up to 16 texts at once, as queries come, are kept: the same text is not embedded twice. Raises ModelFailed.
        """
        texts = [well_formed(text) for text in texts]
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        if len(texts) > FEW:
            return self._unit(texts)
        keys = list(map(_key, texts))
        with self._lock:
            found = {key: self._cache[key] for key in keys if key in self._cache}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if new:
            found |= zip(new, self._unit(list(new.values())), strict=True)
        with self._lock:
            for key in keys:
                self._cache[key] = found[key]
                self._cache.move_to_end(key)
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        return np.stack([found[key] for key in keys])

    def knows(self, text: str) -> bool:
        """Whether a text's vector is kept, so that it is not made again."""
        with self._lock:
            return _key(well_formed(text)) in self._cache

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors as LangChain wants them."""
        rows: list[list[float]] = self.embed(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of one text as LangChain wants it."""
        return self.embed_documents([text])[0]

    def _unit(self, texts: Sequence[str]) -> Any:
        rows = np.asarray(self._vectors(texts), dtype=np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        lengths[lengths == 0] = 1.0
        return rows / lengths


def embedding(setting: str | None = None, *, api_key: str | None = None) -> Embedding:
    """Return the embedding that `setting` or EMBEDDINGS names; the same object for the same setting.

    `api_key` is a visitor's own, for a provider. Nothing is loaded yet. Raises BadInput for a setting that means
    nothing and ModelFailed for a model that is not there.
    """
    setting = (os.environ.get("EMBEDDINGS", "") if setting is None else setting).strip() or "auto"
    if setting == "auto":
        return _minilm() if minilm.missing(minilm.FOLDER) is None else _hashing()
    if setting == "hashing":
        return _hashing()
    if setting == "minilm":
        if lack := minilm.missing(minilm.FOLDER):
            raise ModelFailed(
                f"The embedding model all-MiniLM-L6-v2 is not on this disk ({lack}): download it in Settings, or set"
                " EMBEDDINGS=hashing.",
                kind="unknown_model",
            )
        return _minilm()
    if os.sep in setting or setting.startswith(("~", ".")):
        folder = Path(setting).expanduser().absolute()
        if lack := minilm.missing(folder):
            raise BadInput(
                f"EMBEDDINGS names a folder that holds no model: {lack}. It needs model.onnx and tokenizer.json."
            )
        return _onnx(folder, (folder / "model.onnx").stat().st_mtime_ns)
    provider, model = split_model(setting)
    if not provider or not model or provider in BUILT_IN:
        raise BadInput(
            f'EMBEDDINGS is "{setting}", which names no embedding: write auto, minilm, hashing, provider:name such as'
            " openai:text-embedding-3-small, or a path that contains a /."
        )
    return _provided(provider, model, (api_key or "").strip(), os.environ.get("OPENAI_BASE_URL", "").strip())


def fetch_model(progress: minilm.Progress | None = None) -> Embedding:
    """Download all-MiniLM-L6-v2 (83 MB) and return it; `progress(done, total)` counts bytes.

    The only thing here that downloads. Raises ModelFailed with a sentence where there is no network.
    """
    minilm.fetch(progress)
    return _minilm()


class Hashing(Embedding):
    """Words and their three-letter pieces, each added to one of 384 numbers: deterministic, offline, no meaning.

    Texts are near that share words or word forms. Found by nobody's training: a synonym is as far as any other word.
    """

    name = "hashing"
    label = "hashing, no meaning: words only"
    dimensions = 384
    real = False

    def _vectors(self, texts: Sequence[str]) -> Any:
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            # A text of nothing but "the" or "?!" is itself its only word.
            for word, count in Counter(terms(text) or [text.casefold()]).items():
                places, weights = _features(word)
                np.add.at(row, places, weights * np.float32(1 + np.log(count)))
            if not row.any():
                # All of its features met in one place, and cancelled there.
                row[places[0]] = weights[0]
        return rows


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


@lru_cache(maxsize=50_000)
def _features(word: str) -> tuple[Any, Any]:
    edged = f"<{word[:100]}>"
    pieces = [edged[begin : begin + 3] for begin in range(len(edged) - 2)]
    weighted = [(f"word {word}", 1.0), *((f"piece {piece}", len(pieces) ** -0.5) for piece in pieces)]
    places, weights = [], []
    for feature, weight in weighted:
        number = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "little")
        places.append(number % Hashing.dimensions)
        # Two features that meet in one place cancel as often as they add.
        weights.append(weight if number >> 63 else -weight)
    return np.array(places), np.array(weights, dtype=np.float32)


class OnnxEmbedding(Embedding):
    """A sentence model that runs in this process, on one core; see `minilm.py`."""

    def __init__(self, folder: Path, name: str, label: str, dimensions: int | None = None) -> None:
        super().__init__()
        self.name, self.label = name, label
        self._model = minilm.OnnxModel(folder)
        self._dimensions = dimensions

    @property
    def dimensions(self) -> int:  # type: ignore[override]
        """The numbers of a vector; a model whose number is not known is asked once."""
        if self._dimensions is None:
            self._dimensions = int(self._vectors(["?"]).shape[1])
        return self._dimensions

    def _vectors(self, texts: Sequence[str]) -> Any:
        return self._model.embed(texts)


class ProvidedEmbedding(Embedding):
    """A provider's model through LangChain; each new text is sent to it."""

    # OpenAI's limits are 2,048 texts and 300,000 tokens a request and 8,191 tokens a text; no token is less than a
    # character in the scripts that are worst for it.
    _TEXTS = 128
    _CHARACTERS = 100_000
    _LONGEST = 8_000

    def __init__(
        self, name: str, label: str, priced_as: str, dimensions: int | None, make: Callable[[], Embeddings], key: str
    ) -> None:
        super().__init__()
        self.name, self.label, self.priced_as = name, label, priced_as
        self._dimensions, self._make, self._key = dimensions, make, key
        self._client: Embeddings | None = None

    @property
    def dimensions(self) -> int:  # type: ignore[override]
        """The numbers of a vector; a model whose number is not known is asked once, which is a call."""
        if self._dimensions is None:
            self._dimensions = int(self._vectors(["?"]).shape[1])
        return self._dimensions

    def _vectors(self, texts: Sequence[str]) -> Any:
        try:
            if self._client is None:
                self._client = self._make()
            # OpenAI refuses the empty text.
            sent = [text[: self._LONGEST] or " " for text in texts]
            rows = np.array(
                [row for batch in self._batches(sent) for row in self._client.embed_documents(batch)], dtype=np.float32
            )
        except Exception as error:
            raise explain(error, model=self.name, keys=(self._key,)) from None
        expected = (len(texts), self._dimensions or rows.shape[-1])
        if rows.shape != expected or not np.isfinite(rows).all():
            raise ModelFailed(
                f"What {self.name} sent are not {expected[0]} vectors of {expected[1]} numbers: check that it is an"
                " embedding model, or choose another in EMBEDDINGS.",
                kind="server",
            )
        return rows

    def _batches(self, texts: list[str]) -> list[list[str]]:
        batches: list[list[str]] = [[]]
        size = 0
        for text in texts:
            if batches[-1] and (len(batches[-1]) == self._TEXTS or size + len(text) > self._CHARACTERS):
                batches.append([])
                size = 0
            batches[-1].append(text)
            size += len(text)
        return batches


_KNOWN = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}


@lru_cache(maxsize=1)
def _hashing() -> Embedding:
    return Hashing()


@lru_cache(maxsize=1)
def _minilm() -> Embedding:
    name = "all-MiniLM-L6-v2"
    return OnnxEmbedding(minilm.FOLDER, name, f"{name}, on this computer", 384)


@lru_cache(maxsize=4)
def _onnx(folder: Path, changed: int) -> Embedding:
    """Name a model by what it holds, for another model has other vectors; `changed` ages the cache."""
    with (folder / "model.onnx").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
    return OnnxEmbedding(folder, f"{folder.name}-{digest}", f"the model in {folder}")


@lru_cache(maxsize=32)
def _provided(provider: str, model: str, key: str, address: str) -> Embedding:
    name = f"{provider}:{model}"
    if provider != "openai":
        return ProvidedEmbedding(name, f"{model} by {provider}", name, None, lambda: _langchain(name, key), key)
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ModelFailed(
            "OPENAI_BASE_URL is not an address: it must begin with http:// or https:// and usually ends in /v1.",
            kind="connection",
        )
    # Another server can have another model of that name.
    place = f"{parts.hostname}{f':{parts.port}' if parts.port else ''}" if address else ""
    return ProvidedEmbedding(
        f"{name} at {place}" if place else name,
        f"{model} at {place} (OPENAI_BASE_URL)" if place else f"{model} by OpenAI",
        name,
        None if place else _KNOWN.get(model),
        lambda: _openai(model, key, address),
        key,
    )


def _openai(model: str, key: str, address: str) -> Embeddings:
    # A server of one's own seldom asks for a key, but the client insists on sending one.
    key = key or os.environ.get("OPENAI_API_KEY", "").strip() or ("not-needed" if address else "")
    if not key:
        raise ModelFailed(
            f"There is no key for openai:{model}: enter one in Settings, set OPENAI_API_KEY, or set EMBEDDINGS=auto.",
            kind="key",
        )
    from langchain_openai import OpenAIEmbeddings
    from pydantic import SecretStr

    from memory.models import CONNECT_SECONDS, OPENAI_ADDRESS

    return OpenAIEmbeddings(
        model=model,
        api_key=SecretStr(key),
        base_url=address or OPENAI_ADDRESS,
        # With it the text is sent as OpenAI's tokens, which other servers do not know, by a vocabulary that is
        # downloaded at first use.
        check_embedding_ctx_length=False,
        timeout=(CONNECT_SECONDS, SECONDS, SECONDS, CONNECT_SECONDS),
        max_retries=0,
    )


def _langchain(name: str, key: str) -> Embeddings:
    from langchain.embeddings import init_embeddings

    made = init_embeddings(name, **({"api_key": key} if key else {}))
    assert isinstance(made, Embeddings)
    return made
