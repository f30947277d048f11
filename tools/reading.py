"""A file read once, in blocks: `bcftools query` text to batches of allele rows, and what is learnt on the way."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.errors import InputError
from ..memory.genotype_codes import MAX_CODES, Codes, Genotype, GenotypeCodes
from . import alleles, bcftools
from .annotation import Entries, ProfileBook, read_entries
from .columns import InfoColumn, Plan, frequency_column, item, lists_of, numbers, sample_matrix
from .signatures import SignatureBook
from .vcf_file import Container, Progress, VcfFile

Ints = npt.NDArray[np.int64]

KEY_SHIFT = 16
"""A row's primary key is its record shifted by so many bits, plus its allele."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How forgiving the text is read: most files need nothing, and forgiving is slower."""

    lenient: bool = False
    encoding: str = "utf8"
    block_bytes: int = 8 << 20

    def after(self, error: Exception) -> "Mode | None":
        """The mode to try after an error; null where none would help."""
        text = str(error)
        if "UTF" in text.upper() and self.encoding == "utf8":
            return Mode(self.lenient, "latin-1", self.block_bytes)
        if "straddling" in text and self.block_bytes < 1 << 30:
            return Mode(self.lenient, self.encoding, self.block_bytes * 16)
        if "onversion error" in text and not self.lenient:
            return Mode(True, self.encoding, self.block_bytes)
        return None


_AS_FLAG, _AS_TEXT = "Number=0,Type=Flag", "Number=.,Type=String"


