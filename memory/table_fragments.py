"""A table written in fragments by several processes, which one commit puts together. Needs the extra `ray`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from .variant_table import REMOTE, Place, encoded, stored_schema, uri_of, writing


def write_fragments(
    place: Place, name: str, schema: pa.Schema, key: str, batches: Iterable[pa.RecordBatch]
) -> list[Any]:
    """Write rows that no table has yet; what is returned can be pickled and is for `commit_fragments`."""
    from lance_ray.fragment import write_fragment

    stored = stored_schema(schema, key)
    tables = (pa.Table.from_batches([encoded(batch, stored)]) for batch in batches)
    with writing(place):
        return [
            f for f, _ in write_fragment(tables, uri_of(place, name), schema=stored, storage_options=_options(place))
        ]


def commit_fragments(place: Place, name: str, schema: pa.Schema, key: str, fragments: list[Any]) -> int:
    """Make a table of the fragments in this order, in place of any of that name; returns its version."""
    import lance

    with writing(place):
        operation = lance.LanceOperation.Overwrite(stored_schema(schema, key), fragments)
        table = lance.LanceDataset.commit(uri_of(place, name), operation, storage_options=_options(place))
    return int(table.version)


def _options(place: Place) -> dict[str, str] | None:
    return None if isinstance(place, Path) else REMOTE
