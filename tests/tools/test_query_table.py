"""Questions in SQL: the right numbers, and statements that try to reach what they should not."""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from make_vcf import record, write_vcf
from reference import bcftools, count, genotype_class, lines, rows, tally
from vcf_agent.memory.errors import ToolError
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.read_only_sql import _Child

CALLS = "query -f '[%SAMPLE\\t%GT\\t%DP\\t%GQ\\n]'"


def classes(text: str) -> list[list[Any]]:
    counts = Counter((sample, genotype_class(gt)) for sample, gt, *_ in rows(text))
    return sorted([s, c, n] for (s, c), n in counts.items())


def mean_depth(text: str) -> list[list[Any]]:
    depths: dict[str, list[int]] = {}
    for sample, gt, dp, gq in rows(text):
        if genotype_class(gt) == "het" and gq != "." and float(gq) >= 20 and dp != ".":
            depths.setdefault(sample, []).append(int(dp))
    return sorted([s, round(sum(d) / len(d), 6)] for s, d in depths.items())


AGREE: dict[str, tuple[str, Callable[[str], Any]]] = {
    "SELECT count(DISTINCT record) FROM variants": ("view -H", count),
    "SELECT count(*) FROM variants WHERE allele > 0": ("norm -m -any >> view -H -i 'N_ALT>0'", count),
    "SELECT count(DISTINCT record) FROM variants WHERE qual > 29.5 AND INFO_DP <= 190": (
        "view -H -i 'QUAL>29.5 && INFO/DP<=190'", count),
    'SELECT count(DISTINCT record) FROM variants WHERE "INFO/DP" >= 190 AND info_dp < 200': (
        "view -H -i 'INFO/DP>=190 && INFO/DP<200'", count),
    "SELECT count(DISTINCT record) FROM variants WHERE INFO_AF > 0.25": ("view -H -i 'INFO/AF>0.25'", count),
    "SELECT chrom, count(DISTINCT record) AS n FROM Variants GROUP BY chrom ORDER BY n DESC, chrom": (
        "query -f '%CHROM\\n'", lambda t: [list(i) for i in sorted(tally(t).items(), key=lambda i: (-i[1], i[0]))]),
    "SELECT max(pos) - min(pos) FROM variants WHERE chrom = 'chr2'": (
        "query -t chr2 -f '%POS\\n'", lambda t: max(map(int, lines(t))) - min(map(int, lines(t)))),
    "WITH p AS (SELECT DISTINCT record, chrom, pos FROM variants), "
    "d AS (SELECT chrom, pos - lag(pos) OVER (PARTITION BY chrom ORDER BY record) AS step FROM p) "
    "SELECT max(step) FROM d": (
        "query -f '%CHROM\\t%POS\\n'",
        lambda t: max(int(b[1]) - int(a[1]) for a, b in zip(rows(t), rows(t)[1:], strict=False) if a[0] == b[0])),
    "SELECT sample, class, count(*) FROM genotypes GROUP BY ALL ORDER BY sample, class": (CALLS, classes),
    "SELECT sample, round(avg(dp), 6) FROM genotypes WHERE class = 'het' AND gq >= 20 GROUP BY sample ORDER BY 1": (
        CALLS, mean_depth),
    "SELECT gt, count(*) FROM genotypes GROUP BY gt ORDER BY gt": (
        "query -f '[%GT\\n]'", lambda t: [list(i) for i in sorted(tally(t).items())]),
    "SELECT count(DISTINCT g.record) FROM genotypes AS g JOIN variants AS v USING (record) "
    "WHERE v.chrom = 'chr2' AND g.class = 'missing'": ("view -H -t chr2 -i 'GT=\"mis\"'", None),
}  # fmt: skip


