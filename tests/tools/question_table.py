"""For each question that people ask and a command answers: the tool call, and its result written as the command writes.

The questions, their commands and what bcftools 1.16 gave stand in `../shared/questions/questions.jsonl`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
import pysam.bcftools
from vcf_agent.tools.result import Json, ToolResult

Write = Callable[[ToolResult], str]
COHORT = ("cohort.vcf.gz",)


@dataclass(frozen=True)
class Question:
    """`files` are opened; `write` gives the text that the command prints, of which the first `head` lines count.

    `in_order` is false where the order of the command's lines has no meaning. `prints` says what of the command's
    own text is an answer.
    """

    id: str
    tool: str
    arguments: dict[str, Json]
    write: Write
    files: tuple[str, ...] = COHORT
    in_order: bool = True
    head: int | None = None
    prints: Callable[[str], str] = str


# How results are written.


def value(result: ToolResult) -> str:
    return str(result.value)


def by_line(form: str) -> Write:
    """A line for each of the value's items: `{k}` and `{v}` of an object, `{v}` of a list."""

    def write(result: ToolResult) -> str:
        items = result.value.items() if isinstance(result.value, dict) else enumerate(result.value)
        return "\n".join(form.format(k=k, v=v) for k, v in items)

    return write


def in_line(form: str) -> Write:
    return lambda result: " ".join(by_line(form)(result).splitlines())


def fields(form: str) -> Write:
    """One line from the items of an object."""
    return lambda result: form.format(**result.value)


def per_sample(of: Callable[[dict[str, Any]], Any]) -> Write:
    """A line for each sample with a number made from its own."""
    return lambda result: "\n".join(f"{sample} {of(numbers)}" for sample, numbers in result.value.items())


def places(form: str = "{0}:{1}", sort: bool = False) -> Write:
    """A line for each variant of the value: contig, position, REF, ALT."""

    def write(result: ToolResult) -> str:
        found = [form.format(*v.rsplit(":", 3)) for v in result.value]
        return "\n".join(sorted(set(found)) if sort else found)

    return write


def rows(form: str, table: int = 0, only: Callable[[dict[str, Any]], bool] = bool) -> Write:
    """A line for each row of a table, by column; `{0}` to `{3}` are the parts of its variant."""

    def write(result: ToolResult) -> str:
        found = [row for row in named_rows(result, table) if only(row)]
        parts = [str(row.get("variant", ":::")).rsplit(":", 3) for row in found]
        return "\n".join(form.format(*p, **row) for p, row in zip(parts, found, strict=True))

    return write


def named_rows(result: ToolResult, table: int = 0) -> Iterator[dict[str, Any]]:
    """The rows of a table by column, a missing value as `.`."""
    found = result.tables[table]
    names = [c.replace(" ", "_") for c in found.columns]
    for row in found.rows:
        yield dict(zip(names, ("." if v is None else v for v in row), strict=True))


def header_lines(result: ToolResult) -> str:
    form = '##{kind}=<ID={id},Number={number},Type={type},Description="{description}">'
    return rows(form)(result)


def records(result: ToolResult) -> list[Any]:
    """The records of the file that was made."""
    with pysam.VariantFile(result.files[0]) as made:
        return list(made)


def lines_of(result: ToolResult) -> list[list[str]]:
    """The records of the file that was made as columns of text."""
    return [line.split("\t") for line in pysam.bcftools.view("-H", result.files[0]).splitlines()]


def missing_in_file(result: ToolResult) -> str:
    return str(sum("." in column.split(":")[0] for line in lines_of(result) for column in line[9:]))


def sample_names(result: ToolResult) -> str:
    with pysam.VariantFile(result.files[0]) as made:
        return " ".join(made.header.samples)


def counted_lines(column: int) -> Write:
    """How many lines have which value in a column, as `sort | uniq -c` has it."""

    def write(result: ToolResult) -> str:
        found = [line[column] for line in lines_of(result)]
        return "\n".join(f"{found.count(v)} {v}" for v in sorted(set(found)))

    return write


def annotation_keys(result: ToolResult) -> str:
    keys = result.reading[0].removeprefix("its parts are ").split(", ")
    return "\n".join(f"{number} {key}" for number, key in enumerate(keys))


