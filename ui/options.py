"""What the commands share: exit codes and options."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..tools.text import one_line

EXIT_NO, EXIT_INPUT, EXIT_BROKEN, EXIT_INTERRUPTED = 1, 2, 3, 130

Option = Callable[[Callable[..., Any]], Callable[..., Any]]
FILE = click.Path(path_type=Path)

as_json: Option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def complain(text: str) -> None:
    """One line on stderr."""
    click.echo(f"vcf-agent: {one_line(text, 1000)}", err=True)
