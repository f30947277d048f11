"""`vcf-agent analyze`: a fixed series of tool calls about one file, with a status for each step."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, Literal

from ..memory.errors import InputError, VcfAgentError
from ..tools import bcftools
from ..tools.context import ToolContext
from ..tools.dataset import OpenDataset
from ..tools.evidence import shown_path
from ..tools.registry import tool
from ..tools.result import Json, ToolResult
from ..tools.text import one_line
from ..tools.validate_file import ValidateFile, result_of_verdict
from ..tools.validation.findings import Verdict
from ..tools.vcf_file import sha256_of
from .conditions import values_meaning
from .settings import OFFLINE

Part = Literal["file", "validation", "statistics", "pictures", "findings"]
Status = Literal["completed", "failed", "skipped"]
Progress = Callable[[str, int], None]

RARE = 0.01
ROWS = 50
MAX_SAMPLES = 1000
"""Samples from which no pairs are looked at: half a million pairs help nobody in a report."""
GENES_DRAWN = 5


class Skip(Exception):
    """A step has nothing to do; the message says why."""


@dataclass(slots=True)
class Outcome:
    """What a step came to: `reason` says why it failed or was skipped, `seconds` how long it took."""

    name: str
    title: str
    part: Part
    status: Status
    reason: str = ""
    results: list[ToolResult] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(slots=True)
class Analysis:
    """A file and what the steps came to, in the order of the report. `valid` is null where that is not known."""

    file: Path
    sha256: str
    started: str
    versions: dict[str, str]
    valid: bool | None = None
    pedigree: Path | None = None
    reference: Path | None = None
    outcomes: list[Outcome] = field(default_factory=list)

    def to_json(self) -> dict[str, Json]:
        """For a program; the figures stay in the report."""
        return {
            "file": str(self.file), "sha256": self.sha256, "valid": self.valid, "started": self.started,
            "versions": self.versions, "steps": [_step_json(o) for o in self.outcomes],
        }  # fmt: skip


def _step_json(outcome: Outcome) -> dict[str, Json]:
    results = [{k: v for k, v in r.to_json().items() if k != "figures"} for r in outcome.results]
    return {"name": outcome.name, "part": outcome.part, "status": outcome.status, "reason": outcome.reason or None,
            "seconds": round(outcome.seconds, 3), "results": results}  # fmt: skip


class Work:
    """What the steps hand on: the file, and the open dataset once it is read."""

    def __init__(self, analysis: Analysis, workspace: str | None, progress: Progress | None) -> None:
        self.analysis, self.workspace, self.progress = analysis, workspace, progress
        self.agent: Any = None
        self.results: dict[str, list[ToolResult]] = {}

    @property
    def context(self) -> ToolContext:
        context: ToolContext = self.agent.context
        return context

    @property
    def data(self) -> OpenDataset:
        return self.context.dataset(None)

    def call(self, name: str, **arguments: Json) -> ToolResult:
        """A tool of the registry, as everybody calls it."""
        return tool(name).call(self.context, arguments)

    def close(self) -> None:
        if self.agent is not None:
            self.agent.close()
        bcftools.release()


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it does, and the step that it needs. `run` raises `Skip` where it has nothing to do."""

    name: str
    title: str
    part: Part
    run: Callable[[Work], list[ToolResult]]
    needs: str | None = "read"


def analyze(
    file: Path,
    *,
    pedigree: Path | None = None,
    reference: Path | None = None,
    workspace: str | None = None,
    on_step: Callable[[Outcome], None] | None = None,
    on_progress: Progress | None = None,
) -> Analysis:
    """Run every step on a file. A step that fails leaves its reason, and the others go on.

    Nothing is sent anywhere and no model is asked. Raises `InputError` where there is no such file, or a pedigree
    or reference that cannot be read.
    """
    for path, what in ((file, "the VCF"), (reference, "the reference FASTA"), (pedigree, "the PED file")):
        if path is not None and not path.is_file():
            raise InputError(f"{path} is not a file", f"Name {what}")
    if pedigree is not None:
        from ..tools.pedigree import read_pedigree

        read_pedigree(pedigree)
    analysis = Analysis(file, sha256_of(file), datetime.now(UTC).isoformat(timespec="seconds"), versions())
    analysis.pedigree, analysis.reference = pedigree, reference
    work = Work(analysis, workspace, on_progress)
    try:
        _run(work, on_step or (lambda _: None))
    finally:
        work.close()
    return analysis


