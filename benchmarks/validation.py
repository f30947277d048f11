"""The validator on large files, against `bcftools view` of the same file in the same run.

The validator is timed as a user meets it, a process with its imports; the bundled bcftools from inside its process,
without its imports, writing to nowhere. Neither file is compressed.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from data_engine import MAIN, generated, watched

ROUNDS = 5
VIEW = """
import sys, time
import pysam.bcftools
begin = time.perf_counter()
pysam.bcftools.view("-Ou", "-o", "/dev/null", sys.argv[1], catch_stdout=False)
print(time.perf_counter() - begin)
"""


def measure() -> dict[str, Any]:
    """Raw numbers, and the figures made of them under `figures`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = {
            "million": times(generated(folder, 1_000_000, 3)),
            "wide": times(generated(folder, 20_000, 500)),
            "long_line": times(one_long_line(folder), 1, view=False),
            "every_line_broken": times(broken(folder, 100_000), 1),
        }
    return raw | {"figures": figures(raw)}


def one_long_line(folder: Path) -> Path:
    """One record of a million samples, 32 MB long."""
    path = folder / "long.vcf"
    samples = 1_000_000
    names = "\t".join(f"S{i}" for i in range(samples))
    head = '##fileformat=VCFv4.3\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
    cells = "\t".join(["0/1:12,13:25:99:123,0,456"] * samples)
    columns = f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}\n"
    path.write_text(f"{head}{columns}1\t100\t.\tA\tC\t.\tPASS\t.\tGT:AD:DP:GQ:PL\t{cells}\n")
    return path


def broken(folder: Path, records: int) -> Path:
    """A file whose every record has a value that is not of its type."""
    path = generated(folder, records, 3)
    worse = folder / "broken.vcf"
    worse.write_text(path.read_text().replace(";DP=", ";DP=x"))
    return worse


def times(path: Path, rounds: int = ROUNDS, view: bool = True) -> dict[str, Any]:
    """Yardstick and validation in turn."""
    found: dict[str, Any] = {"bytes": path.stat().st_size, "view_s": [], "validate_wall_s": [], "peak_rss_bytes": []}
    command = [sys.executable, "-c", MAIN, "validate", "--json", str(path)]
    for _ in range(rounds):
        if view:
            told = subprocess.run([sys.executable, "-c", VIEW, str(path)], check=True, capture_output=True, text=True)
            found["view_s"].append(round(float(told.stdout), 3))
        wall, peak = watched(command, allowed=(0, 1))
        found["validate_wall_s"].append(round(wall, 3))
        found["peak_rss_bytes"].append(peak)
    path.unlink()
    return found


def figures(raw: dict[str, Any]) -> list[dict[str, Any]]:
    def ratio(name: str) -> float:
        pairs = zip(raw[name]["validate_wall_s"], raw[name]["view_s"], strict=True)
        return round(statistics.median(validate / view for validate, view in pairs), 2)

    peak = max(max(entry["peak_rss_bytes"]) for entry in raw.values()) / 1e6
    rows = [
        ("validate 1,000,000 x 3, x bcftools view -Ou", ratio("million"), 4),
        ("validate 20,000 x 500, x bcftools view -Ou", ratio("wide"), 10),
        ("peak memory of all validations, MB", round(peak), 300),
        ("validate 100,000 records, every one broken, x bcftools view -Ou", ratio("every_line_broken"), "-"),
    ]
    return [{"figure": figure, "reached": reached, "limit": limit} for figure, reached, limit in rows]
