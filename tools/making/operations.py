"""What can be done on the way from an open file to a new one: one argument model for each operation."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..filters import Arguments, VariantFilter

AlleleKinds = Literal["any", "both", "snps", "indels"]
KINDS = "which alleles go together: any, snps alone, indels alone, or both (SNPs and indels, apart from each other)"


class _Conditions(VariantFilter):
    """Conditions inside an operation, which cannot speak of another file."""

    @model_validator(mode="after")
    def _of_this_file(self) -> Self:
        if self.dataset is not None:
            raise ValueError("the file is named once, beside the operations")
        return self


class FilterRecords(_Conditions):
    """Keep the records that meet all conditions."""

    op: Literal["filter"]


class SoftFilter(Arguments):
    """Write a name into FILTER of the records that meet all conditions; no record is lost."""

    op: Literal["soft_filter"]
    name: str = Field(pattern=r"^[A-Za-z_][\w.+-]{0,60}$", description="the new FILTER, such as LowDepth")
    marked: _Conditions = Field(description="the records to be marked")


class SetMissing(Arguments):
    """Set genotypes of low depth or quality to missing; no record is lost."""

    op: Literal["set_missing"]
    min_dp: float | None = Field(None, description="FORMAT/DP below this is too low")
    min_gq: float | None = Field(None, description="FORMAT/GQ below this is too low")
    scope: Literal["genotype", "record"] = Field(
        "genotype",
        description="genotype: each by its own values. record: all genotypes of a record in which any is too low, "
        "as bcftools reads || between FORMAT fields",
    )
    absent: Literal["keep", "missing"] = Field("keep", description="what becomes of a genotype without the value")

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.min_dp is None and self.min_gq is None:
            raise ValueError("set_missing needs `min_dp` or `min_gq`")
        return self


class SubsetSamples(Arguments):
    """Keep these samples, in this order; AC and AN are counted anew."""

    op: Literal["subset_samples"]
    samples: list[str] = Field(min_length=1)
    only_carried: bool = Field(False, description="also drop records in which none of them carries an ALT allele")


class RemoveSamples(Arguments):
    """Leave these samples out; AC and AN are counted anew."""

    op: Literal["remove_samples"]
    samples: list[str] = Field(min_length=1)
    only_carried: bool = Field(False, description="also drop records in which none of the others carries an ALT allele")


class RenameSamples(Arguments):
    op: Literal["rename_samples"]
    names: dict[str, str] = Field(min_length=1, description="the new name by the old one")


class RenameContigs(Arguments):
    """Rename by a list, or put chr before every name or take it away (MT and chrM included)."""

    op: Literal["rename_contigs"]
    names: dict[str, str] = Field(default_factory=dict, description="the new name by the old one")
    prefix: Literal["add", "remove"] | None = Field(None, description="of `chr`; in place of `names`")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.names) == (self.prefix is not None):
            raise ValueError("rename_contigs needs either `names` or `prefix`")
        return self


class SplitAlleles(Arguments):
    """One record per ALT allele."""

    op: Literal["split_alleles"]
    kinds: AlleleKinds = Field("any", description=KINDS)


class JoinAlleles(Arguments):
    """Records at one position with the same REF become one with several ALT alleles."""

    op: Literal["join_alleles"]
    kinds: AlleleKinds = Field("any", description=KINDS)


class LeftAlign(Arguments):
    """Left-align and trim indels against the reference FASTA, then sort; a REF that does not fit ends it."""

    op: Literal["left_align"]


class Sort(Arguments):
    """By contig, in the order of the header, and position."""

    op: Literal["sort"]


class Deduplicate(Arguments):
    """Of records at one position that are the same, keep the first."""

    op: Literal["deduplicate"]
    same: Literal["exact", "snps", "indels", "both", "all"] = Field(
        "exact",
        description="exact: same REF and ALT. all: same position. both: same position, SNPs and indels apart",
    )


class DropFields(Arguments):
    op: Literal["drop_fields"]
    fields: list[str] = Field(min_length=1, description="INFO/DP, FORMAT/PL, ID, QUAL, FILTER, or all of INFO, FORMAT")


class KeepFields(Arguments):
    """Of INFO, of FORMAT or of both keep only these; a kind that is not named stays whole."""

    op: Literal["keep_fields"]
    fields: list[str] = Field(min_length=1, description="INFO/AC, FORMAT/GT, ...")


class SetIds(Arguments):
    """ID becomes CHROM:POS:REF:ALT."""

    op: Literal["set_ids"]
    only_missing: bool = Field(False, description="records that have an ID keep it")


class Recompute(Arguments):
    """Count INFO/AC and AN, and AF as AC/AN, anew from the genotypes."""

    op: Literal["recompute"]


class Thin(Arguments):
    """Keep the first record, then the first that starts at least `window` bases after the last one kept."""

    op: Literal["thin"]
    window: int = Field(ge=1, description="in bases")


class DropGenotypes(Arguments):
    """Sites alone: no FORMAT and no samples."""

    op: Literal["drop_genotypes"]


class Merge(Arguments):
    """More samples: put the samples of other open files beside those of this one. Only as the first operation."""

    op: Literal["merge"]
    datasets: list[str] = Field(min_length=1, description="names of the other open files")
    absent: Literal["missing", "reference"] = Field(
        description="what a sample is where its file has no record: missing, or taken to be reference"
    )
    same_names: Literal["refuse", "number"] = Field(
        "refuse", description="number: a sample name that is there already gets 2: before it"
    )
    alleles: Literal["join", "apart"] = Field(
        "join", description="join: different ALT alleles of one position become one record. apart: they do not"
    )


class Concatenate(Arguments):
    """More positions: put the records of other open files, of the same samples, between those of this one.

    Only as the first operation.
    """

    op: Literal["concatenate"]
    datasets: list[str] = Field(min_length=1, description="names of the other open files")
    duplicates: Literal["keep", "remove"] = Field("keep", description="records with the same alleles in several files")


class _FromVcf(Arguments):
    source: str = Field(description="name of the other VCF: an open file, or one in the working folder")
    alleles: Literal["any", "all"] = Field(
        "any",
        description="records match by position, REF and ALT. any: one ALT allele in common is enough, as `bcftools "
        "annotate` has it. all: they must have the same ALT alleles",
    )


class AddIds(_FromVcf):
    """IDs, such as rs numbers, from another VCF."""

    op: Literal["add_ids"]
    only_missing: bool = Field(True, description="records that have an ID keep it")


class AddInfo(_FromVcf):
    """INFO fields from another VCF, such as ClinVar's CLNSIG."""

    op: Literal["add_info"]
    fields: list[str] = Field(min_length=1, description="CLNSIG or INFO/CLNSIG, as the other file has them")
    only_missing: bool = Field(False, description="records that have a value keep it")