def _run(work: Work, on_step: Callable[[Outcome], None]) -> None:
    from .step_graph import run_steps

    done: dict[str, Outcome] = {}

    def take(step: Step) -> bool:
        outcome = done[step.name] = _outcome(step, work)
        work.results[step.name] = outcome.results
        on_step(outcome)
        return outcome.status != "failed"

    run_steps([(s.name, s.needs, partial(take, s)) for s in STEPS])
    for step in STEPS:
        if step.name not in done:
            done[step.name] = Outcome(step.name, step.title, step.part, "skipped", "the file could not be read")
    work.analysis.outcomes = [done[s.name] for s in STEPS]


def _outcome(step: Step, work: Work) -> Outcome:
    start = time.perf_counter()
    outcome = Outcome(step.name, step.title, step.part, "completed")
    try:
        outcome.results = step.run(work)
    except Skip as why:
        outcome.status, outcome.reason = "skipped", str(why)
    except VcfAgentError as error:
        outcome.status, outcome.reason = "failed", one_line(str(error), 1000)
    except Exception as error:  # a bug in one step must not cost the whole report
        outcome.status, outcome.reason = "failed", one_line(f"{type(error).__name__}: {error}", 1000)
    outcome.seconds = time.perf_counter() - start
    return outcome


def versions() -> dict[str, str]:
    """Everything that the numbers and pictures depend on."""
    import pysam.version

    packages = ("vcf-agent", "pysam", "numpy", "pyarrow", "lancedb", "plotly", "strands-agents")
    return {
        **{name: version(name) for name in packages},
        "bcftools": bcftools.version(), "htslib": str(pysam.version.__htslib_version__), "python": python_version(),
    }  # fmt: skip


# The steps.


def _validate(work: Work) -> list[ToolResult]:
    from ..tools.validation.validate import validate

    analysis = work.analysis
    progress = work.progress
    tell = (lambda records: progress("validating", records)) if progress else None
    verdict: Verdict = validate(analysis.file, reference=analysis.reference, progress=tell)
    analysis.valid = verdict.valid
    here, name = Path.cwd(), analysis.file.name
    result = result_of_verdict(verdict, analysis.file.absolute(), analysis.sha256, name, here, ValidateFile())
    if analysis.reference is not None:
        result.reading.append(f"REF was compared with {analysis.reference.name}")
        given = f"--reference {shown_path(analysis.reference.absolute(), here)} "
        result.evidence[0].command = (result.evidence[0].command or "").replace("validate ", f"validate {given}", 1)
    return [result]


def _read(work: Work) -> list[ToolResult]:
    from .session import VariantAgent

    analysis, progress = work.analysis, work.progress
    tell = (lambda name, records: progress(f"reading {name}", records)) if progress else None
    work.agent = VariantAgent(
        analysis.file, model=OFFLINE, workspace=work.workspace, pedigree=analysis.pedigree, on_progress=tell
    )
    work.context.reference = analysis.reference and analysis.reference.absolute()
    return [work.call("describe_file")]


def _call(name: str, **arguments: Json) -> Callable[[Work], list[ToolResult]]:
    return lambda work: [work.call(name, **arguments)]


def _draw(picture: str, **arguments: Json) -> Callable[[Work], list[ToolResult]]:
    return _call("draw", picture=picture, **arguments)


def _need_genotypes(work: Work, least: int = 1) -> None:
    """Raises `Skip` for a file without genotypes, or with too few samples."""
    n = len(work.data.samples)
    if n == 0:
        raise Skip("the file has no samples")
    if "GT" not in work.data.summary["sample_fields"]:
        raise Skip("the file has no FORMAT/GT")
    if n < least:
        raise Skip(f"it takes {least} samples, and the file has {n}")


