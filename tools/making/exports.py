"""Where new files go: below `exports/` of the workspace, under a name that nothing has yet, whole or not at all."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ...memory.errors import ToolError

Format = Literal["vcf.gz", "vcf", "bcf", "tsv", "parquet", "bed"]
FORMATS: tuple[Format, ...] = ("vcf.gz", "vcf", "bcf", "tsv", "parquet", "bed")
INDEXES = (".tbi", ".csi")
_NAME = re.compile(r"[\w][\w.+=@ -]{0,199}")


def exports_folder(workspace: Path) -> Path:
    """`<workspace>/exports`. Raises `ToolError` where a link would lead out of the workspace."""
    folder = workspace.resolve() / "exports"
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ToolError(f"{folder} is a link or no folder, so nothing is written there", "Remove it")
    return folder


def checked_name(name: str) -> str:
    """A name without path parts. Raises `ToolError` for any other."""
    if not _NAME.fullmatch(name) or name.endswith((" ", ".")):
        raise ToolError(
            f"{name!r} is no name for a new file",
            "Give one without folders, of letters, digits and . _ - + = @, such as passing.vcf.gz",
        )
    return name


def format_of(name: str | None, wanted: Format | None) -> Format:
    """The format by the name's ending, or the one asked for. Raises `ToolError` where they differ."""
    ending = next((f for f in FORMATS if name and name.endswith(f".{f}")), None)
    if name and ending is None:
        raise ToolError(f"{name!r} ends in no known format", f"Let it end in one of .{', .'.join(FORMATS)}")
    if wanted and ending and wanted != ending:
        raise ToolError(f"{name!r} does not end in .{wanted}, the format asked for", "Leave out one of the two")
    return wanted or ending or "vcf.gz"


def stem_of(name: str) -> str:
    """A file's name without the ending that tells its format."""
    return re.sub(r"\.(vcf\.gz|vcf\.bgz|vcf|bcf)$", "", name) or name


def safe_part(text: str) -> str:
    """A sample or contig as part of a file's name."""
    return re.sub(r"[^\w.+=@-]+", "_", text).strip("_.")[:80] or "unnamed"


def free_name(folder: Path, stem: str, ending: str) -> str:
    """`stem.ending`, with a number before the ending where there is such a file already."""
    stem, number = re.sub(r"^\W+", "", safe_part(stem)) or "file", 1
    while _taken(folder / (name := f"{stem}{f'-{number}' if number > 1 else ''}.{ending}")):
        number += 1
    return name


def refuse_taken(path: Path) -> None:
    """Raises `ToolError` where a file, or its index, is there already."""
    if _taken(path):
        raise ToolError(f"{path} exists, and nothing is overwritten", "Give another name, or move that file away")


def _taken(path: Path) -> bool:
    return any(os.path.lexists(f"{path}{ending}") for ending in ("", *INDEXES))


@contextlib.contextmanager
def working_folder(exports: Path) -> Iterator[Path]:
    """A folder beside the files to come, which is gone at the end with all that is left in it."""
    new = not exports.exists()
    exports.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".making-", dir=exports) as folder:
            yield Path(folder)
    finally:
        if new:
            with contextlib.suppress(OSError):
                exports.rmdir()  # only where it is empty


def publish(made: list[tuple[Path, Path]]) -> None:
    """Give finished files their names, indexes first; none of them has it where one cannot have it."""
    pairs = [(Path(f"{source}{i}"), Path(f"{target}{i}")) for source, target in made for i in (*INDEXES, "")]
    done: list[Path] = []
    try:
        for source, target in pairs:
            if source.exists():
                os.link(source, target)  # unlike a rename, never takes the place of a file
                done.append(target)
    except OSError as error:
        for target in done:
            target.unlink()
        if isinstance(error, FileExistsError):
            refuse_taken(Path(error.filename2 or made[0][1]))
        raise ToolError(f"{made[0][1]} cannot be written: {error.strerror}", "Check the workspace's disk") from error
