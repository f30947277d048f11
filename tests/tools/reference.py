"""Answers found without the product: the bcftools that pysam carries, and plain readings of its output."""

import re
import shlex
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cyvcf2
import pysam.bcftools


def bcftools(line: str, path: Path) -> str:
    """The output of a bcftools command line; `FIRST >> SECOND` feeds the one's output to the other.

    It runs in this process, so the file must be one that htslib survives.
    """
    first, _, second = line.partition(" >> ")
    if not second:
        return _bcftools(first, path)
    with tempfile.NamedTemporaryFile("w", suffix=".vcf") as between:
        between.write(_bcftools(first, path))
        between.flush()
        return _bcftools(second, Path(between.name))


def _bcftools(line: str, path: Path) -> str:
    command, *arguments = shlex.split(line)
    return str(getattr(pysam.bcftools, command)(*arguments, str(path)))


def count(text: str) -> int:
    return text.count("\n")


def lines(text: str) -> list[str]:
    return text.split("\n")[:-1]


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in lines(text)]


def tally(text: str) -> dict[str, int]:
    return dict(Counter(lines(text)))


def genotype_class(gt: str) -> str:
    """The class of a genotype, from the words of the specification: calls, ploidy, alleles."""
    calls = re.findall(r"\d+|\.", gt)
    distinct = {c for c in calls if c != "."}
    if not distinct:
        return "missing"
    if "." in calls:
        return "partly_missing"
    kind = "ref" if distinct == {"0"} else "alt"
    if len(calls) == 1:
        return f"hemizygous_{kind}"
    return "het" if len(distinct) > 1 else f"hom_{kind}"


def entries_of(path: Path, tag: str) -> Iterator[tuple[cyvcf2.Variant, list[list[str]]]]:
    """Each record with its annotation entries, split at the bars. Read by cyvcf2."""
    for variant in cyvcf2.VCF(str(path)):
        value = variant.INFO.get(tag)
        yield variant, [entry.split("|") for entry in value.split(",")] if value else []


def in_shell(command: str, folder: Path) -> str:
    """The output of a command line in a real shell, which must succeed and leave no new file behind."""
    before = sorted(folder.iterdir())
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, capture_output=True, text=True)
    assert sorted(folder.iterdir()) == before, f"{command} made a file"
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout
