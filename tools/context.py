"""What a tool call may use beside its arguments."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..memory.catalog import Catalog
from ..memory.embedding import Embedder, PartsEmbedder
from ..memory.errors import ToolError
from ..memory.variant_graph import VariantGraph, read_graph
from .dataset import OpenDataset, nearest
from .pedigree import Pedigree


class OpenGraph:
    """The generation of the graph that was last asked for, kept open, since opening one takes some 40 ms.

    One user at a time: a generation is closed when a newer one is asked for, and a query on a closed one crashes.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._stack = ExitStack()
        self._path: Path | None = None
        self._graph: VariantGraph | None = None

    @contextmanager
    def at(self, path: Path) -> Iterator[VariantGraph]:
        """The generation at `path`. Raises `StorageError` where it cannot be read."""
        with self._lock:
            if self._graph is None or path != self._path:
                self.close()
                self._graph, self._path = self._stack.enter_context(read_graph(path)), path
            yield self._graph

    def close(self) -> None:
        with self._lock:
            self._graph = None
            self._stack.close()


@dataclass(slots=True)
class ToolContext:
    """The open files of a conversation, the folder it is held in, and how long a proof may take in seconds.

    `embedder` made the vectors of the files. `pedigree` holds for all files, before what was stored with them.
    `reference` and `bed` are the files that a person named, wherever they lie; `folders` are those, besides the working
    folder and the workspace, in which a question may name files.
    """

    workspace: Path
    datasets: list[OpenDataset]
    folder: Path = field(default_factory=Path.cwd)
    verify_seconds: float = 5.0
    embedder: Embedder = field(default_factory=PartsEmbedder)
    pedigree: Pedigree | None = None
    reference: Path | None = None
    bed: Path | None = None
    folders: tuple[Path, ...] = ()
    open_graph: OpenGraph = field(default_factory=OpenGraph)

    def dataset(self, name: str | None) -> OpenDataset:
        """The file of that name, or the only one. Raises `ToolError` where that is not clear."""
        found = self._dataset(name)
        found.find_file = self.file
        return found

    def _dataset(self, name: str | None) -> OpenDataset:
        names = [d.name for d in self.datasets]
        if not self.datasets:
            raise ToolError("No file is open", "Name one: vcf-agent ask QUESTION FILE")
        if name is None:
            if len(self.datasets) > 1:
                raise ToolError("Several files are open", f"Say which one is meant: {', '.join(names)}")
            return self.datasets[0]
        for data in self.datasets:
            if name in (data.name, data.dataset.path.name, str(data.dataset.path)):
                return data
        raise ToolError(f"No open file is called {name!r}", nearest(name, names, "Open are"))

    def reference_file(self, name: str | None) -> Path | None:
        """The FASTA of that name, as `file` finds it, else the one that a person named."""
        return self.reference if name is None else self.file(name, "the reference FASTA")

    def file(self, name: str, what: str) -> Path:
        """The file of that name in an allowed folder, with links followed; `what` it is stands in the errors.

        Raises `ToolError` for a name that leads elsewhere or to no file.
        """
        if self.bed and name in (self.bed.name, str(self.bed)):
            return self.bed
        try:
            path = (self.folder / name).resolve()
            there = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # a NUL, a loop of links (RuntimeError before Python 3.13)
            raise ToolError(f"{name!r} is no file", f"Name {what}") from error
        if not any(path.is_relative_to(f.resolve()) for f in (self.folder, self.workspace, *self.folders)):
            raise ToolError(
                f"{name!r} lies outside of the folders that may be read",
                "Move it into the working folder, or add its folder to `folders` in the settings",
            )
        if not there:
            raise ToolError(f"{name!r} is no file", f"Name {what}")
        return path

    def pedigree_of(self, data: OpenDataset) -> Pedigree | None:
        """The pedigree of this conversation, else the one that the file was ingested with."""
        rows = data.summary["pedigree"]
        return self.pedigree or (Pedigree.from_rows(rows) if rows else None)

    def held(self) -> list[OpenDataset]:
        """Every dataset of the workspace, which together make the graph."""
        return [OpenDataset(d, self.workspace) for d in Catalog(self.workspace).datasets()]
