"""The ingest of large files, what it costs in memory and on disk, and how long a look-up then takes.

The yardstick is the bundled `bcftools query` of the same fields, run in turn with the ingest.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from questions import wall as timed

GENERATOR = Path(__file__).resolve().parents[2] / "shared" / "bench" / "gen_vcf.py"
ROUNDS, LOOKUPS = 3, 60
MAIN = "from vcf_agent.ui.cli import main; main()"


def measure() -> dict[str, Any]:
    """Raw numbers, and the figures made of them under `figures`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        million, wide, large = (made(folder, n, s) for n, s in ((1_000_000, 3), (20_000, 500), (5_000_000, 3)))
        raw = {
            "million": ingests(million, folder / "million", ROUNDS),
            "wide": ingests(wide, folder / "wide", ROUNDS),
            "five_million": ingests(large, folder / "large", 1),
            "cyvcf2_wall_s": timed(lambda: cyvcf2(million), 1),
            "lookups_ms": lookups(folder / "million"),
            "duckdb_five_conditions_ms": duckdb_count(folder / "million"),
        }
    return raw | {"figures": figures(raw)}


def generated(folder: Path, records: int, samples: int) -> Path:
    """A generated file of that size, as text."""
    path = folder / f"{records}x{samples}.vcf"
    if GENERATOR.exists():
        subprocess.run([sys.executable, str(GENERATOR), str(records), str(samples), str(path)], check=True)
    else:
        from make_vcf import write

        write(path, records, samples)
    return path


def made(folder: Path, records: int, samples: int) -> Path:
    """The same in BGZF, with an index."""
    import pysam

    path = generated(folder, records, samples)
    packed = path.with_suffix(".vcf.gz")
    pysam.tabix_compress(str(path), str(packed))
    path.unlink()
    pysam.tabix_index(str(packed), preset="vcf", csi=True)
    return packed


def ingests(path: Path, workspace: Path, rounds: int) -> dict[str, Any]:
    """Yardstick and ingest in turn; the workspace of the last ingest stays."""
    found: dict[str, Any] = {"vcf_gz_bytes": path.stat().st_size, "bcftools_query_wall_s": [], "ingest_wall_s": [],
                             "peak_rss_bytes": []}  # fmt: skip
    arguments = yardstick(path)
    for _ in range(rounds):
        found["bcftools_query_wall_s"] += timed(lambda: stream_away(arguments), 1)
        shutil.rmtree(workspace, ignore_errors=True)
        wall, peak = watched([sys.executable, "-c", MAIN, "ingest", str(path), "--workspace", str(workspace)])
        found["ingest_wall_s"].append(round(wall, 3))
        found["peak_rss_bytes"].append(peak)
    found["disk_bytes"] = sum(f.stat().st_size for f in workspace.rglob("*") if f.is_file())
    return found


def yardstick(path: Path) -> list[str]:
    from vcf_agent.tools.annotation import annotation_format
    from vcf_agent.tools.columns import make_plan
    from vcf_agent.tools.vcf_file import open_vcf

    header = open_vcf(path).header
    return ["query", "-f", make_plan(header, annotation_format(header)).query(), str(path)]


def stream_away(arguments: list[str]) -> None:
    """Read a command's output to its end."""
    from vcf_agent.tools import bcftools

    with bcftools.stream(arguments) as output:
        while output.read(1 << 20):
            pass