def rounded(digits: int) -> Callable[[str], str]:
    """Every number with a point in a text, rounded."""
    return lambda text: re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.{digits}f}", text)


def carries(row: dict[str, Any]) -> bool:
    return row["class"] in ("het", "hom_alt", "hemizygous_alt")


def trio_calls(result: ToolResult) -> str:
    """Gene, place and the three genotypes of each candidate."""
    lines = []
    for row in named_rows(result, 1):
        calls = dict(call.split(" ") for call in row["genotypes"].split(", "))
        place = ":".join(row["variant"].split(":")[:2])
        lines.append(" ".join([row["gene"], place, *(calls[s] for s in ("CHILD", "FATHER", "MOTHER"))]))
    return "\n".join(lines)


def matches(result: ToolResult) -> str:
    """The sample, matches that are REF, het and ALT, and genotypes that differ."""
    same = {row["genotype"]: row["records"] for row in named_rows(result, 4)}
    differ = sum(row["records"] for row in named_rows(result, 3))
    return f"CHILD {same['0/0'] + same['0']} {same['0/1']} {same['1/1'] + same['1']} {differ}"


def gcss(text: str) -> str:
    """The same from a GCsS line: without the rate, and the three kinds of mismatches as one."""
    sample, _, *numbers, _ = text.split()
    return " ".join([sample, *numbers[:3], str(sum(map(int, numbers[3:])))])


def split_lines(result: ToolResult) -> str:
    """Records in all, and those from which more than one was made."""
    made = [tuple(line[i] for i in (0, 1)) for line in lines_of(result)]
    several = {place for place in made if made.count(place) > 1}
    return f"Lines total/split/realigned/skipped: {len(set(made))}/{len(several)}/0/0"


def realigned_lines(result: ToolResult) -> str:
    before = [line.split("\t") for line in pysam.bcftools.view("-H", source_of(result)).splitlines()]
    made = {tuple(line[:5]) for line in lines_of(result)}
    moved = sum(tuple(line[:5]) not in made for line in before)
    return f"Lines total/split/realigned/skipped: {len(before)}/0/{moved}/0"


def source_of(result: ToolResult) -> str:
    return result.evidence[0].file


def tsv_lines(result: ToolResult) -> str:
    """CHROM, POS, REF, ALT and the genotypes of the table that was made."""
    lines = [line.split("\t") for line in Path(result.files[0]).read_text().splitlines()]
    chosen = [lines[0].index(name) for name in ("CHROM", "POS", "REF", "ALT")]
    chosen += [i for i, name in enumerate(lines[0]) if name.endswith(":GT")]
    return "\n".join(" ".join(line[i].removesuffix(":GT") for i in chosen) for line in lines)


def query_header(text: str) -> str:
    return re.sub(r"# ?|\[\d+\]|:GT", "", text)


def is_smaller(result: ToolResult) -> str:
    return str(Path(result.files[0]).stat().st_size < Path(source_of(result)).stat().st_size)


def second_is_smaller(text: str) -> str:
    first, second = map(int, text.split())
    return str(second < first)


def ti_tv_of_sets(result: ToolResult) -> str:
    order = ["only_first", "only_second", "shared"]
    ratio = {row["set"]: 0.0 if row["ti_tv"] == "." else row["ti_tv"] for row in named_rows(result)}
    return "\n".join(f"{number} {ratio[name]:.2f}" for number, name in enumerate(order))


def unsorted_places(result: ToolResult) -> str:
    """What the first finding says, in the words of the index."""
    message = next(named_rows(result, 1))["message"].replace(",", "")
    _, after, before = re.findall(r"(?<=:)\d+|(?<=: )", f": {message}")
    return f"[E::hts_idx_push] Unsorted positions on sequence #1: {before} followed by {after}"


def duplicates(result: ToolResult) -> str:
    """The variants that stand twice, from the findings."""
    told = [row["message"] for row in named_rows(result, 1) if row["code"] == "RECORD_REPEATED"]
    return "\n".join(re.sub(r"^(\S+):([\d,]+) (\w+)>(\w+) .*", r"\1:\2:\3:\4", m).replace(",", "") for m in told)


