"""Genotypes of the same samples in two files, record by record, over the records that both have."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ..memory.progress import tell
from . import bcftools
from .making.pipeline import Source, Step, stream_through
from .result import Json, Table

AT_ONCE = 20_000
"""Pairs of records that are counted together: few samples have few genotypes, so most lines are alike."""
ALLELES = re.compile(r"[/|]")


def concordance(paths: list[Path], chosen: list[str], samples: list[str], scratch: Path) -> list[Table]:
    """For each sample how many genotypes are the same, and how often which genotype stands against which other.

    `paths` are two indexed files, `chosen` the options of `bcftools isec` that pair and choose their records.
    Raises `BcftoolsError`.
    """
    counts: list[Counter[tuple[str, str]]] = [Counter() for _ in samples]
    for (first, second), number in _pairs(paths, chosen, samples, scratch):
        one, other = _aligned(first, second)
        for sample, counter in enumerate(counts):
            counter[one[sample], other[sample]] += number
    return [_summary(samples, counts), _discordant(samples, counts), _same(samples, counts)]


def _pairs(
    paths: list[Path], chosen: list[str], samples: list[str], scratch: Path
) -> Iterator[tuple[tuple[bytes, bytes], int]]:
    """REF, ALT and genotypes as the two files have them for one record, and how often they come in a block."""
    listed = scratch / "common.txt"
    listed.write_text("".join(f"{s}\n" for s in samples))
    arguments = ["isec", *chosen, "-n", "=2", "-w", "1,2", "-O", "u", "-p", str(scratch / "both")]
    with bcftools.stream([*arguments, *map(str, paths)]) as nothing:
        nothing.read()
    of_samples = Step(["view", "-I", "-S", str(listed)])  # query has -S too, and loses names with spaces
    steps = [of_samples, Step(["query", "-f", r"%REF\t%ALT[\t%GT]\n"])]
    shared = [Source(scratch / "both" / name) for name in ("0000.bcf", "0001.bcf")]
    with stream_through(steps, shared[0]) as first, stream_through(steps, shared[1]) as second:
        both = zip(first, second, strict=True)
        done = 0
        while block := Counter(islice(both, AT_ONCE)):
            tell("records compared", done)
            done += block.total()
            yield from block.items()


def _aligned(first: bytes, second: bytes) -> tuple[list[str], list[str]]:
    one, other = (line.decode(errors="replace").rstrip("\n").split("\t") for line in (first, second))
    genotypes = other[2:]
    if one[:2] != other[:2]:
        mine, theirs = [[row[0], *row[1].split(",")] for row in (one, other)]
        names = [*mine, *(a for a in theirs if a not in mine)]
        numbers = {str(i): str(names.index(a)) for i, a in enumerate(theirs)}
        genotypes = [re.sub(r"\d+", lambda found: numbers[found[0]], gt) for gt in genotypes]
    return one[2:], genotypes


def _summary(samples: list[str], counts: list[Counter[tuple[str, str]]]) -> Table:
    columns = ["sample", "compared", "same", "discordant", "concordance", "non_reference_concordance",
               "missing_in_first", "missing_in_second", "missing_in_both"]  # fmt: skip
    rows = [[sample, *_row(counter)] for sample, counter in zip(samples, counts, strict=True)]
    return Table("genotype concordance", columns, rows, len(rows))


def _row(counter: Counter[tuple[str, str]]) -> list[Json]:
    compared = same = reference = 0
    missing = Counter[str]()
    for (one, other), number in counter.items():
        absent = f"{'.' in one:d}{'.' in other:d}"
        if absent != "00":
            missing[absent] += number
            continue
        compared += number
        same += number * (alleles_of(one) == alleles_of(other))
        reference += number * (set(alleles_of(one) + alleles_of(other)) == {"0"})
    varied = compared - reference
    return [compared, same, compared - same, _share(same, compared), _share(same - reference, varied),
            missing["10"], missing["01"], missing["11"]]  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def alleles_of(genotype: str) -> tuple[str, ...]:
    """The alleles without their order, since phase is not compared."""
    return tuple(sorted(ALLELES.split(genotype)))


def _same(samples: list[str], counts: list[Counter[tuple[str, str]]]) -> Table:
    rows: list[list[Json]] = []
    for sample, counter in zip(samples, counts, strict=True):
        kinds = Counter[str]()
        for (one, other), number in counter.items():
            if "." not in one + other and alleles_of(one) == alleles_of(other):
                kinds["/".join(alleles_of(one))] += number
        rows += [[sample, genotype, number] for genotype, number in kinds.most_common()]
    return Table("same genotypes", ["sample", "genotype", "records"], rows, len(rows))


def _discordant(samples: list[str], counts: list[Counter[tuple[str, str]]]) -> Table:
    rows: list[list[Json]] = []
    for sample, counter in zip(samples, counts, strict=True):
        kinds = Counter[tuple[str, str]]()
        for (one, other), number in counter.items():
            if "." not in one + other and alleles_of(one) != alleles_of(other):
                kinds["/".join(alleles_of(one)), "/".join(alleles_of(other))] += number
        rows += [[sample, one, other, number] for (one, other), number in kinds.most_common()]
    return Table("discordant genotypes", ["sample", "first", "second", "records"], rows, len(rows))