@pytest.mark.parametrize("sql", AGREE)
def test_the_answer_is_that_of_bcftools(sql: str, cohort: ToolContext, example: Path, run: Any) -> None:
    line, reduce = AGREE[sql]
    if reduce is None:  # bcftools takes ./1 for missing as well
        found = bcftools("query -t chr2 -f '[%CHROM:%POS:%REF:%ALT\\t%GT\\n]'", example)
        expected: Any = len({key for key, gt in rows(found) if genotype_class(gt) == "missing"})
    else:
        expected = reduce(bcftools(line, example))
    result = run(cohort, "query_table", sql=sql, limit=1000)
    assert result.value == expected
    assert result.evidence[0].verified is None
    assert sql in (result.evidence[0].note or "")


def test_genes_and_impacts_are_those_of_one_entry(cohort: ToolContext, run: Any) -> None:
    sql = (
        "SELECT count(DISTINCT record) FROM variants JOIN annotations USING (profile) "
        "WHERE gene = 'SCN1A' AND impact IN ('HIGH', 'MODERATE')"
    )
    known = run(cohort, "count_variants", genes=["SCN1A"], impacts=["HIGH", "MODERATE"])
    assert known.value > 0
    assert run(cohort, "query_table", sql=sql).value == known.value
    by_list = "SELECT count(DISTINCT record) FROM variants JOIN profiles USING (profile) WHERE list_has(genes, 'SCN1A')"
    assert run(cohort, "query_table", sql=by_list).value == run(cohort, "count_variants", genes=["SCN1A"]).value


ODD = ["it's", "100%", 'a "b" c', "x;y", "--z"]


def _random_file(path: Path, seed: int) -> tuple[Path, list[dict[str, Any]]]:
    """A file with every kind of missing value and what was put into it, a line for each record and sample."""
    rng, cells, made = random.Random(seed), [], []
    for number in range(60):
        alts = rng.choice([["C"], ["C", "G"], ["<DEL>"], []])
        genotype = [
            rng.choice(["0/0", "0/1", "1|0", "1/1", "./.", ".", "0", "1", "./1", "0|0"]) if alts else "0/0" for _ in ODD
        ]
        depth = [rng.choice([".", 0, 7, 30, 2**31 - 1]) for _ in ODD]
        reads = [
            ".,." + ",." * (len(alts) - 1)
            if rng.random() < 0.2
            else f"{rng.randint(0, 9)}," + ",".join("5" * len(alts))
            for _ in ODD
        ]
        bare = rng.random() < 0.2
        fields = "GT" if bare else "GT:DP:AD" if alts else "GT:DP"
        samples = [
            ":".join(map(str, [g, *([] if bare else [d, *([a] if alts else [])])]))
            for g, d, a in zip(genotype, depth, reads, strict=True)
        ]
        made.append(record(number + 1, "A", ",".join(alts) or ".", format=fields, samples=samples))
        for i, sample in enumerate(ODD):
            known = not bare and depth[i] != "."
            ad = None if bare or len(alts) != 1 or "." in reads[i] else 5
            cells.append({"record": number, "sample": sample, "gt": genotype[i], "class": genotype_class(genotype[i]),
                          "dp": depth[i] if known else None, "ad_alt": ad})  # fmt: skip
    return write_vcf(path, made, ODD), cells


@pytest.mark.parametrize("seed", range(3))
def test_genotypes_are_those_of_the_file(seed: int, tmp_path: Path, opened: Any, run: Any) -> None:
    path, cells = _random_file(tmp_path / "random.vcf", seed)
    names = ["record", "sample", "gt", "class", "dp", "ad_alt"]
    found = run(opened(path), "query_table", sql=f"SELECT {', '.join(names)} FROM genotypes", limit=1000)
    assert found.tables[0].columns == names
    assert found.value == [[cell[n] for n in names] for cell in cells]
    assert found.private


