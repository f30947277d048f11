"""Who carries what, which samples and variants go together, and how they hang together with genes and conditions."""

from collections.abc import Callable
from typing import Literal, Self

from pydantic import Field, model_validator

from ..memory.catalog import Catalog
from ..memory.errors import StorageError
from ..memory.variant_graph import graph_path
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import prove, shown_path
from .filters import OnDataset
from .graph_scope import Found, Question
from .registry import Tool
from .result import Evidence, ToolResult
from .sample_walks import genes_hit, most_alike, shared_variants, who_carries
from .text import one_line
from .variant_walks import co_occurrence, neighbourhood, path_to_condition

Ask = Literal[
    "who_carries", "shared_variants", "most_alike", "genes_hit", "neighbourhood", "path_to_condition", "co_occurrence"
]
USES: dict[str, set[str]] = {
    "who_carries": {"genes", "samples", "impacts", "consequences"},
    "shared_variants": {"samples", "nobody_else"},
    "most_alike": {"samples", "max_carriers"},
    "genes_hit": {"affected", "min_samples", "impacts", "consequences"},
    "neighbourhood": {"variant"},
    "path_to_condition": {"samples", "condition"},
    "co_occurrence": {"genes", "variant", "impacts", "consequences"},
}
NEEDS = {
    "who_carries": "genes", "shared_variants": "samples", "neighbourhood": "variant",
    "path_to_condition": "condition",
}  # fmt: skip

WALKS: dict[str, Callable[[Question], Found]] = {
    "who_carries": who_carries, "shared_variants": shared_variants, "most_alike": most_alike, "genes_hit": genes_hit,
    "neighbourhood": neighbourhood, "path_to_condition": path_to_condition, "co_occurrence": co_occurrence,
}  # fmt: skip


class ExploreGraph(OnDataset):
    """What is asked of the graph, and between what; an argument that the question does not use is refused."""

    dataset: str | None = Field(None, description="name of the file; without it, all open files together")
    ask: Ask = Field(
        description="who_carries: variants in `genes` and their carriers. shared_variants: carried by all `samples`. "
        "most_alike: pairs of samples by shared rare variants. genes_hit: genes with a variant in at least "
        "`min_samples` affected samples. neighbourhood: what hangs together with `variant`. path_to_condition: "
        "variants of `samples` asserted for `condition`. co_occurrence: pairs of variants of `genes`, or with "
        "`variant`, in the same samples"
    )
    genes: list[str] = Field(default_factory=list, description="gene symbols")
    samples: list[str] = Field(default_factory=list, description="names, or FILE/NAME where several files have one")
    variant: str | None = Field(None, description="CHROM:POS:REF:ALT, or an ID such as rs334")
    condition: str | None = Field(None, description="name of a disease as ClinVar has it")
    impacts: list[Literal["HIGH", "MODERATE", "LOW", "MODIFIER"]] = Field(default_factory=list)
    consequences: list[str] = Field(default_factory=list, description="Sequence Ontology terms")
    affected: list[str] = Field(default_factory=list, description="affected samples; empty for those of the pedigree")
    min_samples: int = Field(2, ge=1, description="affected samples that must carry a variant in the gene")
    max_carriers: int | None = Field(
        None, ge=2, description="a variant is rare where at most so many samples carry it; default a tenth, at least 2"
    )
    nobody_else: bool = Field(False, description="only variants that no other sample carries")
    limit: int = Field(20, ge=1, le=1000, description="rows shown; the total is always told")

    @model_validator(mode="after")
    def _only_what_is_used(self) -> Self:
        given = {name for name in self.model_fields_set if getattr(self, name) != type(self).model_fields[name].default}
        given = {name for name in given if getattr(self, name) != []} - {"ask", "dataset", "limit"}
        if strange := sorted(given - USES[self.ask]):
            raise ValueError(f"{self.ask} does not use {strange[0]}; it uses {', '.join(sorted(USES[self.ask]))}")
        if (need := NEEDS.get(self.ask)) and not getattr(self, need):
            raise ValueError(f"{self.ask} needs {need}")
        if self.ask == "co_occurrence" and not self.genes and not self.variant:
            raise ValueError("co_occurrence needs genes or a variant")
        return self