def _with_genotypes(run: Callable[[Work], list[ToolResult]], least: int = 1) -> Callable[[Work], list[ToolResult]]:
    def run_if(work: Work) -> list[ToolResult]:
        _need_genotypes(work, least)
        return run(work)

    return run_if


def _pairs(run: Callable[[Work], list[ToolResult]], least: int) -> Callable[[Work], list[ToolResult]]:
    def run_if(work: Work) -> list[ToolResult]:
        _need_genotypes(work, least)
        if (n := len(work.data.samples)) > MAX_SAMPLES:
            raise Skip(f"the file has {n:,} samples; a report looks at pairs of at most {MAX_SAMPLES:,}")
        return run(work)

    return run_if


def _site_depth(work: Work) -> list[ToolResult]:
    if "DP" not in work.data.info:
        raise Skip("the file has no INFO/DP")
    return [work.call("draw", picture="depth", of="site")]


def _sample_depth(work: Work) -> list[ToolResult]:
    _need_genotypes(work)
    if "DP" not in work.data.summary["sample_fields"]:
        raise Skip("the file has no FORMAT/DP")
    return [work.call("draw", picture="depth", of="sample")]


def _indels(work: Work) -> list[ToolResult]:
    if not work.data.table.count("type = 'indel'"):
        raise Skip("the file has no indel written in bases")
    return [work.call("draw", picture="indel_sizes")]


def _snps(picture: str) -> Callable[[Work], list[ToolResult]]:
    def run(work: Work) -> list[ToolResult]:
        if not work.data.table.count("change IS NOT NULL"):
            raise Skip("the file has no SNP")
        return [work.call("draw", picture=picture)]

    return run


def _quality(work: Work) -> list[ToolResult]:
    if not work.data.table.count("qual IS NOT NULL"):
        raise Skip("no record has QUAL")
    return [work.call("draw", picture="quality")]


PATHOGENIC = ["pathogenic", "likely_pathogenic"]


def _clinvar(work: Work) -> list[ToolResult]:
    from ..tools.clauses import SIGNIFICANCE_FIELDS

    if not any(name in work.data.info for name in SIGNIFICANCE_FIELDS):
        raise Skip("the file carries no clinical significance (INFO/CLNSIG)")
    values = values_meaning(work.data, PATHOGENIC)
    if not values:
        raise Skip("no record is asserted to be pathogenic or likely pathogenic")
    return [work.call("list_variants", significance=values, limit=ROWS)]


def _carriers(work: Work) -> list[ToolResult]:
    """Who carries the variants of the step before, gene by gene."""
    _need_genotypes(work)
    found = work.results.get("clinvar") or []
    if not found or not found[0].tables[0].rows:
        raise Skip("no variant is asserted to be pathogenic or likely pathogenic")
    table = found[0].tables[0]
    if "gene" not in table.columns:
        raise Skip("the file is not annotated with genes")
    at = table.columns.index("gene")
    named = [gene for row in table.rows for gene in (row[at] or "").split(",") if gene in work.data.genes]
    every = list(dict.fromkeys(named))
    if not every:
        raise Skip("none of these variants is annotated with a gene")
    values = values_meaning(work.data, PATHOGENIC)
    result = work.call("draw", picture="carriers", genes=every[:GENES_DRAWN], significance=values)
    if len(every) > GENES_DRAWN:
        result.reading.append(f"drawn are the first {GENES_DRAWN} of {len(every):,} genes with such variants")
    return [result]


def _high_impact(work: Work) -> list[ToolResult]:
    if not work.data.annotated:
        raise Skip("the file is not annotated (CSQ, ANN or BCSQ)")
    return [work.call("list_variants", impacts=["HIGH"], where=_rare(work), limit=ROWS)]


def _rare(work: Work) -> list[Json]:
    """A condition on the first population frequency of the file, where it has one."""
    names = list(work.data.frequency_fields())[:1]
    return [{"field": name, "op": "<", "value": RARE, "absent": "keep"} for name in names]


def _sex(work: Work) -> list[ToolResult]:
    from ..tools.x_chromosome import contig_named

    _need_genotypes(work)
    if contig_named(work.data, "X") is None:
        raise Skip("the file has no records on X")
    return [work.call("sex_check")]


