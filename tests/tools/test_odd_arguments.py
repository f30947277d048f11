"""Whatever a tool is given, on whatever file, it answers or says what is wrong: no other exception comes out."""

from pathlib import Path

import pytest
from make_vcf import record, write_vcf
from vcf_agent.memory.errors import VcfAgentError
from vcf_agent.tools.registry import tool, tools

ODD = [
    "", "nothing", "chr7:5-1", "chr7:0", "chr99:1-2", "chr7:99999999999999999999", "INFO/none", "../x", "DEV", "it's",
    "\0", -1, 0, 1, 2**40, 0.5, 1e300, None, True, [], [""], ["nothing"], ["DEV"], ["DEV", "DEV"], ["chr7:5-1"],
    ["../x"], {}, {"a": []},
    {"a": ["DEV"], "b": ["DEV"]}, [{"op": "sort"}], [{"field": "QUAL", "op": ">", "value": "x"}], [{"genotype": "het"}],
    [{"filters": ["nothing"]}], [{"op": ">", "value": -5}],
]  # fmt: skip
SLOW = {
    "query_table",
    "query_graph",
    "find_similar",
    "explore_graph",
    "check_stores",
    "explain_finding",
    "validate_file",
}
"""Those that take free text or look at whole files have tests of their own."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, example: Path) -> dict[str, Path]:
    """The example, sites alone, genotypes without GT, one sample without INFO, symbolic alleles."""
    folder = tmp_path_factory.mktemp("odd")
    sites = [record(10 * i, "A", "C,<DEL>" if i % 2 else "*", info="DP=5") for i in range(1, 6)]
    one = [record(10 * i, "A", "C", samples=[gt]) for i, gt in enumerate(["0/1", "./.", "1", ".", "0|1|1"], 1)]
    return {
        "cohort": example,
        "sites": write_vcf(folder / "sites.vcf", sites),
        "one": write_vcf(folder / "one.vcf", one, ["DEV"]),
    }


@pytest.mark.parametrize("name", sorted(set(tools()) - SLOW))
@pytest.mark.parametrize("file", ["cohort", "sites", "one"])
def test_odd_values(library, run, files, name, file):
    context, each = library(files[file]), tool(name)
    base = each.example if name in ("inheritance", "genotypes_at", "draw", "why_dropped", "acmg_worksheet") else {}
    for argument in each.arguments.model_fields:
        for value in ODD:
            try:
                result = run(context, name, prove=False, **{**base, argument: value})
            except VcfAgentError as told:
                assert told.what, (argument, value)
                assert "Traceback" not in str(told)
            except Exception as broken:
                raise AssertionError(f"{name}({argument}={value!r}) on {file}: {broken!r}") from broken
            else:
                assert result.text, (argument, value)
                assert "nan" not in result.text.lower().split(), result.text
