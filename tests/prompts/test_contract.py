"""Prompts are contracts: exactly their variables, or an error."""

import re
from importlib.resources import files

import pytest
import yaml
from vcf_agent.prompts.contract import PromptError, load_prompt, parse_prompt

SHIPPED = sorted(
    file.name.removesuffix(".yaml") for file in files("vcf_agent.prompts").iterdir() if file.name.endswith(".yaml")
)
GOOD = {"version": 1, "purpose": "p", "variables": {"name": "a name"}, "text": "Hello $name, $$5"}


def contract(**changes: object) -> str:
    return yaml.safe_dump({k: v for k, v in (GOOD | changes).items() if v is not ...})


def test_there_are_prompts() -> None:
    assert set(SHIPPED) >= {"answer_question", "ground_numbers"}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_prompt_loads_and_renders(name: str) -> None:
    prompt = load_prompt(name)
    assert prompt.version >= 1
    assert prompt.purpose
    assert all(prompt.variables.values())
    values = {variable: f"<<{variable}: $x ${{y}} \\1 {{z}}>>" for variable in prompt.variables}
    text = prompt.render(**values)
    assert all(value in text for value in values.values())
    for value in values.values():
        text = text.replace(value, "")
    assert re.findall(r"\$\w+|\$\{", text) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_prompt_is_strict(name: str) -> None:
    prompt = load_prompt(name)
    values = dict.fromkeys(prompt.variables, "x")
    for variable in prompt.variables:
        with pytest.raises(PromptError, match=variable):
            prompt.render(**{k: v for k, v in values.items() if k != variable})
    with pytest.raises(PromptError, match="more"):
        prompt.render(**values, more="x")


def test_rendered() -> None:
    assert parse_prompt(contract(), "p").render(name="$name") == "Hello $name, $5"


@pytest.mark.parametrize("given", [{}, {"nam": "x"}, {"name": "x", "other": "y"}], ids=str)
def test_a_missing_or_unknown_variable(given: dict[str, str]) -> None:
    with pytest.raises(PromptError, match=r"prompt p v1: missing or unknown variable"):
        parse_prompt(contract(), "p").render(**given)


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "Hello"},
        {"text": "Hello $name and $other"},
        {"text": "Hello $nam"},
        {"text": "Hello $name, 5 $"},
        {"variables": {}},
        {"variables": {"name": "a", "other": "b"}},
        {"variables": None},
        {"more": 1},
        *({key: ...} for key in GOOD),
    ],
    ids=str,
)
def test_a_contract_that_is_not_well_formed(changes: dict[str, object]) -> None:
    with pytest.raises(PromptError, match="prompt p"):
        parse_prompt(contract(**changes), "p")


@pytest.mark.parametrize(
    "text",
    ["", "just words", "- a\n- b", "a: [", "\tversion: 1"],
    ids=repr,
)
def test_what_is_no_contract(text: str) -> None:
    with pytest.raises(PromptError):
        parse_prompt(text, "p")


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "one"},
        {"version": None},
        {"version": 1.5},
        {"purpose": ""},
        {"text": 5},
        {"text": None, "variables": {}},
        {"variables": ["name"]},
        {"variables": "name"},
    ],
    ids=str,
)
def test_parts_of_the_wrong_kind(changes: dict[str, object]) -> None:
    with pytest.raises(PromptError):
        parse_prompt(contract(**changes), "p")


@pytest.mark.parametrize("name", ["nothing", "answer_question.yaml", "", "/etc/passwd", "contract"])
def test_a_prompt_that_is_not_there(name: str) -> None:
    with pytest.raises(PromptError, match="there is no prompt"):
        load_prompt(name)
