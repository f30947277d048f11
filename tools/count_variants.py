"""How many variants meet a set of conditions."""

from ..memory.genotype_codes import Genotype
from .context import ToolContext
from .dataset import OpenDataset
from .emptiness import why_none
from .evidence import prove, view_command
from .filters import Counting
from .registry import Tool
from .result import ToolResult
from .selection import Selection, count_found, select
from .text import count_of


def count_variants(context: ToolContext, wanted: Counting) -> ToolResult:
    """Count records, or alleles, that meet all conditions.

    The value is a number. Raises `ToolError` for a sample, contig, gene or field that the file does not have.
    """
    data = context.dataset(wanted.dataset)
    found = select(data, wanted, wanted.scope)
    number = count_found(data, found, wanted.scope)
    command = view_command(data, found.clauses, wanted.scope)
    result = ToolResult(_sentence(data, number, wanted.scope), number, f"{wanted.scope}s", list(found.reading))
    result.reading += _notes(data, found, wanted.scope) + _hemizygous_note(data, wanted)
    result.evidence.append(prove(context, data, "count_variants", wanted, command, number))
    result.text += why_none(data, wanted, wanted.scope) if not number else ""
    if wanted.question == "is_there":
        result.value, result.unit = number > 0, None
        result.text = (
            ("Yes: " if number else "No: ") + result.text[0].lower() * (number == 0) + result.text[number == 0 :]
        )
    return result


def _sentence(data: OpenDataset, number: int, scope: str) -> str:
    total = data.summary["records"] if scope == "record" else data.table.count("allele > 0")
    noun = "record" if scope == "record" else "ALT allele"
    if number == 0:
        return f"None of the {count_of(total, noun)} in {data.name} meets the conditions."
    if number == total:
        return f"{data.name} has {count_of(total, noun)}; all of them count here."
    return f"{number:,} of the {count_of(total, noun)} in {data.name}."


def _notes(data: OpenDataset, found: Selection, scope: str) -> list[str]:
    notes = []
    if scope == "record" and data.summary["multiallelic"]:
        alleles = "variants are counted as records (lines of the file); a record with several ALT alleles counts once"
        notes.append(alleles)
    if found.by_different_alleles:
        notes.append(
            f"{count_of(found.by_different_alleles, 'record')} of them meet the conditions through different "
            "ALT alleles; ask for alleles to have one allele meet them all"
        )
    return notes


def _hemizygous_note(data: OpenDataset, wanted: Counting) -> list[str]:
    """How many there would be if hemizygous ALT calls were homozygous, where the question is of homozygous ones."""
    if not any(g.genotype == "hom_alt" for g in wanted.genotypes) or not data.codes.with_class(Genotype.HEMI_ALT):
        return []
    either = {"genotype": "hom_or_hemizygous_alt"}
    genotypes = [g.model_copy(update=either) if g.genotype == "hom_alt" else g for g in wanted.genotypes]
    found = select(data, wanted.model_copy(update={"genotypes": genotypes}), wanted.scope)
    return [f"with hemizygous calls counted as homozygous it would be {count_found(data, found, wanted.scope):,}"]


TOOL = Tool(
    "count_variants",
    "Count the variants that meet all given conditions. Use it for every 'how many variants ...' and 'is there a "
    "variant ...'. Returns one number with its unit and the reading.",
    Counting,
    count_variants,
    example={
        "filters": ["PASS"],
        "genotypes": [{"genotype": "het", "samples": ["DEV"]}, {"genotype": "hom_ref", "samples": ["OTTO"]}],
    },
)
