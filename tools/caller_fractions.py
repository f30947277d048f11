"""Allele fractions as the caller wrote them in FORMAT, read from the file, since the table does not hold them."""

from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.errors import ToolError
from . import bcftools
from .columns import item, numbers
from .dataset import OpenDataset
from .read_fractions import Floats, Ints
from .reading import with_declarations
from .vcf_file import open_vcf

FIELDS = ("AF", "VAF", "FA", "FREQ")


def caller_field(data: OpenDataset) -> str:
    """The FORMAT field with the caller's fraction. Raises `ToolError` where there is none."""
    there = {f[1] for f in data.summary["fields"] if f[0] == "FORMAT"}
    for name in FIELDS:
        if name in there:
            return name
    raise ToolError(f"{data.name} has no allele fraction in FORMAT ({', '.join(FIELDS)})", "Take it from AD")


def caller_fractions(data: OpenDataset, samples: list[str], records: Ints, alleles: Ints) -> Floats:
    """The fraction of each allele, given by record number (ascending) and ALT number, in each sample; else NaN.

    A percentage such as `12.5%` is a fraction of 0.125. Raises `ToolError` where the file can no longer be read.
    """
    try:
        return _read(data, samples, records, alleles)
    except bcftools.BcftoolsError as error:
        raise ToolError(f"{data.name} cannot be read again: {error}", "Take the fraction from AD") from error


def _read(data: OpenDataset, samples: list[str], records: Ints, alleles: Ints) -> Floats:
    vcf = open_vcf(data.dataset.path)
    query = ["query", "-f", rf"%POS[\t%{caller_field(data)}]\n"]
    declared = all(f.declared for f in vcf.header.fields)
    out = np.full((len(records), len(samples)), np.nan)
    first = 0
    with bcftools.stream(
        [*query, str(vcf.path)] if declared else query, feed=None if declared else with_declarations(vcf)
    ) as text:
        for block in _blocks(text, data.samples, samples):
            start, stop = np.searchsorted(records, [first, first + len(block)])
            for place, sample in enumerate(samples):
                out[start:stop, place] = _values(block[sample], records[start:stop] - first, alleles[start:stop])
            first += len(block)
    return out


def _blocks(text: IO[bytes], every: list[str], wanted: list[str]) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv

    yield from csv.open_csv(
        text,
        csv.ReadOptions(column_names=["POS", *every], block_size=8 << 20, encoding="latin-1"),
        csv.ParseOptions(delimiter="\t", quote_char=False),
        csv.ConvertOptions(column_types=dict.fromkeys(every, pa.string()), include_columns=wanted, null_values=["."],
                           strings_can_be_null=True),
    )  # fmt: skip


def _values(texts: pa.Array, records: Ints, alleles: Ints) -> Floats:
    """The value of each allele; where a record has a single value for several alleles, that."""
    lists = pc.split_pattern(texts, ",")
    several = pc.fill_null(pc.greater(pc.list_value_length(lists), 1), False).to_numpy(zero_copy_only=False)
    own = item(lists, np.where(several[records], alleles - 1, 0), records)
    percent = pc.fill_null(pc.ends_with(own, "%"), False).to_numpy(zero_copy_only=False)
    values = numbers(pc.utf8_rtrim(own, "%"), pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(np.where(percent, values / 100, values))