def explore_graph(context: ToolContext, wanted: ExploreGraph) -> ToolResult:
    """What the graph says, with the count that supports it got again from the variant table.

    Raises `ToolError` for names that are not there or not clear.
    """
    files = [context.dataset(wanted.dataset)] if wanted.dataset or not context.datasets else context.datasets
    with_genotypes = [d for d in files if d.samples and "GT" in d.summary["sample_fields"]]
    if not with_genotypes:
        files[0].need_genotypes()
    path = graph_path(context.workspace, _generation(context, files))
    with context.open_graph.at(path) as graph:
        question = Question(context, wanted, graph, with_genotypes, context.held())
        found = WALKS[wanted.ask](question)
    result = ToolResult(found.text, found.value, found.unit, [*found.reading, *_readings(question)], found.tables)
    result.private = True
    result.evidence = _evidence(question, found)
    if any(e.verified is False for e in result.evidence):
        result.text += " Warning: the graph and the file do not agree on this; see the evidence."
    return result


def _generation(context: ToolContext, files: list[OpenDataset]) -> int:
    """The generation that holds now: it may be newer than the file's own, which is then gone."""
    dataset = Catalog(context.workspace).by_digest(files[0].dataset.sha256)
    if dataset is None:
        raise StorageError(f"{files[0].name} is no longer in {context.workspace}", "Ingest it again")
    return dataset.graph_generation


def _readings(question: Question) -> list[str]:
    readings = [
        "counted are ALT alleles; a sample carries one where its genotype has a copy of it, also where the genotype is "
        "partly missing (./1); alleles that are no variant (*, <NON_REF>, no ALT) are not in the graph"
    ]
    if question.wanted.impacts or question.wanted.consequences:
        readings.append("consequence and impact of a variant are the most severe that it has in the gene")
    if len(question.held) > 1 and question.wanted.ask not in ("shared_variants", "most_alike"):
        readings.append(
            f"genes and conditions of a variant are those that any of the {len(question.held)} files of the workspace "
            "gives it"
        )
    if len(question.files) > 1:
        readings.append("samples of different files are kept apart, also under the same name"
                        + ", but for those that were said to be one person" * bool(question.persons))  # fmt: skip
    return readings + [f"{d.name}: {left}" for d in question.files if (left := d.summary["graph"]["left_out"])]


def _evidence(question: Question, found: Found) -> list[Evidence]:
    """The count from the table beside that of the graph; and the command where bcftools can give the same."""
    counted = found.counted()
    told = (
        f"counted again from the variant table, of the alleles that the graph holds: {_told(counted)} ({found.counts})"
    )
    agrees = counted == found.count
    if agrees:
        told += "; the graph gives the same"
    else:
        told += f"; the graph gives {_told(found.count)}"
    return [_of_file(question, found, data, told, agrees) for data in question.files]


def _of_file(question: Question, found: Found, data: OpenDataset, told: str, agrees: bool) -> Evidence:
    if proof := found.command():
        command, expected = proof
        evidence = prove(question.context, data, "explore_graph", question.wanted, command, expected)
    else:
        arguments = question.wanted.model_dump(exclude_defaults=True, mode="json")
        path = shown_path(data.dataset.path, question.context.folder)
        evidence = Evidence(path, data.dataset.sha256, "explore_graph", arguments)
        evidence.note = "no bcftools command: it walks over several records"
    evidence.note = f"{told}; {evidence.note}" if evidence.note else told
    evidence.verified = evidence.verified if agrees else False
    return evidence


def _told(count: object) -> str:
    if isinstance(count, int):
        return f"{count:,}"
    if isinstance(count, dict):
        return one_line(", ".join(f"{k} {v:,}" for k, v in count.items()) or "none", 200)
    return one_line(str(count), 200)


TOOL = Tool(
    "explore_graph",
    "Walk the graph of samples, variants, genes and conditions: who carries variants in a gene, variants that samples "
    "share, samples most alike by rare variants, genes hit in several affected samples, what surrounds a variant, a "
    "sample's variants asserted for a condition, variants that occur together.",
    ExploreGraph,
    explore_graph,
    example={"ask": "who_carries", "genes": ["CFTR"]},
)
