"""Genotypes of a child that cannot come from its parents'."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..memory.genotype_codes import alleles_of
from .context import ToolContext
from .dataset import OpenDataset
from .evidence import Command, all_lines, asks_samples, prove, view_command
from .families import Trio, need_both_parents
from .list_variants import query_options
from .result import Table, ToolResult
from .selection import select, selected_blocks
from .variant_rows import keys_of
from .x_chromosome import HaploidX, contig_named

if TYPE_CHECKING:
    from .inheritance import Inheritance

Alleles = list[int | None]
CONSISTENT, ERROR, NOT_JUDGED = "consistent", "errors", "not_judged"
MAX_PROVED = 5


def judge(child: Alleles, father: Alleles, mother: Alleles, place: str) -> str:
    """Whether a genotype can come from the parents'.

    A missing allele of those who count is not judged (bcftools +mendelian lets a missing parent be anything).
    `place`: `both` copies, one from each parent; of a haploid call, from either. `mother` (X of sons) and `father`
    (Y): one copy, from that parent. `mitochondria`: all from the mother.
    """
    parents = {"both": [father, mother], "mother": [mother], "father": [father], "mitochondria": [mother]}[place]
    if None in child or any(None in p for p in parents) or len(child) > 2:
        return NOT_JUDGED
    if place != "both":
        one_copy = place == "mitochondria" or len(set(child)) == 1
        return CONSISTENT if one_copy and set(child) <= set(parents[0]) else ERROR
    if len(child) == 1:
        return CONSISTENT if child[0] in [*father, *mother] else ERROR
    a, b = child
    return CONSISTENT if (a in father and b in mother) or (b in father and a in mother) else ERROR


def mendelian_result(
    context: ToolContext, data: OpenDataset, wanted: Inheritance, trios: list[Trio], x: HaploidX
) -> ToolResult:
    """Value: for each child the numbers of records that are consistent, errors and not judged."""
    for trio in trios:
        need_both_parents(data, trio)
    found = select(data, wanted)
    counts, errors = _count(data, wanted, found, trios, x)
    names = [data.samples[t.child] for t in trios]
    value = dict(zip(names, counts, strict=True))
    text = "; ".join(f"{n}: {c[ERROR]:,} errors, {c[CONSISTENT]:,} consistent, {c[NOT_JUDGED]:,} not judged"
                     for n, c in list(value.items())[:20])  # fmt: skip
    result = ToolResult(f"Mendelian errors in {data.name}, {text}.", value if len(trios) > 1 else counts[0], "records")
    result.private = True
    result.tables = [_table(data, wanted, trios, errors)]
    missing = "taken as reference" if wanted.missing_parents == "as_reference" else "not judged"
    result.reading = [
        *(t.in_words(data.samples) for t in trios[:MAX_PROVED]),
        f"a missing genotype of a parent is {missing}, one of the child not judged; nor are ploidies over two",
        "X of sons and MT come from the mother, Y of sons from the father; Y of daughters is not judged",
        *([x.reading] if x.contig else []),
        *found.reading,
    ]
    for trio, expected in list(zip(trios, counts, strict=True))[:MAX_PROVED]:
        command = _command(data, wanted, view_command(data, found.clauses), trio, x)
        result.evidence.append(prove(context, data, "inheritance", wanted, command, expected))
    return result


def _count(
    data: OpenDataset, wanted: Inheritance, found: Any, trios: list[Trio], x: HaploidX
) -> tuple[list[dict[str, int]], list[npt.NDArray[np.int32]]]:
    """For each trio the numbers by verdict, and the records that are errors."""
    special = _special_records(data, x)
    counts = [{CONSISTENT: 0, ERROR: 0, NOT_JUDGED: 0} for _ in trios]
    errors: list[list[Any]] = [[np.array([], dtype=np.int32)] for _ in trios]
    verdicts = [_Verdicts(data, t, wanted.missing_parents == "as_reference") for t in trios]
    for records, block in selected_blocks(data, found, ["gt"]):
        place = np.zeros(len(records), dtype=np.int64)
        for number, of_place in enumerate(special, 1):
            place[np.isin(records, of_place, assume_unique=True)] = number
        for verdict, count, wrong in zip(verdicts, counts, errors, strict=True):
            judged = verdict.of(block["gt"], place)
            wrong.append(records[judged == 1])
            for number, name in enumerate((CONSISTENT, ERROR, NOT_JUDGED)):
                count[name] += int((judged == number).sum())
    return counts, [np.concatenate(e) for e in errors]


def _special_records(data: OpenDataset, x: HaploidX) -> list[npt.NDArray[np.int32]]:
    """Records on X outside PAR, on Y and on MT."""
    names = [contig_named(data, "Y"), contig_named(data, "M", "MT")]
    return [x.records(data), *(HaploidX(name, None, "").records(data) for name in names)]


def _place(number: int, sex: str | None, child: Alleles) -> str:
    """Where the copies come from, at 0 an autosome, 1 X outside PAR, 2 Y, 3 MT; empty where there are none."""
    if number == 1:
        son = sex == "male" or (sex is None and len(child) == 1)
        return "mother" if son else "both"
    if number == 2:
        return "" if sex == "female" else "father"
    return "mitochondria" if number == 3 else "both"


class _Verdicts:
    """The verdict for each combination of codes, found once: 0 consistent, 1 error, 2 not judged."""

    def __init__(self, data: OpenDataset, trio: Trio, lenient: bool) -> None:
        self.trio, self.known = trio, {}  # type: ignore[var-annotated]
        self.alleles = [alleles_of(t) for t in data.codes.texts]
        self.parents = [_as_reference(a) if lenient else a for a in self.alleles]

    def of(self, gt: npt.NDArray[np.int16], place: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
        n = len(self.alleles)
        key = place
        for column in self.trio.members():
            key = key * n + gt[:, column]
        if 4 * n**3 <= 1 << 22:  # by a table of all combinations, which needs no sorting
            present = np.flatnonzero(np.bincount(key, minlength=1))
            table = np.zeros(4 * n**3, dtype=np.int8)
            table[present] = [self._verdict(k, n) for k in present.tolist()]
            return table[key]
        present, where = np.unique(key, return_inverse=True)
        return np.array([self._verdict(k, n) for k in present.tolist()], dtype=np.int8)[where]

    def _verdict(self, key: int, n: int) -> int:
        if key not in self.known:
            rest, mother = divmod(key, n)
            rest, father = divmod(rest, n)
            number, child = divmod(rest, n)
            place = _place(number, self.trio.sex, self.alleles[child])
            said = (
                judge(self.alleles[child], self.parents[father], self.parents[mother], place) if place else NOT_JUDGED
            )
            self.known[key] = (CONSISTENT, ERROR, NOT_JUDGED).index(said)
        return int(self.known[key])


def _as_reference(alleles: Alleles) -> Alleles:
    """A missing allele beside no ALT read as REF."""
    return alleles if any(alleles) else [0 for _ in alleles]


def _table(data: OpenDataset, wanted: Inheritance, trios: list[Trio], errors: list[npt.NDArray[np.int32]]) -> Table:
    from .variant_rows import rows_of

    rows: list[list[Any]] = []
    for trio, wrong in zip(trios, errors, strict=True):
        shown = wrong[: wanted.limit - len(rows)]
        calls = rows_of(data, ["record", "allele", "gt"], shown).to_pylist()
        genotypes = [[data.codes.texts[r["gt"][i]] for i in trio.members()] for r in calls if r["allele"] <= 1]
        keys = keys_of(data, shown)
        rows += [[data.samples[trio.child], k, *g] for k, g in zip(keys, genotypes, strict=True)]
    total = sum(len(e) for e in errors)
    columns = ["of", "variant", "child", "father", "mother"]
    return Table("mendelian errors", columns, rows, total, len(rows) < total)


_AWK = r"""awk -F'\t' 'function has(g,a,  i,n,p){{n=split(g,p,"[/|]");for(i=1;i<=n;i++)if(p[i]==a)return 1;return 0}}
function bad(g){{return g~/\./}}
function only(g,p,  i,n,q){{n=split(g,q,"[/|]");for(i=1;i<=n;i++)if(!has(p,q[i]))return 0;return 1}}
{{c=${c};f=${f};m=${m};sub("^[/|]","",c);n=split(c,q,"[/|]");w="b";{places}
{missing}if(w=="n"||bad(c)||n>2||((w=="b"||w=="f")&&bad(f))||((w=="b"||w=="m"||w=="t")&&bad(m)))v="not_judged";
else if(w=="b"&&n==1)v=(has(f,q[1])||has(m,q[1]))?"consistent":"errors";
else if(w=="b")v=((has(f,q[1])&&has(m,q[2]))||(has(f,q[2])&&has(m,q[1])))?"consistent":"errors";
else v=((w=="t"||n==1||q[1]==q[2])&&only(c,w=="f"?f:m))?"consistent":"errors";k[v]++}}
END{{print "consistent",k["consistent"]+0;print "errors",k["errors"]+0;print "not_judged",k["not_judged"]+0}}'"""


