"""The command line. Everything heavy is imported by the command that needs it."""

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from ..memory.errors import InputError, ModelError, VcfAgentError
from ..tools.text import one_line
from .analyze_command import analyze
from .options import EXIT_BROKEN, EXIT_INPUT, EXIT_INTERRUPTED, EXIT_NO, FILE, Option, as_json, complain
from .validate_command import validate

workspace: Option = click.option("--workspace", metavar="FOLDER", help="Folder of the ingested data.")
model: Option = click.option("--model", "models", multiple=True, metavar="NAME",
                             help="provider/model, or offline; several are tried in order.")  # fmt: skip
session: Option = click.option("--session", metavar="ID", help="Go on with an earlier conversation.")
dataset: Option = click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="An ingested file by name.")

ped_file: Option = click.option("--ped", type=FILE, help="PED file: parents, sex and who is affected.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vcf-agent")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Ask VCF files questions in plain words. Every number comes with the bcftools command that proves it."""


@cli.command()
@click.argument("question")
@click.argument("files", nargs=-1, type=FILE)
@dataset
@model
@session
@ped_file
@click.option("--bed", type=FILE, help="Regions that a question may speak of: my targets, the blacklist.")
@click.option("--reference", type=FILE, help="Reference FASTA, for left-aligning and consensus.")
@workspace
@as_json
def ask(question: str, files: tuple[Path, ...], datasets: tuple[str, ...], models: tuple[str, ...],
        session: str | None, ped: Path | None, bed: Path | None, reference: Path | None, workspace: str | None,
        as_json: bool) -> int:  # fmt: skip
    """Answer one QUESTION about FILES, which are ingested on first use."""
    from .terminal import slow_work

    try:
        with _agent(files, datasets, models, session, workspace, ped, reference, bed) as agent, slow_work("asking"):
            answer = agent.ask(question)
    except InputError as error:
        answer = _answer_unopened(question, files, error)
    return _show(answer, as_json)


def _answer_unopened(question: str, files: tuple[Path, ...], error: InputError) -> Any:
    """Whether a file is valid can be told of one that cannot be ingested; anything else is the error that it was."""
    from ..agent.unopened import answer_unopened

    answer = answer_unopened(question, files, error.what) if files else None
    if answer is None:
        raise error
    return answer


def _agent(files: tuple[Path, ...], datasets: tuple[str, ...], models: tuple[str, ...], session: str | None,
           workspace: str | None, ped: Path | None = None, reference: Path | None = None,
           bed: Path | None = None) -> Any:  # fmt: skip
    from ..agent.session import VariantAgent
    from .terminal import ingest_progress

    with ingest_progress() as progress:
        return VariantAgent(*files, datasets=datasets, model=list(models) or None, session=session,
                            workspace=workspace, pedigree=ped, reference=reference, bed=bed,
                            on_progress=progress)  # fmt: skip


def _show(answer: Any, as_json: bool) -> int:
    from .terminal import print_answer, print_json

    if as_json:
        print_json(answer.to_json())
    if answer.kind == "error":
        complain(answer.text)
        return EXIT_INPUT
    if not as_json:
        print_answer(answer)
    return 0


@cli.command()
@click.argument("files", nargs=-1, type=FILE)
@dataset
@model
@session
@workspace
def chat(files: tuple[Path, ...], datasets: tuple[str, ...], models: tuple[str, ...], session: str | None,
         workspace: str | None) -> int:  # fmt: skip
    """Talk about FILES in the terminal. An empty line or Ctrl-D ends it."""
    with _agent(files, datasets, models, session, workspace) as agent:
        click.echo(
            f"{', '.join(d.name for d in agent.context.datasets) or 'No file is open'}. Ask; an empty line ends."
        )
        while question := _prompt():
            _show(agent.ask(question), as_json=False)
        click.echo(f"Go on later with: vcf-agent chat --session {agent.session}")
    return 0


def _prompt() -> str:
    try:
        return input("> ").strip()
    except EOFError:
        return ""


@cli.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--again", is_flag=True, help="Read a file again that is in the workspace already.")
@click.option("--workers", type=click.IntRange(1, 1000), help="Read by region, so many at once, on Ray (extra ray).")
@click.option("--tables", metavar="URI", help="Keep the tables on an object store: s3://bucket/folder.")
@ped_file
@workspace
@as_json
def ingest(files: tuple[Path, ...], again: bool, workers: int | None, tables: str | None, ped: Path | None,
           workspace: str | None, as_json: bool) -> int:  # fmt: skip
    """Read FILES into the workspace, so that questions are answered at once."""
    from ..agent.embedder import embedder_of
    from ..agent.settings import load_settings
    from ..tools.ingest import ingest as read
    from ..tools.pedigree import read_pedigree
    from .terminal import ingest_progress, print_json

    settings = load_settings(workspace, tables=tables)
    folder, embedder = settings.workspace, embedder_of(settings)
    pedigree = read_pedigree(ped) if ped else None
    found = []
    for file in files:
        with ingest_progress() as progress:
            name = file.name
            tell = (lambda records, name=name, show=progress: show(name, records)) if progress else None
            found.append(read(file, folder, tell, again, embedder, pedigree, settings.tables, workers))
        if not as_json:
            click.echo(f"{found[-1].name}: {found[-1].summary['records']:,} records, {len(found[-1].samples)} samples")
    if as_json:
        print_json([_dataset_row(d) for d in found])
    return 0


@cli.command()
@click.option("--remove", metavar="NAME", help="Take a file out of the workspace; the file itself is not touched.")
@click.option("--yes", is_flag=True, help="Do not ask before removing.")
@click.option("--same-person", nargs=2, metavar="FILE/SAMPLE FILE/SAMPLE", help="Say that two samples are one person.")
@workspace
@as_json
def datasets(
    remove: str | None, yes: bool, same_person: tuple[str, str] | None, workspace: str | None, as_json: bool
) -> int:
    """List the files in the workspace."""
    from ..agent.settings import load_settings
    from ..memory.catalog import Catalog
    from ..tools.result import Table
    from .terminal import print_json, print_table

    if remove is not None:
        return _remove(load_settings(workspace).workspace, remove, yes)
    if same_person:
        from ..tools.whole_datasets import say_same_person

        say_same_person(load_settings(workspace).workspace, *same_person)
        click.echo(one_line(f"{same_person[0]} and {same_person[1]} count as one person now."))
        return 0
    rows = [_dataset_row(d) for d in Catalog(load_settings(workspace).workspace).datasets()]
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo("The workspace holds no file. Read one with: vcf-agent ingest FILE")
    else:
        columns = ["name", "records", "samples", "build", "ingested_at", "sha256", "path"]
        table = [[row[c][:12] if c == "sha256" else row[c] for c in columns] for row in rows]
        print_table(Table("datasets", columns, table, len(rows)), limit=len(rows))
    return 0


def _remove(folder: Path, name: str, yes: bool) -> int:
    from ..tools.whole_datasets import find_dataset, remove_dataset

    found = find_dataset(folder, name)
    what = one_line(f"{found.name} ({found.summary['records']:,} records, read from {found.path})")
    if not yes and not click.confirm(f"Remove {what} from the workspace?"):
        return EXIT_NO
    remove_dataset(folder, found.sha256)
    click.echo(f"Removed {what}. The file itself is as it was.")
    return 0


def _dataset_row(found: Any) -> dict[str, Any]:
    return {"name": found.name, "records": found.summary["records"], "samples": len(found.samples),
            "build": found.summary["build"], "ingested_at": found.ingested_at[:19], "sha256": found.sha256,
            "path": str(found.path)}  # fmt: skip


cli.add_command(validate)
cli.add_command(analyze)


@cli.command()
@click.argument("name", required=False)
@as_json
def tools(name: str | None, as_json: bool) -> int:
    """List the tools, or show the arguments of one."""
    from ..tools.registry import tool as named
    from ..tools.registry import tools as every
    from .terminal import print_json

    if name:
        print_json(named(name).schema()["function"])
    elif as_json:
        print_json([t.schema()["function"] for t in every().values()])
    else:
        for each in every().values():
            click.echo(f"{each.name:22}{each.summary}")
    return 0


@cli.command()
@click.argument("name")
@click.argument("files", nargs=-1, type=FILE)
@click.option("--args", "arguments", default="{}", metavar="JSON", help="The tool's arguments.")
@dataset
@ped_file
@click.option("--reference", type=FILE, help="Reference FASTA, for left-aligning.")
@workspace
@as_json
def tool(name: str, files: tuple[Path, ...], arguments: str, datasets: tuple[str, ...], ped: Path | None,
         reference: Path | None, workspace: str | None, as_json: bool) -> int:  # fmt: skip
    """Run one tool on FILES without any model."""
    from ..tools.registry import tool as named
    from .terminal import print_json, slow_work

    chosen = named(name)
    with _agent(files, datasets, ("offline",), None, workspace, ped, reference) as agent, slow_work(chosen.name):
        result = chosen.call(agent.context, _arguments(arguments))
    if as_json:
        print_json(result.to_json())
        return 0
    from ..agent.answer import results_as_answer

    return _show(results_as_answer([result], result.text, []), as_json)


def _arguments(text: str) -> dict[str, Any]:
    import json

    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"--args is not JSON: {error}", 'Write it like \'{"filters": ["PASS"]}\'') from error
    if not isinstance(found, dict):
        raise InputError("--args is not a JSON object", 'Write it like \'{"filters": ["PASS"]}\'')
    return found


@cli.command()
@click.option("--deep", is_flag=True, help="Also compare every dataset's file, table and graph; takes a while.")
@click.option("--rebuild-graph", is_flag=True, help="First make the graph again from the tables.")
@workspace
@as_json
def doctor(deep: bool, rebuild_graph: bool, workspace: str | None, as_json: bool) -> int:
    """Check that everything the program needs is there and works."""
    from .doctor import checks, stores
    from .terminal import print_json

    if rebuild_graph:
        from ..agent.settings import load_settings
        from ..tools.whole_datasets import rebuild_graph as rebuild

        rebuild(load_settings(workspace).workspace)
    found = checks(workspace) + (stores(workspace) if deep else [])
    if as_json:
        print_json([{"check": c.name, "ok": c.ok, "found": c.found} for c in found])
    else:
        for check in found:
            click.echo(one_line(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.found}"))
    return 0 if all(c.ok for c in found) else EXIT_NO


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: 0 done, 1 the answer is no, 2 wrong usage or bad input, 3 something broke."""
    given = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ or … gets a question mark, not an error
    code = _run(given, debug="--debug" in given)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go_of_stdout()
    sys.exit(code)


def _run(arguments: list[str], debug: bool) -> int:
    try:
        return int(cli.main(arguments, prog_name="vcf-agent", standalone_mode=False) or 0)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _let_go_of_stdout()
        return 0
    except SystemExit:  # what click makes of a reader that has gone
        _let_go_of_stdout()
        return 0
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.format_message(), err=True)
        return EXIT_INPUT
    except click.ClickException as error:
        complain(f"{error.format_message()} See vcf-agent --help.")
        return EXIT_INPUT
    except Exception as error:
        if debug:
            raise
        return _failed(error)


def _let_go_of_stdout() -> None:
    """The reader has gone (as `head` does): nothing more is to be said, not even by Python at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: Exception) -> int:
    if isinstance(error, VcfAgentError):
        complain(str(error))
        return EXIT_BROKEN if isinstance(error, ModelError) else EXIT_INPUT
    complain(f"something broke ({type(error).__name__}: {error}). Run again as vcf-agent --debug … and report it")
    return EXIT_BROKEN


if __name__ == "__main__":
    main()
