"""Vectors from a provider's model, each text asked for once: what was paid for stays in the workspace."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from .embedding import Floats
from .errors import ModelError, StorageError

BATCH = 256  # texts in one request
_SCHEMA = """CREATE TABLE IF NOT EXISTS embeddings (
    model TEXT, dimension INTEGER, sha256 TEXT, vector BLOB NOT NULL, PRIMARY KEY (model, dimension, sha256))"""

Request = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Asks the provider for the vectors of texts. Raises `ModelError`."""


class TextEmbedder:
    """A provider's model behind a cache.

    It is sent the `text` of signatures, which holds nothing of samples, and the words of a question.
    """

    def __init__(self, name: str, dimension: int, cache: Path, request: Request) -> None:
        self.name, self.dimension, self.cache = name, dimension, cache
        self._request = request

    def embed(self, rows: pa.Table) -> Floats:
        texts = rows["text"].to_pylist()
        keys = {text: hashlib.sha256(text.encode()).hexdigest() for text in texts}
        with self._open() as cache:
            known = self._known(cache, set(keys.values()))
            missing = [text for text, key in keys.items() if key not in known]
            for start in range(0, len(missing), BATCH):
                batch = missing[start : start + BATCH]
                vectors = self._checked(self._request(batch), len(batch))
                new = {keys[text]: vector for text, vector in zip(batch, vectors, strict=True)}
                entries = [(self.name, self.dimension, key, vector.tobytes()) for key, vector in new.items()]
                with cache:
                    cache.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?)", entries)
                known |= new
        found = [known[keys[text]] for text in texts]
        return np.array(found, dtype=np.float32).reshape(len(texts), self.dimension)

    def distances(self, rows: pa.Table, matrix: Floats, query: pa.Table, vector: Floats) -> Floats:
        """One minus the cosine; 1 and above is nothing in common."""
        return np.asarray(np.round(np.maximum(1 - matrix @ vector, 0), 5))

    def _known(self, cache: sqlite3.Connection, keys: set[str]) -> dict[str, Floats]:
        asked = "SELECT sha256, vector FROM embeddings WHERE model = ? AND dimension = ?"
        rows = cache.execute(asked, (self.name, self.dimension))
        return {key: np.frombuffer(vector, dtype=np.float32) for key, vector in rows if key in keys}

    def _checked(self, reply: Sequence[Sequence[float]], number: int) -> Floats:
        """The vectors at length one. A reply that is not one good vector for each text is refused whole."""
        if len(reply) != number:
            raise self._refused(f"gave {len(reply)} vectors for {number} texts")
        try:
            wrong = next((len(v) for v in reply if len(v) != self.dimension), None)
            vectors = np.array(reply, dtype=np.float32) if wrong is None else None
        except (TypeError, ValueError):
            raise self._refused("gave a vector that holds no number") from None
        if vectors is None:
            raise self._refused(f"gives vectors of {wrong} numbers instead of {self.dimension}")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(vectors).all() and (lengths > 0).all()):
            raise self._refused("gave a vector that is zero or holds no number")
        return np.asarray(vectors / lengths)

    def _refused(self, why: str) -> ModelError:
        return ModelError(f"The embedder {self.name} {why}", "Name another in VCF_AGENT_EMBEDDER, or unset it")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.cache, timeout=30)) as connection:
                connection.execute(_SCHEMA)
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"The cache of vectors {self.cache} cannot be used: {error}", "Remove it") from error