def _command(data: OpenDataset, wanted: Inheritance, command: Command, trio: Trio, x: HaploidX) -> Command:
    """`bcftools query` and awk, since the plugins that count errors differ between versions."""
    members = sorted(trio.members())
    names = [data.samples[i] for i in members]
    form = r"%CHROM\t%POS[\t%GT]\n"
    command.arguments = ["query", "-s", ",".join(names), "-f", form, *query_options(command.arguments[2:])]
    command.unprovable = command.unprovable or data.unlistable(names) or asks_samples(command.arguments)
    columns = {role: members.index(i) + 3 for role, i in zip("cfm", trio.members(), strict=True)}
    lenient = wanted.missing_parents == "as_reference"
    missing = r'if(f!~/[1-9]/)gsub(/\./,"0",f);if(m!~/[1-9]/)gsub(/\./,"0",m);' if lenient else ""
    contigs = [x.contig, contig_named(data, "Y"), contig_named(data, "M", "MT")]
    if any(c and ('"' in c or "\\" in c or "'" in c) for c in contigs):
        command.unprovable = command.unprovable or "a contig's name cannot be written in awk"
    command.then = _AWK.format(**columns, missing=missing, places=_awk_places(trio, x, contigs))
    command.read = _reader(columns, trio, x, contigs, lenient)
    return command


