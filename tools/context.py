"""What a tool call may use beside its arguments."""

from dataclasses import dataclass, field
from pathlib import Path

from ..memory.embedding import Embedder, PartsEmbedder
from ..memory.errors import ToolError
from .dataset import OpenDataset, nearest


@dataclass(slots=True)
class ToolContext:
    """The open files of a conversation, the folder it is held in, how long a proof may take in seconds, and what made
    the vectors of the files."""

    workspace: Path
    datasets: list[OpenDataset]
    folder: Path = field(default_factory=Path.cwd)
    verify_seconds: float = 5.0
    embedder: Embedder = field(default_factory=PartsEmbedder)

    def dataset(self, name: str | None) -> OpenDataset:
        """The file of that name, or the only one. Raises `ToolError` where that is not clear."""
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
