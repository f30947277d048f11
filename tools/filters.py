"""What a question asks of variants: the arguments that every counting and listing tool shares."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

VariantType = Literal["snp", "indel", "insertion", "deletion", "mnp", "bnd", "symbolic", "other"]
Operator = Literal["<", "<=", "=", "!=", ">=", ">"]


class Arguments(BaseModel):
    """Arguments of a tool; an unknown one is an error, so that a misspelt condition is never dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OnDataset(Arguments):
    """Arguments of a tool that looks at one file."""

    dataset: str | None = Field(None, description="name of the file; needed only where several are open")


class Condition(Arguments):
    """A comparison with a value of the record."""

    field: str = Field(
        description="QUAL, or INFO/<ID> such as INFO/DP, or <TAG>/<frequency> inside the annotation such as "
        "CSQ/gnomADe_AF; cohort_AF: the frequency among the called alleles of this file's own samples; or "
        "length_change: ALT minus REF in bases without its sign, 0 for an SNP, for indels of at most 5 bp and the like"
    )
    op: Operator
    value: float | str
    absent: Literal["drop", "keep"] = Field(
        "drop",
        description="whether a record without the value is dropped or kept; keep it when rarity is asked for",
    )


class SampleCondition(Arguments):
    """A comparison with a value of one sample's genotype."""

    field: Literal["DP", "GQ", "AB"] = Field(
        description="AB: allele balance, reads of the ALT allele divided by those of REF and that ALT, from AD"
    )
    op: Operator
    value: float = Field(allow_inf_nan=False)


class GenotypeCondition(Arguments):
    """What the genotypes of some samples must be.

    All of `genotype` and `where` must hold in one and the same sample; `how_many` of `samples` must do so.
    """

    genotype: (
        Literal[
            "het",
            "hom_alt",
            "hom_ref",
            "hemizygous_alt",
            "hom_or_hemizygous_alt",
            "carrier",
            "reference",
            "missing",
            "called",
        ]
        | None
    ) = Field(
        None,
        description="het: two different called alleles. hom_alt, hom_ref: ploidy two or more. hemizygous_alt: a "
        "haploid ALT call. hom_or_hemizygous_alt: either. carrier: any complete call with an ALT allele. reference: a "
        "complete call of REF alone, haploid or not. missing: some allele is missing. called: none is.",
    )
    samples: list[str] = Field(default_factory=list, description="names; empty for all samples of the file")
    except_samples: list[str] = Field(default_factory=list, description="names left out of `samples`")
    how_many: Literal["all", "any", "none", "at_least", "at_most", "exactly", "more_than", "less_than"] = "all"
    n: int | None = Field(None, ge=0, description="for at_least, at_most and exactly")
    share: float | None = Field(None, ge=0, le=1, description="of the samples, in place of n; not for exactly")
    where: list[SampleCondition] = Field(default_factory=list)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.genotype is None and not self.where:
            raise ValueError("a genotype condition needs `genotype` or `where`")
        if self.n is not None and (self.share is not None or self.how_many not in ("at_least", "at_most", "exactly")):
            raise ValueError("`n` goes with at_least, at_most and exactly, and not with `share`")
        by_share = self.how_many in ("at_least", "at_most", "more_than", "less_than")
        if self.share is not None and not by_share:
            raise ValueError("`share` goes with at_least, at_most, more_than and less_than")
        if self.n is None and self.share is None and (by_share or self.how_many == "exactly"):
            raise ValueError(f"{self.how_many} needs `n` or `share`")
        return self


def _readable(text: str) -> str:
    parse_region(text)
    return text


RegionText = Annotated[
    str, AfterValidator(_readable), Field(description="chr20, chr20:12050 or chr20:10000-14000; 1-based, inclusive")
]


class Conditions(Arguments):
    """Conditions on variants; all of them must hold, and within one list any of its values."""

    regions: list[RegionText] = Field(default_factory=list, description="records that overlap any of these regions")
    not_regions: list[RegionText] = Field(default_factory=list, description="records that overlap none of these")
    inside_bed: str | None = Field(
        None, min_length=1, description="name of a BED file: records that overlap any of its regions"
    )
    outside_bed: str | None = Field(
        None, min_length=1, description="name of a BED file: records that overlap none of its regions"
    )
    bed_overlap: Literal["record", "pos"] = Field(
        "record",
        description="record: a record overlaps when a base of its REF (or up to END) does, as in `regions`. pos: only "
        "its POS is looked at",
    )
    genes: list[str] = Field(default_factory=list, description="gene symbols of the annotation")
    ids: list[str] = Field(default_factory=list, description="values of the ID column, such as rs334")
    types: list[VariantType] = Field(
        default_factory=list,
        description="deletion and insertion are indels by the change in length, and <DEL> and <INS>; symbolic is "
        "any <...> allele; other is neither substitution nor indel",
    )
    not_types: list[VariantType] = Field(default_factory=list, description="records with no allele of these types")
    multiallelic: bool | None = Field(None, description="more than one ALT allele")
    consequences: list[str] = Field(
        default_factory=list,
        description="Sequence Ontology terms such as missense_variant; with `genes` or `impacts`, all must be said "
        "by one and the same annotation entry",
    )
    impacts: list[Literal["HIGH", "MODERATE", "LOW", "MODIFIER"]] = Field(default_factory=list)
    filters: list[str] = Field(default_factory=list, description="FILTER holds any of these; PASS, or . for not set")
    not_filters: list[str] = Field(default_factory=list, description="FILTER holds none of these")
    significance: list[str] = Field(
        default_factory=list,
        description="values of the clinical significance field (CLNSIG), whole, as in the file",
    )
    where: list[Condition] = Field(default_factory=list)
    genotypes: list[GenotypeCondition] = Field(default_factory=list)


class VariantFilter(Conditions, OnDataset):
    """Conditions on the variants of one file."""


class Counting(VariantFilter):
    """Conditions, and what is counted."""

    scope: Literal["record", "allele"] = Field(
        "record",
        description="record: lines of the file, for which each condition may be met by any ALT allele, as bcftools "
        "does it. allele: ALT alleles, each of which must meet all conditions itself",
    )
    question: Literal["how_many", "is_there"] = Field("how_many", description="is_there is answered by true or false")


_REGION = re.compile(
    r"^(?P<contig>[^\s:]+|[^\s]+(?=:[\d,]+(?:-[\d,]+)?$))(?::(?P<start>[\d,]+)(?:-(?P<end>[\d,]+))?)?$"
)
END_OF_CONTIG = 2**31 - 1


def parse_region(text: str) -> tuple[str, int, int]:
    """Contig, first and last position of a region, 1-based and inclusive. Raises `ValueError`."""
    found = _REGION.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a region such as chr20:10000-14000")
    if found["start"] is None:
        return found["contig"], 1, END_OF_CONTIG
    start = int(found["start"].replace(",", ""))
    end = int(found["end"].replace(",", "")) if found["end"] else start
    if start >= END_OF_CONTIG:
        raise ValueError(f"the region {text!r} starts after the last position that a contig can have")
    end = min(end, END_OF_CONTIG - 1)
    if end < start:
        raise ValueError(f"the region {text!r} ends before it starts")
    return found["contig"], start, end