def _awk_places(trio: Trio, x: HaploidX, contigs: list[str | None]) -> str:
    inside = f"&&$2>={x.span[0]}&&$2<={x.span[1]}" if x.span else ""
    son = {"male": "1", "female": "0"}.get(trio.sex or "", "n==1")
    ways = [f'if($1=="{contigs[0]}"{inside}&&{son})w="m";'] if contigs[0] else []
    ways += [f'if($1=="{contigs[1]}")w="{"n" if trio.sex == "female" else "f"}";'] if contigs[1] else []
    ways += [f'if($1=="{contigs[2]}")w="t";'] if contigs[2] else []
    return "".join(ways)


def _reader(
    columns: dict[str, int], trio: Trio, x: HaploidX, contigs: list[str | None], lenient: bool
) -> Callable[[IO[bytes]], dict[str, int]]:
    """What the awk program makes of the lines."""
    numbers = {name: number for number, name in enumerate(contigs, 1) if name}

    def read(output: IO[bytes]) -> dict[str, int]:
        counts = {CONSISTENT: 0, ERROR: 0, NOT_JUDGED: 0}
        for line in all_lines(output):
            parts = line.split("\t")
            child, father, mother = (alleles_of(parts[columns[role] - 1]) for role in "cfm")
            number = numbers.get(parts[0], 0)
            if number == 1 and x.span and not x.span[0] <= int(parts[1]) <= x.span[1]:
                number = 0
            if lenient:
                father, mother = _as_reference(father), _as_reference(mother)
            place = _place(number, trio.sex, child)
            counts[judge(child, father, mother, place) if place else NOT_JUDGED] += 1
        return counts

    return read
