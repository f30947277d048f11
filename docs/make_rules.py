"""Writes rules.md from the table of rules: `make docs`."""

from pathlib import Path

from vcf_agent.tools.validation.explanations import GROUPS, section_in_words, severity_in_words
from vcf_agent.tools.validation.rules import Rule, rules

HEAD = """\
# The rules of the validator

Made from `tools/validation/rules.toml` by `make docs`; correct the table, not this page. What the validator does with
them: [validation.md](validation.md).
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for group, title in GROUPS.items():
        told = [rule for rule in rules().values() if rule.group == group]
        links = ", ".join(f"[{rule.code}](#{rule.code.lower()})" for rule in told)
        parts += [f"## {title}\n", f"{links}\n", *map(_entry, told)]
    return "\n".join(parts)


def _entry(rule: Rule) -> str:
    lines = [f"### {rule.code}\n", f"{severity_in_words(rule).capitalize()}. {_plain(rule.demands)}\n"]
    lines += [f"- Why: {_plain(rule.why)}"] if rule.why else []
    lines += [f"- Fix: {_plain(rule.fix)}", f"- From: {_plain(section_in_words(rule))}"]
    lines += ["- `validate --fix` mends it."] if rule.repaired else []
    lines += ["- It keeps a file from being indexed."] if rule.indexing else []
    lines += ["- Other words for it: " + "; ".join(f"`{phrase}`" for phrase in rule.says)] if rule.says else []
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text in which Markdown reads no marks."""
    for mark in "\\`*_<[":
        text = text.replace(mark, f"\\{mark}")
    return text


if __name__ == "__main__":
    Path(__file__).with_name("rules.md").write_text(page(), encoding="utf-8")
