"""A dataset as the tools see it: its columns, and names looked up against what the file really holds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.catalog import Dataset
from ..memory.errors import ToolError
from ..memory.genotype_codes import GenotypeCodes
from ..memory.signature_table import SignatureTable
from ..memory.variant_table import Place, VariantTable
from .columns import InfoColumn, frequency_column

Records = npt.NDArray[np.int32]
Matrix = npt.NDArray[Any]
BLOCK_CELLS = 1 << 22
"""Genotypes looked at together: some tens of megabytes."""


def _no_file(name: str, what: str) -> Path:
    raise ToolError(f"{name!r} cannot be read here", f"Ask through a conversation that may read {what}")


@dataclass
class OpenDataset:
    """One dataset with its table opened.

    `find_file` gives the path of a file that a condition names, as `ToolContext.file` does; `bed` is the name of the
    BED that came with the question.
    """

    dataset: Dataset
    workspace: Path
    find_file: Callable[[str, str], Path] = field(default=_no_file, repr=False, compare=False)
    bed: str | None = None

    @property
    def summary(self) -> dict[str, Any]:
        return self.dataset.summary

    @property
    def name(self) -> str:
        return self.dataset.name

    @property
    def place(self) -> Place:
        """Where its tables are."""
        return self.dataset.tables or self.workspace

    @property
    def samples(self) -> list[str]:
        return self.dataset.samples

    @cached_property
    def table(self) -> VariantTable:
        return VariantTable(self.place, self.dataset.sha256, self.dataset.table_version)

    @cached_property
    def profiles(self) -> pa.Table:
        return self.table.profiles()

    @cached_property
    def signatures(self) -> SignatureTable:
        return SignatureTable(self.place, self.dataset.sha256)

    @cached_property
    def alleles_meeting(self) -> dict[str, npt.NDArray[np.int64]]:
        """By condition, how many ALT alleles of each signature meet it, as far as it was asked."""
        return {}

    @cached_property
    def codes(self) -> GenotypeCodes:
        return GenotypeCodes(self.summary["genotypes"])

    @cached_property
    def info(self) -> dict[str, InfoColumn]:
        return {c["id"]: InfoColumn(**c) for c in self.summary["info"]}

    @cached_property
    def genes(self) -> list[str]:
        """Every gene symbol of the annotation, sorted."""
        return [g for g in sorted(pc.unique(self.profiles["genes"].combine_chunks().flatten()).to_pylist()) if g]

    @cached_property
    def consequence_texts(self) -> list[str]:
        """Every distinct consequence of an entry: a term, or several joined by `&`."""
        found: list[str] = pc.unique(self.profiles["consequences"].combine_chunks().flatten()).to_pylist()
        return found

    @cached_property
    def consequences(self) -> list[str]:
        """Every consequence term of the annotation, sorted."""
        return sorted({term for text in self.consequence_texts for term in text.split("&") if term})

    @cached_property
    def profile_entries(self) -> tuple[npt.NDArray[np.int64], list[pa.Array]]:
        """The entries of all profiles: the profile of each, and its gene, consequence and impact."""
        columns = [self.profiles[name].combine_chunks() for name in ("genes", "consequences", "impacts")]
        return pc.list_parent_indices(columns[0]).to_numpy(), [c.flatten() for c in columns]

    @cached_property
    def records_without_genotypes(self) -> bool:
        """Whether some record has no genotype but '.' in any sample, as where its FORMAT has no GT."""
        if "." not in self.codes.texts:
            return False
        code = self.codes.code(".")
        if self.table.count(f"n_missing = {len(self.samples)}") == 0:  # looking into lists takes far longer
            return False
        return self.table.count(f"array_min(gt) = {code} AND array_max(gt) = {code}") > 0

    @property
    def contigs(self) -> list[str]:
        """Contigs that have records, in file order."""
        return list(self.summary["contigs"])

    @property
    def annotated(self) -> bool:
        return self.summary["annotation"] is not None

    def sample_index(self, name: str) -> int:
        """The 0-based column of a sample. Raises `ToolError` with the nearest name."""
        if name in self.samples:
            return self.samples.index(name)
        same = [s for s in self.samples if s.casefold() == name.casefold()]
        if len(same) == 1:
            return self.samples.index(same[0])
        if not self.samples:
            raise ToolError(f"{self.name} has no samples, so nothing is known of {name!r}")
        raise ToolError(f"{self.name} has no sample {name!r}", nearest(name, self.samples, "Its samples are"))

    @staticmethod
    def unlistable(names: list[str]) -> str:
        """Why bcftools cannot be given these names with -s; empty where it can."""
        odd = any("," in n or n.startswith("^") for n in names)
        return "a sample's name means something else to bcftools" if odd else ""

    def need_samples(self) -> None:
        """Raises `ToolError` for a file of sites alone."""
        if not self.samples:
            raise ToolError(f"{self.name} has no samples, so no genotypes", "Ask about its sites instead")

    def need_genotypes(self) -> None:
        """Raises `ToolError` for a file of sites alone, and for one whose records carry no GT."""
        self.need_samples()
        if "GT" not in self.summary["sample_fields"]:
            raise ToolError(
                f"{self.name} has no FORMAT/GT, so no genotypes", "Call genotypes first, or ask about its sites"
            )

    def contig(self, name: str) -> tuple[str, str | None]:
        """The contig as the file names it, and a remark where that is another naming.

        Raises `ToolError` for a contig that neither the records nor the header know.
        """
        known = [*self.contigs, *self.summary["contig_lengths"]]
        if name in known:
            return name, None
        for other in other_names(name):
            if other in known:
                return other, f"the file calls {name} {other}"
        raise ToolError(f"{self.name} has no contig {name!r}", nearest(name, known, "Its contigs are"))

    def gene(self, symbol: str) -> str:
        """The gene symbol as the annotation writes it. Raises `ToolError` with the nearest one."""
        if not self.annotated:
            raise ToolError(
                f"{self.name} carries no gene annotation (CSQ, ANN or BCSQ), so {symbol} cannot be found in it",
                "Annotate it with VEP, SnpEff or bcftools csq, or ask for the gene's region",
            )
        if symbol in self.genes:
            return symbol
        same = [g for g in self.genes if g.upper() == symbol.upper()]
        if same:
            return same[0]
        raise ToolError(
            f"No variant of {self.name} is annotated with the gene {symbol!r}; its records are on "
            + ", ".join(self.contigs[:10])
            + (f" and {len(self.contigs) - 10} more contigs" if len(self.contigs) > 10 else ""),
            nearest(symbol, self.genes, "Genes there are"),
        )

    def info_column(self, name: str) -> InfoColumn:
        """An INFO field by its name, in any case. Raises `ToolError` with the nearest one."""
        if name in self.info:
            return self.info[name]
        same = [c for c in self.info.values() if c.id.casefold() == name.casefold()]
        if same:
            return same[0]
        raise ToolError(f"{self.name} has no INFO field {name!r}", nearest(name, list(self.info), "Its fields are"))

    def frequency_fields(self) -> dict[str, str]:
        """Population frequencies: the field's name (`INFO/gnomAD_AF`, `CSQ/gnomADe_AF`) and its column."""
        found = {f"INFO/{c.id}": c.column for c in self.info.values() if is_population_frequency(c)}
        tag = self.summary["annotation"]["tag"] if self.annotated else ""
        return found | {f"{tag}/{n}": frequency_column(n) for n in self.summary["frequencies"]}

    def record_blocks(self, columns: list[str], where: str = "") -> Iterator[tuple[Records, dict[str, Matrix]]]:
        """Record numbers and sample columns, a block of records at a time.

        A column is a matrix with one line per record and one column per sample; missing numbers are -1. Records
        with several ALT alleles stand once.
        """
        last = -1
        for rows in self.table.blocks(["record", *columns], where, max(BLOCK_CELLS // len(self.samples), 1)):
            records, first = np.unique(rows.column("record").to_numpy(), return_index=True)
            new = records > last  # the rows of one record may stand in two blocks
            yield records[new], {c: matrix(rows.column(c), len(self.samples))[first[new]] for c in columns}
            last = records[-1] if len(records) else last


def each_once(records: Records) -> Records:
    """Ascending numbers, as the rows of a table have them, without repeats; far faster than `np.unique`."""
    return np.asarray(records[np.append(True, records[1:] != records[:-1])[: len(records)]])


def matrix(lists: pa.ListArray, n: int) -> Matrix:
    """Lists of `n` values as a matrix; missing numbers are -1."""
    return np.asarray(pc.fill_null(lists.flatten(), -1)).reshape(-1, n)


def is_population_frequency(column: InfoColumn) -> bool:
    """Whether an INFO field is an allele frequency of some population and not of the samples in the file."""
    name = column.id.lower()
    known = any(word in name for word in ("gnomad", "exac", "1000g", "1kg", "topmed", "esp", "popmax"))
    return column.type == "Float" and known and ("af" in name or "freq" in name)


def other_names(contig: str) -> list[str]:
    """The same chromosome under the other naming: `20` and `chr20`, `MT` and `chrM`."""
    base = contig[3:] if contig.lower().startswith("chr") else contig
    base = base.upper() if len(base) <= 2 else base
    names = [base, f"chr{base}"]
    if base in ("M", "MT"):
        names += ["M", "MT", "chrM", "chrMT"]
    return [n for n in names if n != contig]


def nearest(name: str, known: list[str], otherwise: str) -> str:
    """A sentence that offers the names most like the one that is not there."""
    from rapidfuzz import fuzz, process

    close = process.extract(name, known, scorer=fuzz.WRatio, limit=3, score_cutoff=75)
    if close:
        return "Did you mean " + " or ".join(dict.fromkeys(c[0] for c in close)) + "?"
    shown = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    return f"{otherwise} {shown}" if known else ""