@pytest.mark.parametrize("name", ODD)
def test_any_name_is_a_literal(name: str, tmp_path: Path, library: Any, run: Any) -> None:
    path = write_vcf(tmp_path / "names.vcf", [record(samples=["0/1"] * len(ODD))], ODD)
    quoted = name.replace("'", "''")
    found = run(library(path), "query_table", sql=f"SELECT sample FROM genotypes WHERE sample = '{quoted}'")
    assert found.value == name


def test_fields_are_found_by_the_names_people_use(tmp_path: Path, opened: Any, run: Any) -> None:
    declared = [
        "##contig=<ID=chr1>",
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="a">',
        '##INFO=<ID=dp,Number=1,Type=Integer,Description="b">',
        '##INFO=<ID=1000G.AF,Number=A,Type=Float,Description="c">',
    ]
    context = opened(write_vcf(tmp_path / "f.vcf", [record(info="DP=1;dp=2;1000G.AF=0.1")], declared=declared))
    assert run(context, "query_table", sql="SELECT INFO_DP FROM variants").value == 1
    assert run(context, "query_table", sql="SELECT INFO_dp FROM variants").value == 2
    assert run(context, "query_table", sql='SELECT "INFO/dp" FROM variants').value == 2
    assert run(context, "query_table", sql='SELECT "INFO_1000G.AF" FROM variants').value == 0.1
    assert run(context, "query_table", sql="SELECT INFO_1000G_AF FROM variants WHERE info_1000g_af = 0.1").value == 0.1
    assert run(context, "query_table", sql="SELECT INFO_DP, info_1_dp FROM variants").value == [[1, 2]]
    for sql in ("SELECT INFO_DP + INFO_dp FROM variants", "SELECT info_Dp FROM variants"):
        with pytest.raises(ToolError):
            run(context, "query_table", sql=sql)


