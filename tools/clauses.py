"""Each condition of a filter three ways: for the table, for bcftools, and in words."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..memory.errors import ToolError
from ..memory.variant_table import literal
from .annotation import NAMES
from .bed import Merged, read_bed
from .columns import InfoColumn
from .consequences import SHORT_NAMES
from .dataset import OpenDataset, nearest
from .filters import END_OF_CONTIG, Condition, Operator, VariantFilter, parse_region

NO_VALUE = -(2**31)
"""A number of 32 bits that no field of a file has: it stands for a missing value in BCF (VCF 4.3, 6.3.3)."""


@dataclass(slots=True)
class Clause:
    """One condition.

    `sql` speaks of the variant table; `per_allele` tells that the ALT alleles of a record may differ in it.
    `expression` and `options` are the same for `bcftools view`; both empty where bcftools cannot say it, and
    `unprovable` then tells why. `places` are too many for `sql`, which is empty then.
    """

    sql: str
    per_allele: bool = False
    expression: str = ""
    options: list[str] = field(default_factory=list)
    reading: str = ""
    unprovable: str = ""
    places: "Places | None" = None


@dataclass(frozen=True, slots=True)
class Places:
    """Regions of a BED: records that reach them are wanted, or with `outside` the others.

    `by_pos` looks at POS alone.
    """

    regions: Merged
    outside: bool
    by_pos: bool


def clauses_of(data: OpenDataset, wanted: VariantFilter) -> list[Clause]:
    """The clauses of a filter, without its genotype conditions. Raises `ToolError` for what the file lacks."""
    makers: list[tuple[object, Callable[[OpenDataset, VariantFilter], Clause]]] = [
        (wanted.regions, _regions), (wanted.not_regions, _not_regions), (wanted.inside_bed, _inside_bed),
        (wanted.outside_bed, _outside_bed), (wanted.ids, _ids), (wanted.types, _types), (wanted.not_types, _not_types),
        (wanted.genes or wanted.consequences or wanted.impacts, _annotation), (wanted.filters, _filters),
        (wanted.not_filters, _not_filters), (wanted.significance, _significance),
    ]  # fmt: skip
    found = [make(data, wanted) for given, make in makers if given]
    if wanted.multiallelic is not None:
        found.append(_multiallelic(wanted.multiallelic))
    return found + [condition_clause(data, c) for c in wanted.where]


def quoted(text: str) -> str | None:
    """A string of bcftools' expression language, or null for one that it cannot hold."""
    return None if re.search(r'["\\\x00-\x1f]', text) else f'"{text}"'