def _inherited(mode: str) -> Callable[[Work], list[ToolResult]]:
    """Candidates that are rare where the file knows frequencies.

    Where it is annotated they are of HIGH or MODERATE impact too, but for de novo ones.
    """

    def run(work: Work) -> list[ToolResult]:
        _need_family(work, mode)
        severe = ["HIGH", "MODERATE"] if work.data.annotated and mode != "de_novo" else []
        if mode == "compound_het" and not severe:
            raise Skip("the file is not annotated (CSQ, ANN or BCSQ), so nothing says what a gene is")
        return [work.call("inheritance", mode=mode, impacts=severe, where=_rare(work), limit=ROWS)]

    return run


def _mendelian_errors(work: Work) -> list[ToolResult]:
    _need_family(work, "mendelian_errors")
    return [work.call("inheritance", mode="mendelian_errors", limit=ROWS)]


def _need_family(work: Work, mode: str) -> None:
    from ..tools.families import families_of, trios_of

    _need_genotypes(work)
    if work.context.pedigree_of(work.data) is None:
        raise Skip("no pedigree was given (--ped)")
    try:
        if mode == "dominant":
            families_of(work.context, work.data, [], [])
        else:
            trios_of(work.context, work.data, (None, None, None), None, mode == "mendelian_errors")
    except VcfAgentError as error:
        raise Skip(one_line(str(error.what)) if hasattr(error, "what") else str(error)) from error


STEPS = [
    Step("validate", "Against the specification", "validation", _validate, None),
    Step("read", "What the file is", "file", _read, None),
    Step("sites", "Sites", "statistics", _call("site_statistics")),
    Step("contigs", "Records by contig", "statistics", _call("group_variants", by="contig")),
    Step("filters", "Records by FILTER", "statistics", _call("group_variants", by="filter")),
    Step("samples", "Samples", "statistics", _with_genotypes(_call("sample_statistics"))),
    Step("types", "Types of variants", "pictures", _draw("types")),
    Step("titv", "Transitions and transversions", "pictures", _snps("titv")),
    Step("substitutions", "Substitutions", "pictures", _snps("substitutions")),
    Step("indel_sizes", "Lengths of indels", "pictures", _indels),
    Step("quality", "Quality", "pictures", _quality),
    Step("site_depth", "Depth of sites", "pictures", _site_depth),
    Step("sample_depth", "Depth of genotypes", "pictures", _sample_depth),
    Step("spectrum", "Allele counts", "pictures", _with_genotypes(_draw("spectrum"))),
    Step("missing_by_sample", "Missing genotypes by sample", "pictures",
         _with_genotypes(_draw("missingness", of="sample"))),
    Step("missing_by_site", "Missing genotypes by site", "pictures",
         _with_genotypes(_draw("missingness", of="site"))),
    Step("heterozygosity", "Heterozygosity", "pictures", _with_genotypes(_draw("heterozygosity"))),
    Step("pca", "Principal components", "pictures", _pairs(_draw("pca"), 3)),
    Step("density", "Density along the contigs", "pictures", _draw("density")),
    Step("clinvar", "Asserted pathogenic or likely pathogenic", "findings", _clinvar),
    Step("carriers", "Carriers of these variants", "findings", _carriers),
    Step("high_impact", "Rare variants of HIGH impact", "findings", _high_impact),
    Step("relatedness", "Relatedness", "findings", _pairs(_call("relatedness", limit=ROWS), 2)),
    Step("sex_check", "Sex by the X chromosome", "findings", _sex),
    Step("mendelian_errors", "Genotypes against the pedigree", "findings", _mendelian_errors),
    Step("de_novo", "De novo candidates", "findings", _inherited("de_novo")),
    Step("recessive", "Recessive candidates", "findings", _inherited("recessive")),
    Step("compound_het", "Compound heterozygous candidates", "findings", _inherited("compound_het")),
    Step("x_linked", "X-linked recessive candidates", "findings", _inherited("x_linked")),
    Step("dominant", "Dominant candidates", "findings", _inherited("dominant")),
]  # fmt: skip
"""In the order of the report, in which they are also run."""
