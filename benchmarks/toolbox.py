"""Genotype, family and comparison tools, each against the bcftools command that answers the same question.

The dataset is open, as in a conversation, and nothing is proved again. The bundled bcftools runs in a child that has
been started, so that neither side pays for imports; its output is read and dropped. Both take turns. A tool for which
bcftools has no command stands against the one that reads what the tool reads.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from data_engine import generated

ROUNDS = 3
STARTED = 0.6
"""Seconds in which a child has imported what it needs."""
GOOD = [{"field": "DP", "op": ">=", "value": 10}, {"field": "GQ", "op": ">=", "value": 20}]
Commands = list[list[str]]
Case = tuple[str, str, dict[str, Any], list[str]]


def cases(names: list[str]) -> list[Case]:
    """What is asked: figure, tool, arguments, command."""
    one, two, three = names[:3]
    trio = {"child": one, "father": two, "mother": three}
    het_absent = [{"genotype": "het", "samples": [one]}, {"genotype": "hom_ref", "samples": [two]}]
    good = [{"where": GOOD, "how_many": "all"}]
    three_or_more = [{"genotype": "carrier", "how_many": "at_least", "n": 3}]
    rest = [{"genotype": "carrier", "samples": [one]},
            {"genotype": "carrier", "except_samples": [one], "how_many": "none"}]  # fmt: skip
    calls = ["query", "-f", r"%CHROM:%POS[\t%GT]\n"]
    return [
        ("het in one, absent in another", "count_variants", {"genotypes": het_absent},
         ["view", "-H", "-i", 'GT[0]="het" && GT[1]="RR"']),
        ("carried by three or more", "count_variants", {"genotypes": three_or_more},
         ["view", "-H", "-i", 'N_PASS(GT="alt")>=3']),
        ("private to one", "count_variants", {"genotypes": rest}, ["view", "-H", "-x", "-s", one]),
        ("every sample deep and sure", "count_variants", {"genotypes": good},
         ["view", "-H", "-i", "N_PASS(FMT/DP>=10 & FMT/GQ>=20)=N_SAMPLES"]),
        ("missing by sample", "missingness", {}, ["stats", "-s", "-"]),
        ("missing by site, over 10 %", "missingness", {"by": "site", "more_than": 0.1, "limit": 20},
         ["view", "-H", "-i", "F_MISSING>0.1"]),
        ("counts of every sample", "sample_statistics", {}, ["stats", "-s", "-"]),
        ("two samples compared", "compare_samples", {"samples": [one, two]},
         ["query", "-s", f"{one},{two}", "-f", r"[%GT\t]\n"]),
        ("all samples compared", "compare_samples", {"limit": 20}, ["gtcheck", "-u", "GT", "-e", "0"]),
        ("kinship of all", "relatedness", {"limit": 20}, ["gtcheck", "-u", "GT", "-e", "0"]),
        ("runs of homozygosity", "runs_of_homozygosity", {"limit": 20}, ["roh", "-G30", "--AF-dflt", "0.4"]),
        ("components", "principal_components", {}, calls),
        ("de novo", "inheritance", {"mode": "de_novo", **trio},
         ["view", "-H", "-i", 'GT[0]="het" && GT[1]="RR" && GT[2]="RR"']),
        ("recessive", "inheritance", {"mode": "recessive", **trio},
         ["view", "-H", "-i", 'GT[0]="AA" && GT[1]="het" && GT[2]="het"']),
        ("Mendelian errors", "inheritance", {"mode": "mendelian_errors", **trio},
         ["query", "-s", f"{one},{two},{three}", "-f", r"%CHROM:%POS[\t%GT]\n"]),
        ("frequencies of all", "allele_frequencies", {"limit": 20}, calls),
        ("Hardy-Weinberg", "hardy_weinberg", {"limit": 20}, calls),
        ("spectrum", "frequency_spectrum", {}, calls),
        ("allele fractions", "allele_fractions", {"limit": 20}, ["query", "-f", r"%CHROM:%POS[\t%AD]\n"]),
    ]  # fmt: skip


def measure() -> dict[str, Any]:
    """Raw times in seconds, and the figures made of them under `figures`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = {
            f"{records:,} x {samples}": times(folder, generated(folder, records, samples), samples)
            for records, samples in ((20_000, 500), (1_000_000, 3))
        }
    return raw | {"figures": figures(raw)}


def times(folder: Path, path: Path, samples: int) -> dict[str, dict[str, list[float]]]:
    """For each case the seconds of the tool and of bcftools, in turn."""
    from vcf_agent.agent import VariantAgent
    from vcf_agent.tools.registry import tool

    second = _packed(_without_some(path))
    packed = _packed(path)
    with VariantAgent(packed, second, model="offline", workspace=folder / f"workspace{samples}") as agent:
        context = agent.context
        context.verify_seconds = 0
        first = context.datasets[0]
        found = {}
        for figure, name, arguments, commands in _calls(first.name, first.samples, packed, second):
            run = partial(tool(name).call, context, arguments)
            run()  # opens what a conversation opens once
            found[figure] = in_turn(run, commands)
    return found


def _calls(name: str, samples: list[str], first: Path, second: Path) -> list[tuple[str, str, dict[str, Any], Commands]]:
    calls = [
        (figure, tool, {"dataset": name, **arguments}, [[*command, str(first)]])
        for figure, tool, arguments, command in cases(samples)
    ]
    both = [str(first), str(second)]
    two = [["isec", "-n", "+1", "-o", "/dev/null", *both], ["stats", "-s", "-", *both]]
    return [*calls, ("two files, sites and genotypes", "compare_files", {}, two)]


def in_turn(run: Callable[[], Any], commands: Commands) -> dict[str, list[float]]:
    """Seconds of both, `ROUNDS` times."""
    found: dict[str, list[float]] = {"tool_s": [], "bcftools_s": []}
    for _ in range(ROUNDS):
        found["tool_s"].append(_seconds(run))
        found["bcftools_s"].append(sum(map(_bcftools, commands)))
    return found


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return round(time.perf_counter() - start, 4)


def _bcftools(command: list[str]) -> float:
    """Seconds of one command in a child that has been started and has imported what it needs."""
    from vcf_agent.tools import bcftools

    bcftools.release()
    bcftools.prepare()
    time.sleep(STARTED)

    def run() -> None:
        with bcftools.stream(command) as output:
            while output.read(1 << 20):
                pass

    return _seconds(run)


def _without_some(path: Path) -> Path:
    """A copy of a file without every tenth record."""
    target = path.with_name("other.vcf")
    with path.open("rb") as lines, target.open("wb") as out:
        out.writelines(line for number, line in enumerate(lines) if line.startswith(b"#") or number % 10)
    return target


def _packed(path: Path) -> Path:
    """A file in BGZF with an index, instead of the text."""
    import pysam

    packed = path.with_suffix(".vcf.gz")
    pysam.tabix_compress(str(path), str(packed), force=True)
    path.unlink()
    pysam.tabix_index(str(packed), preset="vcf", csi=True, force=True)
    return packed


def figures(raw: dict[str, dict[str, dict[str, list[float]]]]) -> list[dict[str, Any]]:
    """The median of the ratios of each case."""
    return [
        {"figure": f"{size}: {figure}, x bcftools", "reached": _ratio(of), "limit": 2}
        for size, of_size in raw.items()
        for figure, of in of_size.items()
    ]


def _ratio(of: dict[str, list[float]]) -> float:
    pairs = zip(of["tool_s"], of["bcftools_s"], strict=True)
    return round(statistics.median(tool / command for tool, command in pairs), 2)
