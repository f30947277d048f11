"""What is done to datasets as a whole: taken out of the workspace, and the graph of all of them made again."""

from pathlib import Path

from ..memory.catalog import Catalog, Dataset, writer_lock
from ..memory.errors import ToolError
from ..memory.variant_graph import drop_older_graphs
from ..memory.variant_table import drop_tables
from .graph_load import write_graph


def find_dataset(workspace: Path, name: str) -> Dataset:
    """A dataset by its name, its path or the first signs of its digest.

    Raises `ToolError` where there is none, or several.
    """
    held = Catalog(workspace).datasets()
    names = [d for d in held if name in (d.name, str(d.path)) or (len(name) >= 8 and d.sha256.startswith(name))]
    if len(names) == 1:
        return names[0]
    if not names:
        known = ", ".join(d.name for d in held) or "none"
        raise ToolError(f"The workspace {workspace} has no dataset {name!r}", f"It has: {known}")
    digests = ", ".join(d.sha256[:12] for d in names)
    raise ToolError(f"{len(names)} datasets are called {name!r}", f"Say which by its digest: {digests}")


def say_same_person(workspace: Path, sample: str, other: str) -> None:
    """Keep that two samples, each as DATASET/SAMPLE, are one person. Raises `ToolError` where there is none such."""
    first, second = (_sample_id(workspace, name) for name in (sample, other))
    Catalog(workspace).say_same_person(first, second)


def _sample_id(workspace: Path, name: str) -> str:
    for data in Catalog(workspace).datasets():
        for prefix in (data.name, data.sha256[:12], data.sha256):
            if name.startswith(f"{prefix}/") and name.removeprefix(f"{prefix}/") in data.samples:
                find_dataset(workspace, prefix)
                return f"{data.sha256}/{name.removeprefix(f'{prefix}/')}"
    raise ToolError(f"There is no sample {name!r}", "Write it like DATASET/SAMPLE; see `vcf-agent datasets`")


def remove_dataset(workspace: Path, sha256: str) -> None:
    """Take a dataset out of the workspace. The file that it was read from is not touched."""
    with writer_lock(workspace):
        catalog = Catalog(workspace)
        generation = catalog.next_generation()
        removed = catalog.by_digest(sha256)
        remaining = [d for d in catalog.datasets() if d.sha256 != sha256]
        if remaining:
            write_graph(workspace, generation, None, remaining)
        catalog.remove(sha256, generation)
        drop_older_graphs(workspace, generation)
        drop_tables((removed and removed.tables) or workspace, sha256)


def rebuild_graph(workspace: Path) -> None:
    """Make the graph again from the tables of every dataset."""
    with writer_lock(workspace):
        catalog = Catalog(workspace)
        generation = catalog.next_generation()
        if held := catalog.datasets():
            write_graph(workspace, generation, None, held)
            catalog.set_generation(generation)
            drop_older_graphs(workspace, generation)
