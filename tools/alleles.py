"""What an ALT allele is: its type, its change in length, its substitution.

The types are those of `bcftools view -v`: snp, indel, mnp, bnd, other (symbolic alleles among them), overlap, ref;
`ref` also stands for `<*>` and `<NON_REF>`.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

TRANSITIONS = {"A>G", "G>A", "C>T", "T>C"}
_BASES = pa.array(["A", "C", "G", "T"])


@lru_cache(maxsize=100_000)
def allele_type(ref: str, alt: str) -> str:
    """The type of one allele, by the rules of htslib's `bcf_set_variant_type` (vcf.c)."""
    if alt in ("", ".", "X", "<X>", "<*>", "<NON_REF>"):
        return "ref"
    if alt == "*":
        return "overlap"
    if "[" in alt or "]" in alt:
        return "bnd"
    if alt.startswith("<"):
        return "other"
    if len(ref) == len(alt) == 1:
        return "ref" if ref == alt else "snp"
    return _sequence_type(ref.upper(), alt.upper())


def _sequence_type(ref: str, alt: str) -> str:
    start = 0
    while start < min(len(ref), len(alt)) and ref[start] == alt[start]:
        start += 1
    r, a = ref[start:], alt[start:]
    if not r and not a:
        return "ref"
    if not r or not a:
        return "indel"
    while len(r) > 1 and len(a) > 1 and r[-1] == a[-1]:
        r, a = r[:-1], a[:-1]
    if len(r) == len(a) == 1:
        return "snp"
    if len(r) == 1 or len(a) == 1:
        return "indel" if r[-1] == a[-1] else "other"
    return "mnp" if len(r) == len(a) else "other"


def types_of(ref: pa.Array, alt: pa.Array) -> pa.Array:
    """The type of each allele; only pairs that are no plain substitution are looked at one by one."""
    alt = pc.fill_null(alt, "")
    plain = pc.and_(pc.is_in(ref, _BASES), pc.and_(pc.is_in(alt, _BASES), pc.not_equal(ref, alt)))
    rest = pc.indices_nonzero(pc.invert(plain))
    out = np.full(len(ref), "snp", dtype=object)
    if len(rest):
        pairs = zip(ref.take(rest).to_pylist(), alt.take(rest).to_pylist(), strict=True)
        out[rest.to_numpy()] = [allele_type(r, a) for r, a in pairs]
    return pa.array(out, pa.string())


def lengths_of(ref: pa.Array, alt: pa.Array, types: pa.Array) -> pa.Array:
    """ALT length minus REF length for sequence alleles, in bases; null for symbolic ones and breakends."""
    sequence = pc.is_in(types, pa.array(["snp", "indel", "mnp"]))
    written = pc.and_(pc.equal(types, "other"), pc.invert(pc.starts_with(pc.fill_null(alt, "<"), "<")))
    difference = pc.subtract(pc.utf8_length(pc.fill_null(alt, "")), pc.utf8_length(ref)).cast(pa.int32())
    return pc.if_else(pc.or_(sequence, written), difference, pa.scalar(None, pa.int32()))


def changes_of(ref: pa.Array, alt: pa.Array, types: pa.Array) -> pa.Array:
    """`C>T` for a substitution of a base, null otherwise.

    As in `bcftools stats`, the first bases of REF and ALT are compared, so a substitution that is written with
    a base in front (in a record that it shares with an indel) has no entry here.
    """
    first_ref = pc.utf8_upper(pc.utf8_slice_codeunits(ref, 0, 1))
    first_alt = pc.utf8_upper(pc.utf8_slice_codeunits(pc.fill_null(alt, ""), 0, 1))
    known = pc.and_(pc.is_in(first_ref, _BASES), pc.is_in(first_alt, _BASES))
    good = pc.and_(pc.equal(types, "snp"), pc.and_(known, pc.not_equal(first_ref, first_alt)))
    return pc.if_else(good, pc.binary_join_element_wise(first_ref, first_alt, ">"), pa.scalar(None, pa.string()))


def is_transition(changes: pa.Array) -> npt.NDArray[np.bool_]:
    """Which changes are transitions (A and G, C and T)."""
    found = pc.is_in(changes, pa.array(sorted(TRANSITIONS)))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