def wrong_lengths(result: ToolResult) -> str:
    return str(sum(row["count"] for row in named_rows(result) if "LENGTH" in row["code"] or "NUMBER" in row["code"]))


def frequencies(form: str) -> Write:
    """A line for each record, its ALT alleles joined by commas."""

    def write(result: ToolResult) -> str:
        places: dict[str, list[str]] = {}
        for key, numbers in result.value.items():
            places.setdefault(":".join(key.split(":")[:2]), []).append(form.format(**numbers))
        return "\n".join(f"{place} {','.join(told)}" for place, told in places.items())

    return write


def without_id(result: ToolResult) -> str:
    """The records that still have no ID, which is what `bcftools view -n` keeps."""
    return str(sum(line[2] == "." for line in lines_of(result)))


def info_values(name: str) -> Write:
    """How many records have which value of an INFO field, as `sort | uniq -c` has it."""

    def write(result: ToolResult) -> str:
        found = [
            dict(f.split("=", 1) for f in line[7].split(";") if "=" in f).get(name, ".") for line in lines_of(result)
        ]
        return "\n".join(f"{found.count(v)} {v}" for v in sorted(set(found)))

    return write


def found_times(result: ToolResult) -> str:
    return str(next(named_rows(result))["count"])


def contig_lines(result: ToolResult) -> str:
    return str(sum(str(r).startswith("##contig") for r in pysam.bcftools.view("-h", result.files[0]).splitlines()))


def sequences(result: ToolResult) -> str:
    return str(Path(result.files[0]).read_text().count(">"))


# How conditions are said.


def where(*conditions: tuple[str, str, Any], absent: str = "drop") -> dict[str, Json]:
    return {"where": [{"field": f, "op": o, "value": v, "absent": absent} for f, o, v in conditions]}


def of(kind: str, *samples: str) -> dict[str, Json]:
    """All of these samples have a genotype of this kind."""
    return {"genotype": kind, "samples": list(samples)}


def many(kind: str, how_many: str, n: int | None = None, **more: Json) -> dict[str, Json]:
    return {"genotype": kind, "how_many": how_many, **({} if n is None else {"n": n}), **more}


def genotypes(*conditions: dict[str, Json]) -> dict[str, Json]:
    return {"genotypes": list(conditions)}


def operations(*several: dict[str, Json], **more: Json) -> dict[str, Json]:
    return {"operations": list(several), **more}


DEEP_AND_SURE = [{"field": "DP", "op": ">=", "value": 10}, {"field": "GQ", "op": ">=", "value": 20}]
TRIO = {"child": "CHILD", "father": "FATHER", "mother": "MOTHER"}
AS_NAMED = "SELECT count(*) FROM variants WHERE chrom = '20' AND pos BETWEEN 1 AND 60000"
"""A region of count_variants finds the contig under its other name, and says so; this does not."""
SAME_SAMPLE = (
    "SELECT count(DISTINCT record) FROM genotypes "
    "WHERE class IN ('het', 'hom_alt', 'hemizygous_alt') AND class IN ('hom_ref', 'hemizygous_ref')"
)
PATHOGENIC = ["Pathogenic", "Likely_pathogenic", "Pathogenic/Likely_pathogenic"]
OWN_LINES = re.compile(r"##bcftools_(view|reheader)\w*=.*\n?")
"""What bcftools writes of its own call."""

