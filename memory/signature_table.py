"""The signature table: what distinct kinds of variants a dataset has, each with its text and its vector, in LanceDB.

`signatures-<digest>` has one row per signature, in the order of their numbers; a full-text index lies on `text`. The
embedder that made the vectors is named in the schema.
"""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .embedding import Embedder, Floats
from .errors import ToolError
from .variant_table import ALL_ROWS, Place, open_table, reading, table_name, write_table, writing

NAME, DIMENSION = b"embedder", b"dimension"


def write_signatures(place: Place, sha256: str, rows: pa.Table, embedder: Embedder) -> None:
    """Write the rows with their vectors, and the index over their texts."""
    from lancedb.index import FTS

    vectors = embedder.embed(rows).astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), embedder.dimension)
    told = {NAME: embedder.name.encode(), DIMENSION: str(embedder.dimension).encode()}
    rows = rows.append_column("vector", column).replace_schema_metadata(told)
    name = table_name("signatures", sha256)
    write_table(place, name, rows.schema, "signature", rows.to_batches())
    with writing(place):
        # Words stay whole and unstemmed: BRCA1 is not BRCA2, and HLA-DRB1 is one word.
        whole_words = FTS(base_tokenizer="whitespace", lower_case=True, stem=False, remove_stop_words=False,
                          ascii_folding=False, max_token_length=None)  # fmt: skip
        open_table(place, name).create_index("text", config=whole_words)


class SignatureTable:
    """The signatures of one dataset. They are read once: some ten thousand rows stand for a million variants."""

    def __init__(self, place: Place, sha256: str) -> None:
        self.place, self.sha256 = place, sha256

    @cached_property
    def _table(self) -> Any:
        with reading(self.place, opening=True):
            return open_table(self.place, table_name("signatures", self.sha256))

    @cached_property
    def _embedder(self) -> tuple[str, str]:
        """Name and dimension of what made the vectors."""
        told = self._table.schema.metadata or {}
        return told.get(NAME, b"?").decode(), told.get(DIMENSION, b"?").decode()

    @cached_property
    def rows(self) -> pa.Table:
        """All columns but the vectors."""
        names = [n for n in self._table.schema.names if n != "vector"]
        return self._read(names).combine_chunks()

    @cached_property
    def matrix(self) -> Floats:
        """All vectors, one a line: one product with it searches every signature exactly."""
        lists = self._read(["vector"])["vector"].combine_chunks()
        return np.asarray(lists.flatten()).reshape(-1, lists.type.list_size)

    def _read(self, names: list[str]) -> pa.Table:
        with reading(self.place):
            reader = self._table.search().select(names).to_batches(ALL_ROWS)
            return pa.Table.from_batches(list(reader), schema=reader.schema)

    def check_embedder(self, embedder: Embedder) -> None:
        """Raises `ToolError` where the vectors are not of this embedder."""
        stored, dimension = self._embedder
        if (stored, dimension) != (embedder.name, str(embedder.dimension)):
            raise ToolError(
                f"The vectors of this dataset were made by {stored} ({dimension} numbers), and the setting names "
                f"{embedder.name} ({embedder.dimension})",
                "Ingest the file again with `vcf-agent ingest --again`, or set VCF_AGENT_EMBEDDER back",
            )

    def with_words(self, words: str) -> npt.NDArray[np.int64]:
        """Signatures whose text has every one of the words, the best match first, then by number."""
        from lancedb.query import FullTextOperator, MatchQuery

        query = self._table.search(MatchQuery(words, "text", operator=FullTextOperator.AND), query_type="fts")
        with reading(self.place):
            found = query.select(["signature", "_score"]).limit(max(len(self.rows), 1)).to_arrow()
        signature, score = found["signature"].to_numpy(), np.round(found["_score"].to_numpy(), 4)
        return np.asarray(signature[np.lexsort((signature, -score))])
