"""A pipeline as a person would type it, and the line of the header that tells of it."""

import shlex
from importlib import metadata

from ..dataset import OpenDataset
from ..text import one_line
from .exports import Format
from .pipeline import Source, Step

BEFORE = "before.bcf"
"""Where a command keeps records that it reads side by side with another file."""
LETTER = {"vcf.gz": "z", "vcf": "v", "bcf": "b"}


def unprovable(steps: list[Step], source: Source) -> str:
    """Why there is no bcftools command for these steps; empty where there is one."""
    if source.declarations:
        return f"the header lacks {source.declarations[0]}, which was added first"
    return next(
        (s.unprovable or "it has no such command" for s in steps if s.unprovable or (s.own and not s.equal)), ""
    )


def shell(steps: list[Step], path: str, target: str, form: Format) -> str:
    """The commands in one line for bash, from the file at `path` to `target`."""
    table = form not in LETTER
    closing = "" if table else f" -O{LETTER[form]} -o {shlex.quote(target)}"
    steps = steps or [Step(["view"])]
    if not table and (steps[-1].own or steps[-1].arguments[0] == "reheader"):
        steps = [*steps, Step(["view"])]
    line = ""
    for number, step in enumerate(steps):
        text = step.shown or step.equal or f"bcftools {shlex.join(step.arguments)}"
        text += closing if number == len(steps) - 1 else ""
        if number and step.inputs:  # which reads no pipe
            line += f" | bcftools view -Ob --write-index -o {BEFORE} && {text} {BEFORE}"
        elif number:
            line += f" | {text}"
        else:
            line = text if step.together else f"{text} {shlex.quote(path)}"
    return line + (f" > {shlex.quote(target)}" if form in ("tsv", "bed") else "")


def header_line(data: OpenDataset, command: str) -> str:
    """`##vcf_agent=...`: the program, the file that the records come from, and the command."""
    made = f"make_file of vcf-agent {metadata.version('vcf-agent')}"
    return one_line(
        f"##vcf_agent={made} from {data.dataset.path.name} (SHA-256 {data.dataset.sha256}): {command}", 4000
    )
