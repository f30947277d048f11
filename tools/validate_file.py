"""Whether a file can be read to its end: what the readers themselves can tell."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..memory.errors import InputError
from . import bcftools
from .context import ToolContext
from .filters import OnDataset
from .reading import first_unreadable_line
from .registry import Tool
from .result import Evidence, Json, Table, ToolResult
from .text import one_line
from .vcf_file import VcfFile, open_vcf


@dataclass(slots=True)
class Finding:
    """One problem. `line` is 1-based in the text of the file, null where it is not known."""

    code: str
    severity: str
    line: int | None
    field: str | None
    message: str
    fix: str | None


class ValidateFile(OnDataset):
    pass


def validate_path(path: Path, strict: bool = False) -> dict[str, Json]:
    """Read a file to its end and tell what stopped the readers; with `strict`, warnings make it invalid.

    Raises `InputError` only where there is no file to read.
    """
    try:
        vcf = open_vcf(path)
    except InputError as error:
        if not path.is_file():
            raise
        return _verdict(
            path,
            strict,
            None,
            0,
            [Finding("UNREADABLE", "error", None, None, error.what, error.way_out or None)],
        )
    findings = [_undeclared(f.kind, f.id) for f in vcf.header.fields if not f.declared]
    records, failure = _read_through(vcf)
    return _verdict(path, strict, vcf.header.version, records, findings + ([failure] if failure else []))


def _undeclared(kind: str, name: str) -> Finding:
    return Finding(
        "UNDECLARED_FIELD",
        "warning",
        None,
        f"{kind}/{name}",
        f"{kind}/{name} is used but not declared in the header",
        f'Add ##{kind}=<ID={name},Number=…,Type=…,Description="…">',
    )


def _read_through(vcf: VcfFile) -> tuple[int, Finding | None]:
    records = 0
    try:
        with bcftools.stream(["view", "-H", str(vcf.path)]) as output:
            while block := output.read(1 << 20):
                records += block.count(b"\n")
    except bcftools.BcftoolsError as error:
        where = first_unreadable_line(vcf) if vcf.container != "bcf" else ""
        line = int(where.split()[1]) if where else None
        message = f"{where}; bcftools says: {error}" if where else str(error)
        return records, Finding("UNREADABLE_RECORD", "error", line, None, one_line(message), "Mend or remove the line")
    return records, None


def _verdict(path: Path, strict: bool, version: str | None, records: int, findings: list[Finding]) -> dict[str, Json]:
    counts = {s: sum(f.severity == s for f in findings) for s in ("error", "warning")}
    return {
        "file": str(path),
        "valid": not (counts["error"] or (strict and counts["warning"])),
        "version": version,
        "records": records,
        "findings": [asdict(f) for f in findings],
        "counts": counts,
        "truncated": False,
    }


def validate_file(context: ToolContext, wanted: ValidateFile) -> ToolResult:
    """Whether the open file can be read to its end. The value is true or false."""
    data = context.dataset(wanted.dataset)
    verdict: dict[str, Any] = validate_path(data.dataset.path)
    rows = [[f["severity"], f["code"], f["line"], f["field"], f["message"], f["fix"]] for f in verdict["findings"]]
    number = len(rows)
    text = (
        f"{data.name} can be read to its end ({verdict['records']:,} records)"
        if verdict["valid"]
        else f"{data.name} cannot be read to its end"
    )
    text += f"; {number} finding{'s' * (number != 1)}: " + "; ".join(r[4] for r in rows[:5]) + "." if rows else "."
    evidence = Evidence(
        str(data.dataset.path),
        data.dataset.sha256,
        "validate_file",
        {},
        note="read by bcftools from end to end; the rules of the specification are not all checked",
    )
    return ToolResult(
        text,
        verdict["valid"],
        None,
        ["valid here means: the readers take every record of it"],
        [Table("findings", ["severity", "code", "line", "field", "message", "fix"], rows, number)],
        [evidence],
    )


TOOL = Tool(
    "validate_file",
    "Whether the file can be read to its end by the C readers, and which fields are used without a declaration.",
    ValidateFile,
    validate_file,
)