REFUSED = {
    # files, in every form
    "SELECT pos FROM '/etc/passwd'": "there is no table '/etc/passwd'",
    "SELECT pos FROM \"x.csv\"": "there is no table 'x.csv'",
    "SELECT pos FROM 'https://example.org/x.parquet'": "there is no table",
    "SELECT content FROM read_text('/etc/passwd')": r"read_text\(\) is no table",
    "SELECT content FROM read_blob('/etc/*')": r"read_blob\(\) is no table",
    "SELECT file FROM glob('/*')": r"glob\(\) is no table",
    "SELECT a FROM READ_CSV('/etc/passwd')": "is no table",
    "SELECT a FROM read_csv_auto('x'), variants": "is no table",
    "SELECT a FROM read_json('x')": "is no table",
    "SELECT a FROM read_parquet(['x'])": "is no table",
    "SELECT a FROM sniff_csv('x')": "is no table",
    "SELECT a FROM sqlite_scan('x', 'y')": "is no table",
    "SELECT a FROM query('SELECT 1 AS a')": "is no table",
    "SELECT a FROM query_table('x')": "is no table",
    "SELECT a FROM duckdb_settings()": "is no table",
    "SELECT a FROM pragma_table_info('variants')": "is no table",
    "SELECT i FROM range(1000000000000) t(i)": "is no table",
    "SELECT i FROM generate_series(1, 1000000000000) t(i)": "is no table",
    "SELECT pos FROM variants WHERE pos IN (SELECT 1 FROM read_text('/etc/passwd'))": "is no table",
    "WITH x AS (SELECT content FROM read_text('/etc/passwd')) SELECT content FROM x": "is no table",
    "SELECT pos FROM variants UNION ALL SELECT content FROM read_text('/etc/passwd')": "is no table",
    "SELECT pos FROM variants ORDER BY (SELECT size FROM read_text('/etc/passwd'))": "is no table",
    "SELECT pos FROM variants/**/,/*;*/read_text('/etc/passwd')--": "is no table",
    "SELECT list_transform([1], lambda x: (SELECT content FROM read_text('/etc/passwd')))": "is no table",
    "SELECT read_text('/etc/passwd')": "read_text",
    # the process and its settings
    "SELECT getenv('HOME')": r"getenv\(\) is not allowed",
    "SELECT current_setting('temp_directory')": "current_setting",
    "SELECT GetVariable('x')": "is not allowed",
    "SELECT json_execute_serialized_sql('{}')": "is not allowed",
    "SELECT nextval('s')": "nextval",
    "SELECT version()": "version",
    "SELECT random()": "random",
    "SELECT pg_catalog.now()": "is not allowed",
    "SELECT main.lower('x')": "a name with a schema",
    "SELECT count(*) FILTER (WHERE getenv('HOME') = 'x') FROM variants": "getenv",
    "SELECT sum(pos) OVER (ORDER BY getenv('HOME')) FROM variants": "getenv",
    "SELECT pos FROM variants LIMIT (SELECT length(getenv('HOME')))": "getenv",
    "SELECT error('x')": "error",
    "SELECT sleep_ms(100000)": "is not allowed",
    "SELECT write_log('x')": "is not allowed",
    "SELECT current_user": "no column 'current_user'",
    "SELECT name FROM sqlite_master": "there is no table 'sqlite_master'",
    "SELECT table_name FROM information_schema.tables": "a name with a schema",
    "SELECT pos FROM memory.main.variants": "a name with a schema",
    "SELECT repeat('x', 10000000000)": r"repeat\(\) is not allowed",
    "SELECT lpad('x', 1000000000, 'y')": "lpad",
    "SELECT len(range(1000000000))": "range",
    # anything but one SELECT
    "COPY variants TO '/tmp/x.csv'": "only SELECT",
    "COPY (SELECT 1) TO '/tmp/x.csv'": "only SELECT",
    "ATTACH '/tmp/x.db'": "only SELECT",
    "INSTALL httpfs": "only SELECT",
    "LOAD '/tmp/x.duckdb_extension'": "only SELECT",
    "SET threads = 64": "only SELECT",
    "SET enable_external_access = true": "only SELECT",
    "RESET memory_limit": "only SELECT",
    "PRAGMA database_list": "only SELECT",
    "EXPLAIN ANALYZE SELECT 1": "only SELECT",
    "EXPORT DATABASE '/tmp/x'": "only SELECT",
    "CREATE TABLE x AS SELECT 1": "only SELECT",
    "CREATE MACRO lower(x) AS getenv(x)": "only SELECT",
    "INSERT INTO variants VALUES (1)": "only SELECT",
    "DELETE FROM variants": "only SELECT",
    "DROP VIEW variants": "only SELECT",
    "CALL pragma_version()": "only SELECT",
    "USE memory": "only SELECT",
    "PREPARE x AS SELECT 1": "only SELECT",
    "CHECKPOINT": "only SELECT",
    "BEGIN": "only SELECT",
    "WITH x AS (SELECT 1) INSERT INTO variants SELECT 1": "only SELECT",
    "WITH x AS (DELETE FROM variants RETURNING pos) SELECT pos FROM x": "delete query node is not allowed",
    "SELECT 1; SELECT 2": "one SELECT",
    "SELECT 1; COPY variants TO '/tmp/x.csv'": "only SELECT",
    "SELECT 1 /* ; */ ; SET threads = 4 --": "only SELECT",
    "": "at least 1 character",
    " ": "one SELECT",
    "-- SELECT 1": "one SELECT",
    "SELEC 1": "syntax error",
    "SELECT 'open": "unterminated",
    "SELECT end FROM variants": '"end"',
    "SELECT 1 \x00; SELECT 2": "pattern",
    "SELECT ?": "parameter",
    "SELECT " + "(" * 4000 + "1" + ")" * 4000: "nested too deep",
    "SELECT " + "NOT " * 2400 + "true": "nested too deep",
    "SELECT 1 FROM " + "(SELECT 1 FROM " * 500 + "variants" + ")" * 500: "nested too deep",
    # names
    "SELECT * FROM variants": "Name the columns",
    "FROM variants": "Name the columns",
    "TABLE variants": "Name the columns",
    "SELECT v.* FROM variants v": "Name the columns",
    "SELECT * EXCLUDE (pos) FROM variants": "Name the columns",
    "SELECT COLUMNS('.*') FROM variants": "Name the columns",
    "SELECT count(COLUMNS(*)) FROM variants": "Name the columns",
    "SELECT #1 FROM variants": "positional reference",
    "DESCRIBE variants": "Name the columns",
    "SHOW TABLES": "Name the columns",
    "SUMMARIZE variants": "Name the columns",
    "VALUES (1)": "Name the columns",
    "SELECT v FROM variants v": "is a table and no value",
    "SELECT variants FROM variants": "is a table and no value",
    "SELECT pos FROM variants NATURAL JOIN annotations": "natural join",
    "SELECT pos FROM variants TABLESAMPLE 10%": "a sample",
    "SELECT pos FROM variants AT (VERSION => 1)": "a version",
    "SELECT poss FROM variants": "Did you mean pos",
    "SELECT INFO_DQ FROM variants": "Did you mean INFO_DP",
    "SELECT pos FROM variants WHERE INFO/DP > 3": '"INFO/DP"',
    "SELECT gt FROM variants": "a column of genotypes",
    "SELECT gene FROM variants": "JOIN annotations USING",
    "SELECT v.pos FROM variants": 'no column \'v\'|"v" not found',
    "SELECT pos FROM variant": "the tables are|The tables are",
    "WITH variants AS (SELECT 1 AS pos) SELECT pos FROM variants": "Give the WITH another name",
    "SELECT CAST(ref AS int) FROM variants": "convert",
    "SELECT pos FROM variants GROUP BY chrom": "GROUP BY",
}  # fmt: skip


