"""The values of an INFO field for single ALT alleles, whatever number and type the header gives it."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .columns import InfoColumn, item, numbers


def allele_values(column: InfoColumn, batch: pa.RecordBatch, of_record: bool = False) -> npt.NDArray[np.float64]:
    """The number for each row's own allele, not a number where the field is absent or missing.

    `of_record` marks a field that has one value for all alleles, as AN; one value of another field (Number=1) is that
    of the first ALT. The values of Number=R begin with REF.
    """
    values = batch.column(column.column)
    allele = batch.column("allele").to_numpy().astype(np.int64)
    if column.shape == "text":
        values = pc.split_pattern(values, ",")
    if pa.types.is_list(values.type):
        at = np.zeros_like(allele) if of_record else allele - (column.number != "R")
        values = item(values, at, np.arange(len(batch)))
    if pa.types.is_string(values.type):
        values = numbers(values, pa.float64())
    out = np.array(pc.fill_null(values.cast(pa.float64()), np.nan))
    if column.shape == "number" and not of_record:
        out[allele > 1] = np.nan
    return out
