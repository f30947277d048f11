"""Tables that are too long to show come whole as a file, with the total told."""

import csv
from pathlib import Path

import pytest
from make_vcf import record, write_vcf
from reference import bcftools, lines, rows


def read(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as text:
        return list(csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_a_long_list_is_a_file(opened, run, example):
    result = run(opened(example), "list_variants")
    expected = rows(bcftools(r"query -f '%CHROM:%POS:%REF:%ALT\t%ID\t%FILTER\n'", example))
    assert (result.tables[0].total, result.tables[0].truncated, len(result.tables[0].rows)) == (len(expected), True, 20)
    [file] = result.files
    found = read(file)
    assert [[r["variant"], r["id"] or ".", r["filter"]] for r in found] == expected
    assert [r["gene"] for r in found[:20]] == [row[4] or "" for row in result.tables[0].rows]
    assert f"all {len(expected):,} rows" in result.reading[-1]
    assert result.evidence[0].verified is True


def test_the_same_rows_are_one_file_and_others_another(opened, run, example):
    context = opened(example)
    first = run(context, "list_variants").files
    assert run(context, "list_variants").files == first
    assert run(context, "list_variants", filters=["PASS"]).files != first
    assert len(list((context.workspace / "exports" / "tables").iterdir())) == 2


def test_a_limit_that_was_asked_for_makes_no_file(opened, run, example):
    context = opened(example)
    assert run(context, "list_variants", limit=3).files == []
    assert not (context.workspace / "exports").exists()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("missingness", {"by": "site"}),
        ("distinct_values", {"field": "ID"}),
        ("query_table", {"sql": "SELECT chrom, pos, alts FROM variants"}),
        ("inheritance", {"mode": "mendelian_errors", "child": "DEV", "father": "OTTO", "mother": "INES"}),
    ],
)
def test_every_tool_that_cuts(opened, run, example, name, arguments):
    context = opened(example)
    result = run(context, name, **arguments)
    cut = [t for t in result.tables if t.truncated]
    assert len(result.files) == len(cut) > 0
    for table, file in zip(cut, result.files, strict=True):
        found = read(file)
        assert len(found) == table.total > len(table.rows)
        assert list(found[0]) == table.columns
        shown = [["" if v is None else str(v) for v in row] for row in table.rows]
        assert [list(r.values()) for r in found[: len(shown)]] == shown
    assert "whole" not in result.to_json()


def test_more_records_than_the_value_holds(opened, run, tmp_path):
    written = [record(10 + i, "A", "C,G" if i % 1000 == 0 else "C") for i in range(10_500)]
    path = write_vcf(tmp_path / "many.vcf", written)
    result = run(opened(path), "list_variants")
    expected = lines(bcftools(r"query -f '%CHROM:%POS:%REF:%ALT\n'", path))
    assert result.value == expected[:10_000]
    assert result.evidence[0].verified is True
    assert [r["variant"] for r in read(result.files[0])] == expected