class Reading:
    """One pass over a file. After `batches` is exhausted the counts, profiles and genotype codes are complete.

    `regions` is a file of regions for bcftools; then records are read whose POS lies there.
    """

    def __init__(
        self, vcf: VcfFile, plan: Plan, mode: Mode, progress: Progress | None = None, regions: Path | None = None
    ) -> None:
        self.vcf, self.plan, self.mode, self.progress, self.regions = vcf, plan, mode, progress, regions
        self.codes = GenotypeCodes()
        self.profiles = ProfileBook()
        self.signatures = SignatureBook(plan)
        self.failure: Exception | None = None
        self.records = self.rows = self.multiallelic = 0
        self.contigs: Counter[str] = Counter()
        self.filters: Counter[str] = Counter()
        self.blocks_of_reference = 0
        self.partly_missing: set[str] = set()
        self.longest = 1
        self.several_ids = False
        self._annotation_tag = plan.annotation.tag if plan.annotation else ""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Allele rows under `plan.schema()`. What goes wrong is kept in `failure`, since the writer hides it."""
        try:
            with self._text() as text:
                for block in self._blocks(text):
                    yield from self._rows(block).to_batches()
                    if self.progress:
                        self.progress(self.records)
        except Exception as error:
            self.failure = error
            raise

    @contextlib.contextmanager
    def _text(self) -> Iterator[IO[bytes]]:
        query = ["query", "-f", self.plan.query()]
        if self.regions:
            query += ["-R", str(self.regions), "--regions-overlap", "0"]
        if all(f.declared for f in self.vcf.header.fields):
            query.append(str(self.vcf.path))
            feed = None
        else:
            feed = with_declarations(self.vcf)
        with bcftools.stream(query, feed=feed) as text:
            yield text

    def _blocks(self, text: IO[bytes]) -> Iterator[pa.RecordBatch]:
        from pyarrow import csv

        types = self.plan.text_columns(self.mode.lenient)
        first = text.peek(1)  # type: ignore[attr-defined]
        if not first:
            return
        yield from csv.open_csv(
            text,
            csv.ReadOptions(column_names=list(types), block_size=self.mode.block_bytes, encoding=self.mode.encoding),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(column_types=types, null_values=["."], strings_can_be_null=True),
        )

    def _rows(self, block: pa.RecordBatch) -> pa.Table:
        alt_lists = pc.split_pattern(pc.fill_null(block.column("ALT"), ""), ",")
        n_alt = pc.list_value_length(alt_lists).to_numpy()
        parent = np.repeat(np.arange(len(block)), n_alt)
        within = np.arange(len(parent)) - np.repeat(np.cumsum(n_alt) - n_alt, n_alt)
        rows = Rows(block, parent.astype(np.int64), within.astype(np.int64), n_alt)
        alt = alt_lists.flatten()
        columns = self._site_columns(rows, pc.if_else(pc.equal(alt, ""), None, alt))
        columns |= {c.column: self._info_column(rows, c) for c in self.plan.info}
        columns |= self._annotation_columns(rows, columns)
        if self.plan.samples:
            columns |= self._genotype_columns(rows)
        columns["signature"] = pa.array(self.signatures.signatures_of(columns))
        self._tally(block, n_alt, columns)
        schema = self.plan.schema()
        return pa.table([columns[name] for name in schema.names], schema=schema)

    def _site_columns(self, rows: "Rows", alt: pa.Array) -> dict[str, pa.Array]:
        ref = rows.take("REF")
        types = alleles.types_of(ref, alt)
        record, allele = rows.parent + self.records, np.where(pc.is_null(alt), 0, rows.within + 1)
        return {
            "key": pa.array(record << KEY_SHIFT | allele),
            "record": pa.array(record.astype(np.int32)), "allele": pa.array(allele.astype(np.int16)),
            "n_alt": pa.array(np.where(pc.is_null(alt), 0, rows.n_alt[rows.parent]).astype(np.int16)),
            "chrom": rows.take("CHROM"), "pos": rows.take("POS"), "end": rows.take("END"), "id": rows.take("ID"),
            "ref": ref, "alt": alt, "alts": _whole_alt(rows), "qual": rows.take("QUAL"),
            "filter": pc.fill_null(rows.take("FILTER"), "."), "type": types,
            "length": alleles.lengths_of(ref, alt, types), "change": alleles.changes_of(ref, alt, types),
        }  # fmt: skip

    def _info_column(self, rows: "Rows", column: InfoColumn) -> pa.Array:
        values = rows.block.column(column.column)
        type_ = column.arrow_type()
        if column.shape == "flag":
            return rows.of_rows(pc.is_valid(values))
        number_list = column.shape in ("per_allele", "list") and column.type == "Integer"
        text_list = column.shape == "text" and column.number != "1" and column.id != self._annotation_tag
        if number_list or text_list:
            self._note_partly_missing(column.id, values)
        if column.shape == "per_allele":
            own = item(pc.split_pattern(values, ","), rows.within, rows.parent)
            own = pc.if_else(pc.equal(own, "."), None, own)
            return own if pa.types.is_string(type_) else numbers(own, type_)
        if column.shape == "list":
            lists = pc.split_pattern(values, ",")
            flat = numbers(pc.if_else(pc.equal(lists.values, "."), None, lists.values), type_.value_type)
            mask = pc.is_null(lists) if lists.null_count else None
            values = pa.ListArray.from_arrays(lists.offsets, flat, type=type_, mask=mask)
        elif column.shape == "number":
            values = numbers(values, type_) if pa.types.is_string(values.type) else values
        return rows.of_rows(values)

    def _note_partly_missing(self, name: str, values: pa.Array) -> None:
        """Keep in mind a field with values such as `.,3`, with which bcftools compares in its own way."""
        several = values.filter(pc.match_substring(values, ","))
        if len(several) and pc.any(pc.match_substring_regex(several, r"(^|,)\.(,|$)")).as_py():
            self.partly_missing.add(name)

    def _annotation_columns(self, rows: "Rows", columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
        format_, n = self.plan.annotation, len(rows.parent)
        if format_ is None:
            return {"profile": pa.array(np.zeros(n, dtype=np.int32))}
        tag = next(c.column for c in self.plan.info if c.id == format_.tag)
        entries = read_entries(
            rows.block.column(tag), format_, rows.parent, rows.within + 1, columns["alt"], columns["ref"]
        )
        found = {"profile": pa.array(self.profiles.profiles_of(entries, n))}
        return found | {
            frequency_column(name): _frequency(entries, at, n) for name, at in self.plan.frequencies.items()
        }

    def _genotype_columns(self, rows: "Rows") -> dict[str, pa.Array]:
        n, parent = len(self.plan.samples), rows.parent
        codes = self._codes(rows.block)
        classes, called = self.codes.classes(), self.codes.called()
        missing = np.isin(classes, [Genotype.MISSING, Genotype.PARTIAL])[codes].sum(axis=1)
        columns = {
            "ac": pa.array(self._copies(codes, rows).astype(np.int32)),
            "an": pa.array(called[codes].sum(axis=1)[parent].astype(np.int32)),
            "n_missing": pa.array(missing[parent].astype(np.int32)),
            "gt": lists_of(pa.array(codes[parent].ravel()), n),
        }
        for name in ("DP", "GQ"):
            if name in self.plan.sample_fields:
                values = self._sample_values(rows.block, name, self.plan.sample_types[name])
                columns[name.lower()] = rows.of_rows(lists_of(values, n))
        if "AD" in self.plan.sample_fields:
            columns |= self._depths(rows)
        return columns

    def _codes(self, block: pa.RecordBatch) -> Codes:
        """The genotype code of each record and sample; a record without GT is missing in all."""
        n = len(self.plan.samples)
        self._note_genotypes(block)
        codes = np.empty((len(block), n), dtype=np.int16)
        for i in range(n):
            if "GT" not in self.plan.sample_fields:
                codes[:, i] = self.codes.code(".")
                continue
            column = block.column(f"GT:{i}")
            book = [self.codes.code(text) for text in column.dictionary.to_pylist()] + [self.codes.code(".")]
            places = pc.fill_null(column.indices, len(book) - 1).to_numpy()
            codes[:, i] = np.array(book, dtype=np.int16)[places]
        return codes

    def _note_genotypes(self, block: pa.RecordBatch) -> None:
        """Codes for new genotypes: first '.', then record after record, so that they do not depend on the blocks."""
        known = {*self.codes.texts, "."}
        new = []
        for i in range(len(self.plan.samples) if "GT" in self.plan.sample_fields else 0):
            column = block.column(f"GT:{i}")
            for place, text in enumerate(column.dictionary.to_pylist()):
                if text not in known:
                    new.append((pc.index(column.indices, place).as_py(), i, text))
        for text in [".", *(text for _, _, text in sorted(new))]:
            self.codes.code(text)
        self._check_codes()

    def _check_codes(self) -> None:
        if len(self.codes.texts) > MAX_CODES:
            raise InputError(f"{self.vcf.path} has over {MAX_CODES:,} different genotypes", "Split its samples")

    def _copies(self, codes: Codes, rows: "Rows") -> Ints:
        """Copies of each row's own allele over all samples."""
        copies = np.zeros(len(rows.parent), dtype=np.int64)
        for within in range(int(rows.n_alt.max(initial=0))):
            mine = rows.within == within
            copies[mine] = self.codes.copies(within + 1)[codes[rows.parent[mine]]].sum(axis=1)
        return copies

    def _sample_values(self, block: pa.RecordBatch, name: str, type_: pa.DataType) -> pa.Array:
        columns = [block.column(f"{name}:{i}") for i in range(len(self.plan.samples))]
        return sample_matrix([numbers(c, type_) if pa.types.is_string(c.type) else c for c in columns])

    def _depths(self, rows: "Rows") -> dict[str, pa.Array]:
        """Reads of REF and of the row's own ALT in each sample."""
        n = len(self.plan.samples)
        lists = pc.split_pattern(self._sample_values(rows.block, "AD", pa.string()), ",")
        values = numbers(pc.if_else(pc.equal(lists.values, "."), None, lists.values), pa.int32())
        mask = pc.is_null(lists) if lists.null_count else None
        lists = pa.ListArray.from_arrays(lists.offsets, values, mask=mask)
        cell = (rows.parent[:, None] * n + np.arange(n)).ravel()
        alt = np.repeat(rows.within + 1, n)
        return {
            "ad_ref": lists_of(item(lists, np.zeros(len(cell), dtype=np.int64), cell), n),
            "ad_alt": lists_of(item(lists, alt, cell), n),
        }

    def _tally(self, block: pa.RecordBatch, n_alt: npt.NDArray[np.int32], columns: dict[str, pa.Array]) -> None:
        self.records += len(block)
        self.rows += len(columns["record"])
        self.multiallelic += int((n_alt > 1).sum())
        for counter, values in (
            (self.contigs, block.column("CHROM")),
            (self.filters, pc.fill_null(block.column("FILTER"), ".")),
        ):
            for pair in pc.value_counts(values).to_pylist():
                counter[pair["values"]] += pair["counts"]
        length = pc.max(pc.subtract(block.column("END"), block.column("POS"))).as_py()
        self.longest = max(self.longest, (length or 0) + 1)
        self.several_ids |= bool(pc.any(pc.match_substring(block.column("ID"), ";")).as_py())
        blocks = pc.is_in(columns["alt"], pa.array(["<NON_REF>", "<*>"]))
        self.blocks_of_reference += int(pc.sum(blocks).as_py() or 0)

    def append(self, later: "Reading") -> "Numbers":
        """Take in what was learnt of the region that comes next; returns what its numbers are here."""
        profiles = self.profiles.join(later.profiles)
        signatures = self.signatures.join(later.signatures, profiles)
        numbers = Numbers(self.records, self.codes.join(later.codes), profiles, signatures)
        self._check_codes()
        self.records += later.records
        self.rows += later.rows
        self.multiallelic += later.multiallelic
        self.contigs += later.contigs
        self.filters += later.filters
        self.blocks_of_reference += later.blocks_of_reference
        self.partly_missing |= later.partly_missing
        self.longest = max(self.longest, later.longest)
        self.several_ids |= later.several_ids
        return numbers

    def summary(self) -> dict[str, Any]:
        """What the catalog keeps of the data itself; all of it goes through JSON."""
        return {
            "records": self.records, "rows": self.rows, "multiallelic": self.multiallelic,
            "contigs": dict(self.contigs), "filters": dict(self.filters),
            "reference_blocks": self.blocks_of_reference, "genotypes": self.codes.texts,
            "info": self.plan.to_json(), "sample_fields": self.plan.sample_fields,
            "samples": self.plan.samples, "frequencies": list(self.plan.frequencies),
            "partly_missing": sorted(self.partly_missing),
            "longest": self.longest, "several_ids": self.several_ids,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the numbers of a region are in the whole file: of its first record, and in place i that of number i."""

    record: int
    codes: Codes
    profiles: Ints
    signatures: Ints

    def renumbered(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of the variant table with the numbers of the whole file."""
        record = batch["record"].to_numpy() + self.record
        new = {
            "key": pa.array(record.astype(np.int64) << KEY_SHIFT | batch["allele"].to_numpy()),
            "record": pa.array(record.astype(np.int32)),
            "profile": pa.array(self.profiles[batch["profile"].to_numpy()].astype(np.int32)),
            "signature": pa.array(self.signatures[batch["signature"].to_numpy()].astype(np.int32)),
        }
        if "gt" in batch.schema.names:
            codes = self.codes[batch["gt"].flatten().to_numpy()]
            new["gt"] = lists_of(pa.array(codes), len(codes) // max(len(batch), 1))
        columns = [new.get(name, batch[name]) for name in batch.schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


@dataclass(slots=True)
class Rows:
    """How the allele rows of a block relate to its records: `parent` is a row's record, `within` its place."""

    block: pa.RecordBatch
    parent: Ints
    within: Ints
    n_alt: npt.NDArray[np.int32]

    def take(self, name: str) -> pa.Array:
        """A column of the records, for their allele rows."""
        return self.of_rows(self.block.column(name))

    def of_rows(self, values: pa.Array) -> pa.Array:
        """Values of the records, for their allele rows."""
        return values if len(self.parent) == len(self.block) else values.take(pa.array(self.parent))


def _whole_alt(rows: "Rows") -> pa.Array:
    """The ALT column as it stands, on the first row of a record with several; elsewhere it would be a repetition."""
    first_of_several = (rows.n_alt[rows.parent] > 1) & (rows.within == 0)
    return rows.block.column("ALT").take(pa.array(rows.parent, mask=~first_of_several))


def _frequency(entries: Entries, at: int, n_rows: int) -> pa.Array:
    """The first frequency given for each row; VEP joins several by `&`, of which the first is the row's."""
    from .annotation import part

    texts = pc.list_element(pc.split_pattern(part(entries.parts, at), "&"), 0)
    values = numbers(texts, pa.float32()).to_numpy(zero_copy_only=False)
    known = ~np.isnan(values)
    rows, first = np.unique(entries.row[known], return_index=True)
    out = np.full(n_rows, np.nan, dtype=np.float32)
    out[rows] = values[known][first]
    return pa.array(out, mask=np.isnan(out))


def first_unreadable_line(vcf: VcfFile) -> str:
    """Which line of a text file a reader stumbled over, as far as a look at the columns can tell."""
    samples = 0
    with contextlib.suppress(OSError, EOFError), _opened(vcf.path, vcf.container) as lines:
        for number, raw in enumerate(lines, 1):
            line = raw.decode(errors="replace")
            columns = line.rstrip("\r\n").split("\t")
            if line.startswith("#CHROM"):
                samples = len(columns)
            elif not line.startswith("#") and (problem := _problem(columns, samples)):
                return f"line {number} {problem}"
    return ""


def with_declarations(vcf: VcfFile) -> Iterator[bytes]:
    """The text of a file with a header line for each field that it uses and does not declare.

    They are declared as text, since a reader stops at a value that does not fit a declared type.
    """
    missing = [f for f in vcf.header.fields if not f.declared]
    with _opened(vcf.path, vcf.container) as lines:
        yield lines.readline()
        yield "".join(
            f'##{f.kind}=<ID={f.id},{_AS_FLAG if f.type == "Flag" else _AS_TEXT},Description="">\n' for f in missing
        ).encode()
        while block := lines.read(1 << 20):
            yield block


def _opened(path: Path, container: Container) -> IO[bytes]:
    import gzip

    return cast(IO[bytes], gzip.open(path)) if container == "vcf.gz" else path.open("rb")


def _problem(columns: list[str], expected: int) -> str:
    if columns == [""]:
        return "is blank"
    if len(columns) != expected:
        return f"has {len(columns)} columns instead of {expected}"
    if not columns[1].isdigit() or len(columns[1]) > 10:
        return f"has the position {columns[1][:20]!r}, which is not a number"
    return ""