def _any(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + " || ".join(parts) + ")"


def _in_words(values: list[str]) -> str:
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + " or " + values[-1]


def _regions(data: OpenDataset, wanted: VariantFilter) -> Clause:
    sql, names, remarks = _overlaps(data, wanted.regions)
    clause = Clause(sql, options=["-r", ",".join(names)])
    spans = [n for n in names if ":" in n]
    if spans:
        clause.reading = (
            f"{_in_words(spans)} is 1-based and inclusive; a record counts when its REF (or END) "
            "reaches into it, also when it starts before"
        )
    if remarks:
        clause.reading = "; ".join([*remarks, *([clause.reading] if clause.reading else [])])
    _doubt_contigs(data, wanted.regions, clause)
    return clause


def _not_regions(data: OpenDataset, wanted: VariantFilter) -> Clause:
    sql, names, remarks = _overlaps(data, wanted.not_regions)
    clause = Clause(
        f"NOT {sql}",
        options=["-t", "^" + ",".join(names), "--targets-overlap", "1"],
        reading="; ".join([*remarks, f"records that reach into {_in_words(names)} are left out"]),
    )
    _doubt_contigs(data, wanted.not_regions, clause)
    return clause


def _inside_bed(data: OpenDataset, wanted: VariantFilter) -> Clause:
    return _bed(data, str(wanted.inside_bed), wanted, outside=False)


def _outside_bed(data: OpenDataset, wanted: VariantFilter) -> Clause:
    return _bed(data, str(wanted.outside_bed), wanted, outside=True)


def _bed(data: OpenDataset, name: str, wanted: VariantFilter, outside: bool) -> Clause:
    bed = read_bed(data.find_file(name, "the BED"), data)
    by_pos = wanted.bed_overlap == "pos"
    what = "its POS lies in" if by_pos else "its REF (or END) reaches into"
    number = len(bed.start)
    regions = f"one of the {number:,} regions" if number != 1 else "the one region"
    reading = f"a record is {'left out' if outside else 'counted'} when {what} {regions} of {bed.path.name}"
    clause = Clause(
        "",
        options=["-T", f"{'^' if outside else ''}{bed.path}", "--targets-overlap", "0" if by_pos else "1"],
        reading="; ".join([reading, *bed.remarks(data)]),
        places=Places(bed.merged(), outside, by_pos),
    )
    if bed.renamed:
        clause.unprovable = f"{bed.path.name} names contigs otherwise than the file"
    elif not bed.path.name.lower().endswith((".bed", ".bed.gz")):
        clause.unprovable = f"bcftools takes {bed.path.name} for 1-based, since its name does not end in .bed"
    elif not len(bed.start):
        clause.unprovable = f"bcftools reads no empty list of regions, and {bed.path.name} has none here"
    return clause


def _doubt_contigs(data: OpenDataset, regions: list[str], clause: Clause) -> None:
    """Names that bcftools would take for a region, a list or a negation."""
    asked = [c for c in data.contigs if any(t == c or t.startswith(f"{c}:") for t in regions)]
    if any(c.startswith("^") or set(":,") & set(c) for c in asked):
        clause.options, clause.unprovable = [], "the contig's name means something else to bcftools"


def _overlaps(data: OpenDataset, regions: list[str]) -> tuple[str, list[str], list[str]]:
    parts, names, remarks = [], [], []
    for text in regions:
        whole_name = text in data.contigs or text in data.summary["contig_lengths"]
        contig, start, end = (text, 1, END_OF_CONTIG) if whole_name else parse_region(text)
        contig, remark = data.contig(contig)
        sql = f"chrom = {literal(contig)}"
        whole = end == END_OF_CONTIG
        names.append(contig if whole else f"{contig}:{start}-{end}")
        first = start - data.summary["longest"]  # what starts before it cannot reach the region; the index needs this
        parts.append(f"({sql})" if whole else f"({sql} AND pos > {first} AND pos <= {end} AND end >= {start})")
        remarks += [remark] if remark else []
    return "(" + " OR ".join(parts) + ")", names, list(dict.fromkeys(remarks))


def _ids(data: OpenDataset, wanted: VariantFilter) -> Clause:
    sql = f"id IN ({', '.join(literal(i) for i in wanted.ids)})"
    if data.summary["several_ids"]:  # in one record, as in rs1;rs2
        sql = "(" + " OR ".join(f"array_has(string_to_array(id, ';'), {literal(i)})" for i in wanted.ids) + ")"
    return Clause(sql, expression=_expression("ID={}", [quoted(i) for i in wanted.ids]))


def _expression(pattern: str, terms: list[str | None]) -> str:
    return "" if None in terms else _any([pattern.format(t) for t in terms])


_TYPE_SQL = {
    "snp": "type = 'snp'",
    "indel": "type = 'indel'",
    "insertion": "((type = 'indel' AND length > 0) OR starts_with(alt, '<INS'))",
    "deletion": "((type = 'indel' AND length < 0) OR starts_with(alt, '<DEL'))",
    "mnp": "type = 'mnp'",
    "bnd": "type = 'bnd'",
    "symbolic": "(starts_with(alt, '<') AND type = 'other')",
    "other": "type = 'other'",
}
_TYPE_EXPRESSION = {
    "snp": 'TYPE~"snp"', "indel": 'TYPE~"indel"', "mnp": 'TYPE~"mnp"', "bnd": 'TYPE~"bnd"', "other": 'TYPE~"other"',
    "insertion": '((TYPE~"indel" && ILEN>0) || ALT~"^<INS")',
    "deletion": '((TYPE~"indel" && ILEN<0) || ALT~"^<DEL")',
    "symbolic": '(TYPE~"other" && ALT~"^<")',
}  # fmt: skip


def _types(data: OpenDataset, wanted: VariantFilter) -> Clause:
    sql = " OR ".join(_TYPE_SQL[t] for t in wanted.types)
    reading = ""
    if data.summary["multiallelic"]:
        reading = f"a record counts as {_in_words(list(wanted.types))} when any of its ALT alleles is one"
    return Clause(f"({sql})", True, _any([_TYPE_EXPRESSION[t] for t in wanted.types]), reading=reading)


def _not_types(data: OpenDataset, wanted: VariantFilter) -> Clause:
    """Of the record as a whole, so it is asked by record number."""
    sql = "(" + " OR ".join(_TYPE_SQL[t] for t in wanted.not_types) + ")"
    several = data.table.columns(["record"], f"n_alt > 1 AND {sql}")["record"].to_pylist()
    sql = f"NOT {sql}" + (f" AND record NOT IN ({', '.join(map(str, set(several)))})" if several else "")
    expression = " && ".join(f"!({_TYPE_EXPRESSION[t]})" for t in wanted.not_types)
    negated = {"snp": 'TYPE!~"snp"', "indel": 'TYPE!~"indel"', "mnp": 'TYPE!~"mnp"', "bnd": 'TYPE!~"bnd"',
               "other": 'TYPE!~"other"'}  # fmt: skip
    provable = all(t in negated for t in wanted.not_types)
    expression = " && ".join(negated[t] for t in wanted.not_types) if provable else ""
    return Clause(
        f"({sql})",
        expression=expression,
        reading=f"records with a {_in_words(list(wanted.not_types))} among their ALT alleles are left out",
        unprovable="" if provable else "bcftools has no negation of that type",
    )


def _multiallelic(wanted: bool) -> Clause:
    return Clause(
        "n_alt > 1" if wanted else "n_alt <= 1",
        expression="N_ALT>1" if wanted else "N_ALT<=1",
        reading="multi-allelic: more than one ALT allele" if wanted else "",
    )


def _filters(data: OpenDataset, wanted: VariantFilter) -> Clause:
    _check_filters(data, wanted.filters)
    clause = Clause(_filter_holds(data, wanted.filters), options=["-f", ",".join(wanted.filters)])
    if wanted.filters == ["PASS"]:
        unset = data.summary["filters"].get(".", 0)
        clause.reading = "'pass' is FILTER = PASS" + (
            f"; the {unset:,} records with '.' (no filter applied) are not counted"
            if unset
            else "; '.' would not be counted, and there is none"
        )
    _doubt_filters(data, wanted.filters, clause)
    return clause


def _filter_holds(data: OpenDataset, names: list[str]) -> str:
    """The FILTER texts of the file that hold one of the names, which is faster than taking each row's apart."""
    texts = [literal(t) for t in data.summary["filters"] if not set(names).isdisjoint(t.split(";"))]
    return f"filter IN ({', '.join(texts)})" if texts else "false"


def _check_filters(data: OpenDataset, names: list[str]) -> None:
    known = _known_filters(data)
    for name in names:
        if name not in known:
            raise ToolError(f"{data.name} has no FILTER value {name!r}", nearest(name, known, "Its values are"))


def _not_filters(data: OpenDataset, wanted: VariantFilter) -> Clause:
    _check_filters(data, wanted.not_filters)
    terms = [quoted(f) for f in wanted.not_filters]
    expression = "" if None in terms else " && ".join(f"FILTER!~{t}" for t in terms)
    clause = Clause(f"NOT ({_filter_holds(data, wanted.not_filters)})", expression=expression)
    if wanted.not_filters == ["PASS"]:
        clause.reading = "'not passing' is every FILTER but PASS, '.' included"
    _doubt_filters(data, wanted.not_filters, clause)
    return clause


def _known_filters(data: OpenDataset) -> list[str]:
    present = [part for value in data.summary["filters"] for part in value.split(";")]
    return list(dict.fromkeys([*present, *data.summary["filter_descriptions"], "PASS", "."]))


def _doubt_filters(data: OpenDataset, names: list[str], clause: Clause) -> None:
    declared = {*data.summary["filter_descriptions"], "PASS", "."}
    missing = [n for n in names if n not in declared]
    if missing:
        clause.options, clause.expression = [], ""
        clause.unprovable = f"bcftools refuses the filter {missing[0]}, which the header does not declare"


FEW_PROFILES = 64
CONDITION_FIELDS = ["CLNDN", "CLNDBN"]
SIGNIFICANCE_FIELDS = ["CLNSIG", "ClinVar_CLNSIG", "CLIN_SIG", "clinvar_sig", "CLINSIG"]


def significance_column(data: OpenDataset) -> InfoColumn:
    """The INFO field with the clinical significance. Raises `ToolError` where there is none."""
    for name in SIGNIFICANCE_FIELDS:
        if name in data.info:
            return data.info[name]
    raise ToolError(
        f"{data.name} has no clinical significance (INFO/CLNSIG)",
        "Annotate it with ClinVar: bcftools annotate -a clinvar.vcf.gz -c INFO/CLNSIG",
    )


def _significance(data: OpenDataset, wanted: VariantFilter) -> Clause:
    column = significance_column(data)
    parts = [f"array_has(string_to_array({column.column}, ','), {literal(v)})" for v in wanted.significance]
    return Clause(
        "(" + " OR ".join(parts) + ")",
        expression=_expression(f"INFO/{column.id}={{}}", [quoted(v) for v in wanted.significance]),
        reading=f"clinical significance is INFO/{column.id} = {_in_words(list(wanted.significance))}",
    )


def _annotation(data: OpenDataset, wanted: VariantFilter) -> Clause:
    if not data.annotated:
        raise ToolError(
            f"{data.name} carries no consequence annotation (CSQ, ANN or BCSQ)",
            "Annotate it with VEP, SnpEff or bcftools csq; a gene can also be asked for by its region",
        )
    genes = [data.gene(g) for g in wanted.genes]
    terms = [consequence_in_file(data, c) for c in wanted.consequences]
    numbers = _profiles_with(data, genes, terms, list(wanted.impacts))
    # By the index, rows are fetched one by one, which is slower than reading all where there are many.
    column = "profile" if len(numbers) <= FEW_PROFILES else "coalesce(profile, 0)"
    sql = f"{column} IN ({', '.join(map(str, numbers))})" if numbers else "false"
    annotation = data.summary["annotation"]
    said: list[tuple[str, list[str]]] = [("gene", genes), ("consequence", terms), ("impact", [*wanted.impacts])]
    words = " and ".join(f"{what} {_in_words(values)}" for what, values in said if values)
    expression = (
        ""
        if data.info[annotation["tag"]].number == "1"
        else _annotation_expression(annotation, genes, terms, list(wanted.impacts))
    )
    clause = Clause(
        sql,
        True,
        expression,
        reading=f"{words}: said by any one transcript's entry of {annotation['tag']} ({annotation['tool']})",
    )
    if not clause.expression:
        clause.unprovable = f"bcftools cannot tell this from {annotation['tag']} without a plugin"
    return clause


def profiles_meeting(data: OpenDataset, wanted: VariantFilter) -> list[int]:
    """Numbers of the profiles with one entry of the wanted gene, consequence and impact, as far as they are given."""
    genes = [data.gene(g) for g in wanted.genes]
    return _profiles_with(data, genes, [consequence_in_file(data, c) for c in wanted.consequences], [*wanted.impacts])


def consequence_in_file(data: OpenDataset, term: str) -> str:
    """A consequence as the file writes it. Raises `ToolError` for a term that neither it nor the table knows."""
    known = data.consequences
    if term in known:
        return term
    short = [k for k in known if SHORT_NAMES.get(k) == term or k.casefold() == term.casefold()]
    if short:
        return short[0]
    from .consequences import SEVERITY

    if term in SEVERITY:
        return term
    raise ToolError(
        f"{term!r} is no consequence that {data.name} knows",
        nearest(term, [*known, *SEVERITY], "Its consequences are"),
    )


def _profiles_with(data: OpenDataset, genes: list[str], terms: list[str], impacts: list[str]) -> list[int]:
    """Numbers of the profiles with one entry that meets all three."""
    profile, entries = data.profile_entries
    met = np.ones(len(profile), dtype=bool)
    consequences = [t for t in data.consequence_texts if not set(terms).isdisjoint(t.split("&"))]
    for column, values, given in zip(entries, (genes, consequences, impacts), (genes, terms, impacts), strict=True):
        if given:
            met &= pc.is_in(column, value_set=pa.array(values, pa.string())).to_numpy(zero_copy_only=False)
    found: list[int] = np.unique(profile[met]).tolist()
    return found


def _annotation_expression(annotation: dict[str, Any], genes: list[str], terms: list[str], impacts: list[str]) -> str:
    """Regular expressions of which one entry of the raw annotation must match one; empty where none can be written.

    bcftools tries each comma-separated entry by itself, unless the header says Number=1. Its expressions are
    POSIX basic ones, which have no alternation, and a comma would part one in two.
    """
    keys: list[str] = annotation["keys"]
    given = [("consequence", terms), ("impact", impacts), ("gene", genes)]
    places = {part: next((keys.index(n) for n in NAMES[part] if n in keys), None) for part, values in given if values}
    if None in places.values():
        return ""
    choices = [[(part, value) for value in values] for part, values in given if values]
    patterns = []
    for choice in product(*choices):
        wanted = {places[part]: _entry_part(part, value) for part, value in choice}
        last = max(i for i in wanted if i is not None)
        body = "[|]".join(wanted.get(i, "[^|]*") for i in range(last + 1))
        patterns.append(f"^{body}{'$' if last == len(keys) - 1 else '[|]'}")
    if len(patterns) > 40 or any(c in p for p in patterns for c in ',"'):
        return ""
    return _any([f'INFO/{annotation["tag"]}~"{p}"' for p in patterns])


def _entry_part(part: str, value: str) -> str:
    escaped = re.sub(r"([.$*\[\]^\\])", r"\\\1", value)
    return rf"[*]*\([^|]*&\)*{escaped}\(&[^|]*\)*" if part == "consequence" else escaped


def condition_clause(data: OpenDataset, condition: Condition) -> Clause:
    """A comparison with QUAL, an INFO field, a frequency in the annotation, or the cohort's own frequency."""
    if condition.field.upper() == "QUAL":
        return _compare("qual", "number", "Float", condition, "QUAL")
    if condition.field == "cohort_AF":
        return _cohort_frequency(data, condition)
    if condition.field == "length_change":
        return _length_change(data, condition)
    for name, column in data.frequency_fields().items():
        if name == condition.field and not name.startswith("INFO/"):
            clause = _compare(column, "per_allele", "Float", condition, name)
            clause.expression, clause.unprovable = "", f"bcftools cannot read {name} without a plugin"
            return clause
    name = condition.field.removeprefix("INFO/")
    info = data.info_column(name)
    clause = _compare(info.column, info.shape, info.type, condition, f"INFO/{info.id}")
    vector = info.type == "Integer" and info.shape in ("list", "per_allele")
    absent = vector and condition.op in ("<", "<=", "!=") and data.table.count(f"{info.column} IS NULL") > 0
    if info.shape == "text" and info.number != "1" and condition.op == "!=":
        clause.unprovable = f"bcftools asks whether any value of INFO/{info.id} differs"
    if info.id in data.summary["partly_missing"] or absent:
        clause.unprovable = f"bcftools compares the missing values inside INFO/{info.id} as if they were numbers"
    return clause


def _cohort_frequency(data: OpenDataset, condition: Condition) -> Clause:
    if not data.samples:
        raise ToolError(f"{data.name} has no samples, so it has no allele frequency of its own")
    number = _number(condition)
    sql = f"(an > 0 AND CAST(ac AS DOUBLE) {condition.op} {number} * an)"
    return Clause(
        sql,
        True,
        "",
        reading="cohort_AF is copies of the ALT allele among the called alleles of all samples",
        unprovable="bcftools computes AC and AN anew only with a plugin",
    )


def _length_change(data: OpenDataset, condition: Condition) -> Clause:
    number = _number(condition)
    unwritten = data.table.count("length IS NULL AND allele > 0") > 0
    return Clause(
        f"abs(length) {condition.op} {number}",
        True,
        f"abs(strlen(ALT)-strlen(REF)){condition.op}{number:.15g}",
        reading=f"length_change {condition.op} {number:g}: ALT minus REF in bases, without its sign; alleles that are "
        "not written out, such as <DEL>, have none",
        unprovable="bcftools would count the letters of symbolic alleles" if unwritten else "",
    )


def _number(condition: Condition) -> float:
    try:
        number = float(condition.value)
        if math.isfinite(number):
            return number
    except ValueError:
        pass
    raise ToolError(f"{condition.field} is compared with {condition.value!r}, which is no number")


def _compare(column: str, shape: str, type_: str, condition: Condition, name: str) -> Clause:
    if shape == "flag":
        raise ToolError(f"{name} is a flag and has no value", f"Ask for {name} = 1 or count its records")
    if type_ in ("Integer", "Float"):
        sql, shown = _numeric_sql(column, shape, type_, condition), f"{_number(condition):.15g}"
    else:
        sql, shown = _text_sql(column, condition), quoted(str(condition.value)) or ""
    expression = f"{name}{condition.op}{shown}" if shown else ""
    if condition.absent == "keep":
        sql = f"({sql} OR {column} IS NULL)"
        expression = f'({expression} || {name}=".")' if expression else ""
        reading = f"records without {name} are kept"
    else:
        reading = f"records without {name} are not counted"
        if condition.op == "!=" and expression:  # bcftools takes an absent value for a different one
            expression = f'({expression} && {name}!=".")'
    return Clause(
        sql,
        shape == "per_allele",
        expression,
        reading=f"{name} {condition.op} {condition.value:g}; {reading}"
        if isinstance(condition.value, float)
        else f"{name} {condition.op} {condition.value}; {reading}",
    )


def _numeric_sql(column: str, shape: str, type_: str, condition: Condition) -> str:
    op, value = condition.op, _number(condition)
    if type_ == "Integer":
        op, whole = _whole_number(op, value)
        number = str(whole)
    else:
        number = f"CAST({value!r} AS FLOAT)"
    if shape != "list":
        return f"{column} {op} {number}"
    if op in ("=", "!="):
        return f"{'NOT ' if op == '!=' else ''}array_has({column}, {number})"
    return f"{'array_max' if '>' in op else 'array_min'}({column}) {op} {number}"


def _whole_number(op: Operator, value: float) -> tuple[Operator, int]:
    """The same comparison of whole numbers, whose column the table does not compare with fractions."""
    below = math.floor(min(max(value, NO_VALUE), -NO_VALUE - 1))
    if below == value:
        return op, below
    return {
        "<": ("<=", below),
        "<=": ("<=", below),
        ">": (">", below),
        ">=": (">", below),
        "=": ("=", NO_VALUE),
        "!=": ("!=", NO_VALUE),
    }[op]  # type: ignore[return-value]


def _text_sql(column: str, condition: Condition) -> str:
    has = f"array_has(string_to_array({column}, ','), {literal(str(condition.value))})"
    if condition.op == "=":
        return has
    if condition.op == "!=":
        return f"NOT {has}"
    raise ToolError(f"{condition.field} is text and cannot be compared with {condition.op}", "Use = or !=")
