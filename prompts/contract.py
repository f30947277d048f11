"""Prompts as contracts: a text with a version, and the variables that it must be given, no more and no fewer."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template

import yaml


class PromptError(ValueError):
    """A contract that is not well-formed, or was not given exactly its variables."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One contract. `variables` maps each `$name` of the text to what it is to hold."""

    name: str
    version: int
    purpose: str
    variables: dict[str, str]
    text: str

    def render(self, **values: str) -> str:
        """The text with its variables filled in. Raises `PromptError` for a missing or an unknown one."""
        if wrong := sorted(self.variables.keys() ^ values.keys()):
            raise PromptError(f"prompt {self.name} v{self.version}: missing or unknown variable {', '.join(wrong)}")
        return Template(self.text).substitute(values)


@cache
def load_prompt(name: str) -> Prompt:
    """The contract of that name. Raises `PromptError` where it is not there or is not well-formed."""
    file = files(__package__).joinpath(f"{name}.yaml")
    if not file.is_file():
        raise PromptError(f"there is no prompt {name!r}")
    return parse_prompt(file.read_text(encoding="utf-8"), name)


def parse_prompt(text: str, name: str) -> Prompt:
    """A contract from its YAML."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PromptError(f"prompt {name}: it is not YAML") from error
    if not isinstance(content, dict) or content.keys() != {"version", "purpose", "variables", "text"}:
        raise PromptError(f"prompt {name}: it must have version, purpose, variables and text, and nothing else")
    variables = {} if content["variables"] is None else content["variables"]
    kinds = {"version": int, "purpose": str, "text": str}
    wrong = [key for key, kind in kinds.items() if type(content[key]) is not kind or not content[key]]
    if wrong or not isinstance(variables, dict) or not all(isinstance(v, str) and v for v in variables.values()):
        raise PromptError(f"prompt {name}: {', '.join(wrong) or 'variables'} is empty or of the wrong kind")
    template = Template(content["text"])
    if not template.is_valid() or set(template.get_identifiers()) != set(variables):
        raise PromptError(f"prompt {name}: the variables it declares are not those that it uses")
    return Prompt(name, content["version"], content["purpose"], variables, content["text"])
