"""What the records have at one point on the way from a file to a new one, and the files that steps read beside it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ...memory.errors import ToolError
from ..dataset import OpenDataset, nearest
from ..evidence import is_indexed
from ..validation.explanations import short_version
from ..validation.predefined import find_predefined
from .pipeline import Source, Step, run_to_file

CONTIG = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
"""What a contig may be called (VCF 4.3, 1.4.7)."""
FIELD = re.compile(r"[A-Za-z0-9_][\w.]*", re.ASCII)


@dataclass(slots=True)
class Stream:
    """What the records have at one point of the pipeline; `scratch` is a folder for the lists that steps read.

    `same_samples` and `same_contigs` tell whether they are still those of the file. `piped` tells whether
    bcftools gets the records through a pipe, where no index helps. `named` are the files that steps read,
    `vcfs` the paths of other VCFs by their names in operations, `steps` what is done before.
    """

    data: OpenDataset
    others: list[OpenDataset]
    scratch: Path
    reference: Path | None
    piped: bool
    samples: list[str] = field(default_factory=list)
    contigs: list[str] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    first: bool = True
    same_samples: bool = True
    same_contigs: bool = True
    named: list[Path] = field(default_factory=list)
    vcfs: dict[str, Path] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    reading: list[str] = field(default_factory=list)

    def note(self, text: str) -> Path:
        """A list in a file of its own."""
        path = self.scratch / f"list{len(list(self.scratch.iterdir()))}.txt"
        path.write_text(text)
        return path

    def new(self, ending: str) -> Path:
        """A path in `scratch` that nothing has yet."""
        return self.scratch / f"made{len(list(self.scratch.iterdir()))}.{ending}"

    def sample(self, name: str) -> str:
        if name in self.samples:
            return name
        raise ToolError(f"There is no sample {name!r} here", nearest(name, self.samples, "The samples are"))


def source_of(data: OpenDataset) -> Source:
    """The file, with declarations of what it uses and its header lacks: bcftools writes no record without them."""
    summary = data.summary
    contigs = [f"##contig=<ID={c}>" for c in data.contigs if c not in summary["contig_lengths"]]
    used = {part for value in summary["filters"] for part in value.split(";")} - {"PASS", "."}
    filters = [f'##FILTER=<ID={f},Description="">' for f in sorted(used - set(summary["filter_descriptions"]))]
    fields = [
        _declaration(kind, id_, type_ == "Flag", short_version(summary["version"]))
        for kind, id_, _, type_, _, declared in summary["fields"]
        if not declared
    ]
    return Source(data.dataset.path, summary["container"], tuple(contigs + filters + fields))


def _declaration(kind: Literal["INFO", "FORMAT"], name: str, flag: bool, version: str) -> str:
    """As the specification has the field, else as text, which any value is."""
    known = find_predefined(kind, name, version)
    number, type_ = (known.number, known.type) if known else ("0", "Flag") if flag else (".", "String")
    return f'##{kind}=<ID={name},Number={number},Type={type_},Description="">'


def stream_of(data: OpenDataset, others: list[OpenDataset], scratch: Path, reference: Path | None) -> Stream:
    """The records of a file before the first operation."""
    fields = {f"{f[0]}/{f[1]}" for f in data.summary["fields"]}
    contigs = list(dict.fromkeys([*data.contigs, *data.summary["contig_lengths"]]))
    piped = bool(source_of(data).declarations)
    named = [reference] if reference else []
    return Stream(data, others, scratch, reference, piped, list(data.samples), contigs, fields, named=named)


def need_fields(stream: Stream, names: list[str]) -> None:
    for name in names:
        if name not in stream.fields:
            raise ToolError(f"There is no {name} here", nearest(name, sorted(stream.fields), "There are"))
        if not FIELD.fullmatch(name.partition("/")[2]):
            raise ToolError(f"{name!r} is a field that bcftools cannot be asked for", "Leave it as it is")


def indexed_reference(stream: Stream) -> Path:
    """The FASTA, or a link to it in our own folder where its index would have to be written beside it."""
    assert stream.reference
    if stream.reference.with_name(stream.reference.name + ".fai").exists():
        return stream.reference
    link = stream.scratch / f"reference{''.join(stream.reference.suffixes[-2:])}"
    if not link.exists():
        link.symlink_to(stream.reference)
    return link


def indexed(stream: Stream, data: OpenDataset) -> Path:
    """The file itself where it has an index, else a copy with one."""
    source = source_of(data)
    if source.container != "vcf" and is_indexed(source.path) and not source.declarations:
        return source.path
    copy = stream.new("bcf")
    run_to_file([Step(["view", "--write-index"])], source, copy, "b")
    return copy