def watched(command: list[str], allowed: tuple[int, ...] = (0,)) -> tuple[float, int]:
    """Wall seconds of a command, and the most memory that it and all below it held at one moment."""
    peak, done = 0, threading.Event()
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, sum(resident(pid) for pid in tree(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    wall = time.perf_counter() - start
    done.set()
    watcher.join()
    if code not in allowed:
        raise SystemExit(f"{command} ended with {code}")
    return wall, peak


def tree(pid: int) -> list[int]:
    """A process and all below it, from Linux's /proc; elsewhere none, and the peak is 0."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
        except OSError:
            continue
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue += parents.get(found[-1], [])
    return found


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def cyvcf2(path: Path) -> int:
    """The same fields by cyvcf2, one tuple a record."""
    from cyvcf2 import VCF

    number = 0
    for v in VCF(str(path), gts012=True):
        row = (v.CHROM, v.POS, v.ID, v.REF, v.ALT, v.QUAL, v.FILTER, v.INFO.get("AC"), v.INFO.get("AF"),
               v.INFO.get("CSQ"), v.gt_types, v.gt_depths, v.gt_quals, v.gt_alt_depths)  # fmt: skip
        number += len(row) > 0
    return number


def lookups(workspace: Path) -> dict[str, list[float]]:
    """Milliseconds of tool calls on the ingested file, without the proof by bcftools; each time another question."""
    from vcf_agent.memory.catalog import Catalog
    from vcf_agent.tools.context import ToolContext
    from vcf_agent.tools.dataset import OpenDataset
    from vcf_agent.tools.registry import tool

    data = OpenDataset(Catalog(workspace).datasets()[0], workspace)
    context = ToolContext(workspace, [data], verify_seconds=0)
    contig, (a, b, c) = data.contigs[0], data.samples[:3]
    rows = data.table.columns(["pos", "id", "ref", "alt", "ac"], "ac > 0")
    genes = data.genes

    def at(i: int) -> dict[str, Any]:
        return {n: rows[n][(i * 3571) % len(rows)].as_py() for n in rows.column_names}

    def five(i: int) -> dict[str, Any]:
        return {
            "types": ["snp"],
            "filters": ["PASS"],
            "impacts": ["MODERATE", "HIGH"],
            "where": [
                {"field": "QUAL", "op": ">", "value": 100.0 + i},
                {"field": "INFO/DP", "op": ">=", "value": 30 + i % 9},
            ],
        }

    questions: dict[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
        "region": ("count_variants", lambda i: {"regions": [f"{contig}:{at(i)['pos']}-{at(i)['pos'] + 10_000}"]}),
        "gene": ("count_variants", lambda i: {"genes": [genes[i * 7 % len(genes)]]}),
        "rsid": ("count_variants", lambda i: {"ids": [at(i)["id"]]}),
        "five_conditions": ("count_variants", five),
        "two_samples": (
            "count_variants",
            lambda i: {
                "genotypes": [
                    {"genotype": "het", "samples": [(a, b, c)[i % 3]]},
                    {"genotype": "reference", "samples": [(b, c, a)[i % 3]]},
                ]
            },
        ),
        "similar": (
            "find_similar",
            lambda i: {
                "variant": f"{contig}:{at(i)['pos']}:{at(i)['ref']}:{at(i)['alt']}",
                "filters": ["PASS"],
                "types": ["snp"],
            },
        ),
    }
    found = {name: _calls(context, tool(which), make) for name, (which, make) in questions.items()}
    found["two_hop"] = two_hops(workspace, genes)
    return found


def _calls(context: Any, tool: Any, make: Callable[[int], dict[str, Any]]) -> list[float]:
    tool.call(context, make(LOOKUPS))
    return [_ms(lambda i=i: tool.call(context, make(i))) for i in range(LOOKUPS)]


def two_hops(workspace: Path, genes: list[str]) -> list[float]:
    """From a gene over its variants to the samples that carry them, on an open graph."""
    from vcf_agent.memory.catalog import Catalog
    from vcf_agent.memory.variant_graph import graph_path, read_graph
    from vcf_agent.tools.graph_scope import CALLS_IN_GENE

    dataset = Catalog(workspace).datasets()[0]
    with read_graph(graph_path(workspace, dataset.graph_generation)) as graph:
        asked = {"datasets": [dataset.sha256]}
        graph.query(CALLS_IN_GENE, gene=genes[-1], **asked)
        return [_ms(lambda i=i: graph.query(CALLS_IN_GENE, gene=genes[i * 7 % len(genes)], **asked))
                for i in range(LOOKUPS)]  # fmt: skip


def _ms(run: Callable[[], Any]) -> float:
    return round(timed(run, 1)[0] * 1000, 2)


def duckdb_count(workspace: Path) -> list[float]:
    """The five conditions by DuckDB over the same columns as Parquet, on two threads."""
    import duckdb
    import pyarrow.parquet as pq
    from vcf_agent.memory.catalog import Catalog
    from vcf_agent.tools.dataset import OpenDataset

    data = OpenDataset(Catalog(workspace).datasets()[0], workspace)
    depth = data.info["DP"].column
    rows = data.table.columns(["type", "filter", "profile", "qual", depth])
    hit = [p["profile"] for p in data.profiles.to_pylist() if {"MODERATE", "HIGH"} & set(p["impacts"])]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        pq.write_table(rows, file)
        connection = duckdb.connect(config={"threads": 2})
        sql = (f"SELECT count(*) FROM read_parquet('{file}') WHERE type = 'snp' AND filter = 'PASS' AND qual > ? AND "
               f"{depth} >= ? AND profile IN ({', '.join(map(str, hit))})")  # fmt: skip
        return [_ms(lambda i=i: connection.execute(sql, [100 + i, 30 + i % 9]).fetchall()) for i in range(LOOKUPS)]


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def figures(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """The table of figures: what was reached, and what is allowed."""

    def ratio(name: str) -> float:
        part = raw[name]
        pairs = zip(part["ingest_wall_s"], part["bcftools_query_wall_s"], strict=True)
        return round(statistics.median(i / q for i, q in pairs), 2)

    def megabytes(name: str) -> float:
        return round(max(raw[name]["peak_rss_bytes"]) / 1e6, 0)

    times = raw["lookups_ms"]
    rows: list[tuple[str, float, float]] = [
        ("1,000,000 x 3: file to everything queryable, x bcftools query", ratio("million"), 4),
        ("20,000 x 500: the same", ratio("wide"), 6),
        ("peak memory of the process tree, 1,000,000 records, MB", megabytes("million"), 700),
        ("peak memory of the process tree, 5,000,000 records, MB", megabytes("five_million"), 1100),
        ("size on disk, x the .vcf.gz", round(raw["million"]["disk_bytes"] / raw["million"]["vcf_gz_bytes"], 2), 4),
        *((f"{name} look-up, p95, ms", p95(times[name]), 15) for name in ("region", "gene", "rsid")),
        ("count under five conditions, p95, ms", p95(times["five_conditions"]), 60),
        ("genotype condition on two samples, p95, ms", p95(times["two_samples"]), 100),
        ("similar to a variant with a filter, p95, ms", p95(times["similar"]), 25),
        ("two-hop traversal, p95, ms", p95(times["two_hop"]), 60),
        ("(5,000,000 x 3: file to everything queryable, x bcftools query)", ratio("five_million"), 4),
        ("(cyvcf2, one tuple a record, x bcftools query)",
         round(raw["cyvcf2_wall_s"][0] / statistics.median(raw["million"]["bcftools_query_wall_s"]), 2), 0),
        ("(five conditions by DuckDB on Parquet, p95, ms)", p95(raw["duckdb_five_conditions_ms"]), 0),
    ]  # fmt: skip
    return [{"figure": f, "reached": r, "limit": limit or None} for f, r, limit in rows]