@pytest.fixture
def watched(cohort: ToolContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The cohort in an empty working folder, in which, as in the workspace, nothing may appear."""
    monkeypatch.chdir(tmp_path)
    before = sorted(cohort.workspace.rglob("*"))
    yield cohort
    assert sorted(cohort.workspace.rglob("*")) == before
    assert not list(tmp_path.iterdir())
    assert not list(Path("/tmp").glob("x.*"))


@pytest.mark.parametrize("sql", REFUSED, ids=lambda s: s[:60])
def test_is_refused(sql: str, watched: ToolContext, run: Any) -> None:
    with pytest.raises(ToolError, match=REFUSED[sql]) as raised:
        run(watched, "query_table", sql=sql)
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 500
    assert "root:" not in message


STOPPED = {
    "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t) SELECT x FROM t": "stopped after 1 s",
    "SELECT count(*) FROM variants a, variants b, variants c WHERE a.pos + b.pos + c.pos = 3": "stopped after 1 s",
    "SELECT a.pos FROM variants a, variants b, variants c ORDER BY a.pos * b.pos": "stopped|512 MB",
    "SELECT string_agg(a.ref || b.ref, '') FROM variants a, variants b, variants c": "stopped|512 MB",
    "SELECT list(a.pos) FROM variants a, variants b, variants c": "stopped|512 MB",
    "SELECT length(replace(replace(replace(replace('xxxxxxxxxx', 'x', '{0}'), 'x', '{0}'), 'x', '{0}'), 'x', '{0}'))"
    .format("x" * 1000): "SQL: ",
    "SELECT ref FROM " + "(SELECT ref || ref AS ref FROM " * 40 + "variants" + ")" * 40: "SQL: ",
    "SELECT string_agg(a.ref || b.ref, '') FROM variants a, variants b": "characters",
}  # fmt: skip


@pytest.mark.parametrize("sql", STOPPED, ids=lambda s: s[:60])
def test_what_asks_too_much_is_stopped_and_the_next_question_works(sql: str, watched: ToolContext, run: Any) -> None:
    start = time.monotonic()
    with pytest.raises(ToolError, match=STOPPED[sql]) as raised:
        run(watched, "query_table", sql=sql, seconds=1)
    assert time.monotonic() - start < 10
    assert "\n" not in str(raised.value)
    assert run(watched, "query_table", sql="SELECT count(DISTINCT record) FROM variants").value == 2000


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT content FROM read_text('/etc/passwd')",
        "SELECT a FROM '/etc/passwd' t(a)",
        "SELECT file FROM glob('/etc/*')",
        "COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'x.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '20GB'",
    ],
)
def test_the_engine_alone_reaches_no_file(sql: str, watched: ToolContext) -> None:
    child = _Child()
    try:
        child.ask(10, sql)
        assert "error" in child.ask(10, {"tables": [], "limit": 1})
    finally:
        child.close()


def test_genotypes_stay_local_also_in_errors(cohort: ToolContext, run: Any) -> None:
    shown = run(cohort, "query_table", sql="SELECT chrom, count(*) FROM variants GROUP BY chrom")
    assert not shown.private
    assert run(cohort, "query_table", sql="SELECT count(*) FROM genotypes").private
    hidden = "WITH v AS (SELECT record, dp FROM Genotypes) SELECT max(v.dp) FROM v"
    assert run(cohort, "query_table", sql=hidden).private
    with pytest.raises(ToolError) as raised:
        run(cohort, "query_table", sql="SELECT CAST('secret ' || sample || gt AS int) FROM genotypes")
    assert "secret" not in str(raised.value)


def test_rows_are_counted_to_the_last(cohort: ToolContext, run: Any) -> None:
    found = run(cohort, "query_table", sql="SELECT record, allele FROM variants", limit=7)
    table = found.tables[0]
    assert (len(found.value), len(table.rows), table.total, table.truncated) == (7, 7, 2002, True)
    assert "2,002 rows" in found.text
    assert any("first 7 of 2,002" in line for line in found.reading)
    assert run(cohort, "query_table", sql="SELECT pos FROM variants WHERE pos < 0").value == []
    twice = run(cohort, "query_table", sql="SELECT a.pos, b.pos FROM variants a JOIN variants b USING (record) LIMIT 1")
    assert twice.value[0][0] == twice.value[0][1]
    with pytest.raises(ToolError, match="limit"):
        run(cohort, "query_table", sql="SELECT 1", limit=1001)


def test_values_are_json(cohort: ToolContext, run: Any) -> None:
    sql = "SELECT NULL AS a, 1.5 AS b, 10::hugeint AS c, [1, NULL] AS d, 1 / 0 AS e, DATE '2020-01-01' AS f, true AS g"
    assert run(cohort, "query_table", sql=sql).value == [[None, 1.5, 10, [1, None], "inf", "2020-01-01", True]]
    sql = "SELECT struct_pack(q := 0.1::float, n := 'nan'::double) AS a, 12345678::float AS b, sum(pos) FROM variants"
    total = run(cohort, "query_table", sql="SELECT pos FROM variants", limit=1).tables[0].total
    assert run(cohort, "query_table", sql=sql).value[0][:2] == [{"q": 0.1, "n": "nan"}, 12345678.0]
    assert run(cohort, "query_table", sql="SELECT sum(1) FROM variants").value == total


def test_a_file_without_samples_or_annotation_says_so(tmp_path: Path, opened: Any, run: Any) -> None:
    context = opened(write_vcf(tmp_path / "sites.vcf", [record()]))
    with pytest.raises(ToolError, match="no samples"):
        run(context, "query_table", sql="SELECT count(*) FROM genotypes")
    with pytest.raises(ToolError, match="no gene annotation"):
        run(context, "query_table", sql="SELECT gene FROM annotations")


def test_the_engine_is_not_imported_here(cohort: ToolContext, run: Any) -> None:
    run(cohort, "query_table", sql="SELECT 1")
    assert "duckdb" not in sys.modules