class Label(Arguments):
    """A new INFO field with the name that a BED gives the region in which a record lies, or a fixed text."""

    op: Literal["label"]
    field: str = Field(pattern=r"^[A-Za-z_][0-9A-Za-z_.]{0,60}$", description="the new INFO field, such as GENE")
    bed: str | None = Field(None, description="name of the BED file; without one every record gets `value`")
    column: int = Field(4, ge=4, le=100, description="of the BED, from 1: the fourth is the name")
    value: str | None = Field(None, min_length=1, max_length=200, description="this text in place of a column")
    description: str | None = Field(None, max_length=300, description="for the header; derived where not given")

    @model_validator(mode="after")
    def _some_text(self) -> Self:
        if self.bed is None and self.value is None:
            raise ValueError("label needs `bed`, `value` or both")
        return self


class AddContigs(Arguments):
    """Lines ##contig, with lengths, that the header lacks, from the reference FASTA."""

    op: Literal["add_contigs"]


class AddVaf(Arguments):
    """FORMAT/VAF: for each ALT allele its reads divided by those of all alleles, from FORMAT/AD."""

    op: Literal["add_vaf"]


Operation = Annotated[
    FilterRecords | SoftFilter | SetMissing | SubsetSamples | RemoveSamples | RenameSamples | RenameContigs
    | SplitAlleles | JoinAlleles | LeftAlign | Sort | Deduplicate | DropFields | KeepFields | SetIds | Recompute
    | Thin | DropGenotypes | Merge | Concatenate | AddIds | AddInfo | Label | AddContigs | AddVaf,
    Field(discriminator="op"),
]  # fmt: skip