QUESTIONS = [
    # A. What is in this file?
    Question("A02", "describe_file", {"about": "samples"}, by_line("{v}")),
    Question("A05", "describe_file", {"about": "contigs"}, rows("{contig} {length} {records}")),
    Question("A06", "describe_file", {"about": "fields"}, header_lines),
    Question("A07", "distinct_values", {"field": "FILTER"}, by_line("{v} {k}")),
    Question(
        "A08",
        "describe_file",
        {"about": "software"},
        lambda r: r.value or "",
        ("callerB.vcf.gz",),
        prints=lambda text: OWN_LINES.sub("", text),
    ),
    Question("A09", "describe_file", {"about": "annotation"}, annotation_keys),
    Question("A10", "describe_file", {"about": "phasing"}, fields("{phased}")),
    Question("A11", "describe_file", {"about": "gvcf"}, lambda r: str(int(r.value))),
    # B. Counts and quality
    Question("B03", "site_statistics", {}, fields("{transitions} {transversions} {ti_tv:.2f}")),
    Question(
        "B04",
        "sample_statistics",
        {"measure": "ti_tv", "two_alts": "first"},
        by_line("{k} {v:.2f}"),
        prints=rounded(2),
    ),
    Question("B05", "sample_statistics", {"of": "snps"}, per_sample(lambda v: v["hom_alt"] + v["het"])),
    Question(
        "B06",
        "sample_statistics",
        {"measure": "het_hom_ratio", "of": "snps"},
        by_line("{k} {v:.2f}"),
        prints=rounded(2),
    ),
    Question("B08", "sample_statistics", {"measure": "singletons"}, by_line("{k} {v}")),
    Question("B10", "count_variants", {"filters": ["PASS"]}, value),
    Question("B13", "site_statistics", {"measure": "substitutions"}, by_line("{k} {v}")),
    Question("B14", "group_variants", {"by": "window", "window": 5000, "top": 3}, by_line("{v} {k}")),
    Question("B15", "missingness", {}, per_sample(lambda v: v["missing"])),
    Question("B16", "missingness", {"by": "site"}, value),
    # C. Places
    Question("C01", "list_variants", {"regions": ["chr20:12050"]}, rows("{0}:{1} {2}>{3} {id} {filter}")),
    Question("C02", "genotypes_at", {"id": "rs900005", "samples": ["CHILD"]}, rows("{0}:{1} {2}>{3} {GT}")),
    Question("C03", "list_variants", {"regions": ["chr20:10000-14000"]}, rows("{0} {1} {id} {2} {3}"), head=3),
    Question("C04", "count_variants", {"inside_bed": "targets.bed"}, value),
    Question("C06", "list_variants", {"regions": ["chr20:40050-40100"]}, lambda r: places("{0}:{1} {2}")(r)[:30]),
    Question("C07", "count_variants", {"outside_bed": "blacklist.bed"}, value),
    Question("C09", "count_variants", {"regions": ["chr20:20001-26000"]}, value),
    Question(
        "C10", "group_variants", {"by": "gene"}, rows("{gene} {records}", only=lambda r: r["gene"]), in_order=False
    ),
    # D. Filters
    Question("D01", "count_variants", where(("QUAL", ">", 30), ("INFO/DP", ">", 100)), value),
    Question(
        "D04",
        "make_file",
        operations({"op": "set_missing", "min_dp": 10, "min_gq": 20, "scope": "record"}),
        missing_in_file,
    ),
    Question("D05", "count_variants", genotypes({"where": DEEP_AND_SURE, "how_many": "all"}), value),
    Question("D06", "count_variants", genotypes({"where": DEEP_AND_SURE, "how_many": "any"}), value),
    Question("D07", "count_variants", genotypes(many("missing", "at_most", share=0.1)), value),
    Question("D08", "missingness", {"more_than": 0.05}, per_sample(lambda v: f"{v['share']:.6f}"), prints=rounded(6)),
    Question("D10", "count_variants", {"types": ["indel"]} | where(("length_change", "<=", 5)), value),
    Question(
        "D12",
        "list_variants",
        genotypes({**of("het", "CHILD"), "where": [{"field": "AB", "op": "<", "value": 0.25}]}),
        places(),
    ),
    Question("D14", "count_variants", {"multiallelic": False}, value),
    # E. Genotypes
    Question("E01", "count_variants", genotypes(of("het", "CHILD"), of("hom_ref", "CTRL1")), value),
    Question(
        "E05",
        "list_variants",
        genotypes(of("carrier", "CTRL1"), {"genotype": "carrier", "except_samples": ["CTRL1"], "how_many": "none"}),
        places("{0} {1}"),
    ),
    Question("E06", "count_variants", genotypes(many("carrier", "at_least", 3)), value),
    Question(
        "E07", "genotypes_at", {"position": "chr20:12050", "show": "carriers"}, rows("{sample} {GT}", only=carries)
    ),
    Question(
        "E08",
        "genotypes_at",
        {"position": "chr21:6100", "samples": ["CHILD"]},
        rows("{sample} {GT} {AD_REF},{AD_ALT} {DP} {GQ}"),
    ),
    Question("E09", "genotypes_at", {"position": "chr20:41000"}, in_line("{k}={v}")),
    Question("E11", "compare_files", {"genotypes_of": "snps"}, matches, ("a.vcf.gz", "callerB.vcf.gz"), prints=gcss),
    Question("E12", "count_variants", genotypes(many("hom_alt", "exactly", 1)), value),
    # F. Families
    Question(
        "F02",
        "list_variants",
        genotypes(
            of("het", "CHILD"),
            of("hom_ref", "FATHER", "MOTHER"),
            {"where": DEEP_AND_SURE, "samples": ["CHILD", "FATHER", "MOTHER"]},
        ),
        places(),
    ),
    Question("F03", "inheritance", {"mode": "mendelian_errors", **TRIO}, rows("{0}:{1}"), head=10),
    Question(
        "F04",
        "inheritance",
        {"mode": "mendelian_errors", **TRIO},
        fields("{consistent} {errors} {not_judged} MOTHER,FATHER,CHILD"),
    ),
    Question(
        "F06",
        "inheritance",
        {"mode": "compound_het", "impacts": ["HIGH", "MODERATE"], **TRIO},
        trio_calls,
        in_order=False,
    ),
    Question("F08", "count_variants", genotypes(of("het", "FATHER", "CHILD", "SIB"), of("hom_ref", "MOTHER")), value),
    Question(
        "F09",
        "list_variants",
        genotypes(of("het", "CHILD", "MOTHER"), of("hom_ref", "FATHER"))
        | where(("INFO/gnomAD_AF", "<", 0.01), absent="keep"),
        places(),
        head=10,
    ),
    Question("F11", "sex_check", {}, per_sample(lambda v: f"{v['het']} {v['records']}"), in_order=False),
    Question("G01", "allele_frequencies", {}, frequencies("{AF:.6g}"), head=3),
    # G. Frequencies
    Question("G03", "count_variants", where(("INFO/gnomAD_AF", "<", 0.01)), value),
    Question(
        "G07",
        "allele_frequencies",
        {"samples": ["CHILD", "FATHER", "MOTHER"]},
        frequencies("{AC} {AN} {AF:.6g}"),
        head=3,
    ),
    Question("G08", "check_info_counts", {"field": "AF"}, value),
    Question("G09", "frequency_spectrum", {}, by_line("{v} {k}"), head=10),
    Question(
        "G10",
        "compare_groups",
        {"groups_file": "pops.txt", "group": "FAMILY", "more_than": 0.3},
        value,
        prints=lambda _: "43",  # 1.16 compares as float32, and so counts one that lies exactly on 0.3
    ),
    # H. Annotation
    Question(
        "H01",
        "list_variants",
        {"genes": ["TOYA"], "consequences": ["missense_variant"]},
        places("{0}:{1} {2}>{3}", sort=True),
    ),
    Question("H02", "loss_of_function", {"by": "impact"}, rows("{0}:{1} {gene} {consequence}"), in_order=False),
    Question("H03", "list_variants", {}, rows("{0}:{1} {consequence}"), head=3),
    Question("H04", "group_variants", {"by": "consequence"}, by_line("{v} {k}"), in_order=False),
    Question("H05", "make_file", operations({"op": "add_ids", "source": "dbsnp.vcf.gz"}), without_id),
    Question(
        "H06",
        "make_file",
        operations({"op": "add_info", "source": "clinvar.vcf.gz", "fields": ["CLNSIG"]}),
        info_values("CLNSIG"),
        in_order=False,
    ),
    Question("H07", "list_variants", {"significance": PATHOGENIC}, rows("{0}:{1} {significance}")),
    Question(
        "H10",
        "make_file",
        operations({"op": "label", "bed": "genes.bed", "field": "GENE"}),
        info_values("GENE"),
        in_order=False,
    ),
    # I. New files
    Question("I01", "make_file", operations({"op": "rename_contigs", "prefix": "remove"}), counted_lines(0)),
    Question("I02", "make_file", operations({"op": "rename_samples", "names": {"CHILD": "PROBAND"}}), sample_names),
    Question(
        "I03", "make_file", operations({"op": "subset_samples", "samples": ["CHILD", "FATHER", "MOTHER"]}), sample_names
    ),
    Question(
        "I04",
        "make_file",
        operations({"op": "remove_samples", "samples": ["CTRL2"]}),
        lambda r: str(len(sample_names(r).split())),
    ),
    Question("I05", "make_file", operations({"op": "split_alleles"}), split_lines),
    Question("I07", "make_file", operations({"op": "left_align"}), realigned_lines),
    Question("I08", "validate_file", {"code": "REF_MISMATCH", "reference": "ref.fa"}, found_times, ("badref.vcf.gz",)),
    Question(
        "I09",
        "make_file",
        {"dataset": "a"}
        | operations({"op": "merge", "datasets": ["callerB"], "absent": "missing", "same_names": "number"}),
        sample_names,
        ("a.vcf.gz", "callerB.vcf.gz"),
    ),
    Question("I12", "make_file", {"split_by": "contig"}, lambda r: str(len(r.files))),
    Question("I13", "make_file", {"split_by": "sample"}, lambda r: str(len(r.files))),
    Question(
        "I16",
        "make_file",
        operations({"op": "keep_fields", "fields": ["INFO/AC", "INFO/AN"]}),
        lambda r: lines_of(r)[0][7],
    ),
    Question("I19", "make_file", operations({"op": "thin", "window": 5000}), value),
    Question("I20", "make_file", operations({"op": "add_contigs"}), contig_lines, ("nodef.vcf",)),
    # J. Conversion
    Question("J01", "make_file", {"format": "tsv"}, tsv_lines, prints=query_header, head=2),
    Question("J05", "make_file", {"format": "bcf"}, lambda r: str(len(lines_of(r)))),
    Question("J06", "make_consensus", {"sample": "CHILD"}, sequences),
    Question(
        "J07",
        "allele_fractions",
        {"samples": ["CHILD"], "show": "fractions", "calls": "all"},
        rows("{0}:{1} {VAF:g}", table=1),
        head=2,
    ),
    Question("J08", "make_file", operations({"op": "drop_genotypes"}), is_smaller, prints=second_is_smaller),
    # K. Two files
    Question("K02", "compare_files", {}, fields("{only_first} {only_second} {shared}"), ("a.vcf.gz", "callerB.vcf.gz")),
    Question("K03", "compare_files", {"normalise": True}, fields("{shared}"), ("a.vcf.gz", "callerB.vcf.gz")),
    Question("K04", "compare_files", {}, ti_tv_of_sets, ("a.vcf.gz", "callerB.vcf.gz")),
    # L. Structural variants
    Question(
        "L01",
        "structural_variants",
        {"show": "variants", "sv_types": ["DEL"], "sizes": [{"op": ">", "value": 1000}]},
        rows("{chrom}:{pos} -{size}", table=1),
        files=("sv.vcf.gz",),
    ),
    Question("L02", "structural_variants", {}, by_line("{v} {k}"), in_order=False, files=("sv.vcf.gz",)),
    Question(
        "L03",
        "structural_variants",
        {"show": "variants", "regions": ["chr20:10001-14000"]},
        rows("{id} {chrom}:{pos}-{end}", table=1),
        files=("sv.vcf.gz",),
    ),
    # M. Tumours
    Question("M02", "somatic", {}, lambda r: str(len(r.value)), ("tn.vcf.gz",)),
    Question(
        "M03",
        "somatic",
        {"variants": "all", "show": "sites", "vaf": "dp"},
        rows("{0} {1} {tumour_depth} {tumour_ALT_reads} {tumour_VAF:g}"),
        ("tn.vcf.gz",),
        head=2,
    ),
    # N. When something is wrong
    Question("N03", "validate_file", {}, unsorted_places, ("unsorted.vcf",)),
    Question("N05", "query_table", {"sql": AS_NAMED}, value),
    Question("N06", "validate_file", {}, duplicates, ("dup.vcf",)),
    Question("N07", "query_table", {"sql": SAME_SAMPLE}, lambda r: str(r.tables[0].rows[0][0])),
    Question("N08", "validate_file", {}, wrong_lengths),
]

NOT_ANSWERED = {
    "F12": "bcftools roh 1.16 and 1.24 end with a segmentation fault on this file after 135 lines of sites, so the 135 "
    "is where it crashed; of runs it tells none, and neither does runs_of_homozygosity",
}
