"""The reference of the tools is made from them, and every example in it runs."""

import runpy
from pathlib import Path

import pytest
from vcf_agent.tools.registry import Tool, tools

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    return str(runpy.run_path(str(ROOT / "docs" / "make_tools.py"))["page"]())


def test_the_page_is_what_the_tools_say(page):
    assert (ROOT / "docs" / "tools.md").read_text(encoding="utf-8") == page, "run `make docs`"


def test_no_example_has_a_number_that_its_command_does_not_give(page):
    assert "NOT the same" not in page
    assert page.count("\n    verified\n") > 20


@pytest.mark.parametrize("each", tools().values(), ids=lambda t: t.name)
def test_every_tool_has_an_example_and_one_line(each: Tool):
    assert each.arguments.model_validate(each.example)
    assert "\n" not in each.summary
    assert len(each.summary) < 170
