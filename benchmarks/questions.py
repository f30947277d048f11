"""What a person waits for: the command's help, a cold question, a warm one, the ingest of a small file."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from make_vcf import write

RECORDS, SAMPLES, ROUNDS = 10_000, 3, 15
QUESTIONS = [
    "How many variants pass all filters?",
    "How many missense variants have a gnomAD frequency below 1%?",
    "How many variants are heterozygous in S0 but absent in S1?",
    "How many sites have DP>=10 and GQ>=20 in every sample?",
    "Which chromosome has the most variants?",
    "List variants in chr1:1-1000000",
]


def measure() -> dict[str, Any]:
    """Raw times, and their medians under `medians`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.vcf"
        write(path, RECORDS, SAMPLES)
        environment = {**os.environ, "VCF_AGENT_WORKSPACE": str(Path(folder) / "workspace")}
        result = {
            "file": {"records": RECORDS, "samples": SAMPLES, "bytes": path.stat().st_size},
            "help_cpu_s": cpu_of(["--help"], environment),
            "ingest_wall_s": ingest(path, environment),
            "bcftools_view_wall_s": wall(lambda: bcftools_view(path)),
            "cold_ask_cpu_s": cpu_of(["ask", QUESTIONS[0], str(path), "--json"], environment),
            "warm": warm(path, Path(folder) / "workspace"),
        }
    return result | {"medians": medians(result)}


def cpu_of(arguments: list[str], environment: dict[str, str], rounds: int = 5) -> list[float]:
    """User and system seconds of the whole process with its children, each time from a new start."""
    command = [sys.executable, "-c", "from vcf_agent.ui.cli import main; main()", *arguments]
    return [_cpu(command, environment) for _ in range(rounds)]


def _cpu(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3)


def wall(run: Callable[[], Any], rounds: int = 3) -> list[float]:
    """Wall seconds of a call."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(round(time.perf_counter() - start, 4))
    return times


def ingest(path: Path, environment: dict[str, str]) -> list[float]:
    """A whole `vcf-agent ingest --again`, start-up included."""
    command = [sys.executable, "-c", "from vcf_agent.ui.cli import main; main()", "ingest", "--again", str(path)]
    return wall(lambda: subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL))


def bcftools_view(path: Path) -> None:
    """The yardstick: the bundled bcftools reads and prints every record."""
    from vcf_agent.tools import bcftools
    from vcf_agent.tools.evidence import count_lines

    with bcftools.stream(["view", "-H", str(path)]) as output:
        count_lines(output)


def warm(path: Path, workspace: Path) -> dict[str, Any]:
    """Milliseconds of each question in an open session, of its tools (proof included), and of the rest: the loop."""
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from vcf_agent.agent import VariantAgent
    from vcf_agent.agent.telemetry import Telemetry

    spans = InMemorySpanExporter()
    found: dict[str, Any] = {}
    with VariantAgent(path, workspace=workspace, model="offline", telemetry=Telemetry(spans)) as agent:
        agent.ask(QUESTIONS[0])
        for question in QUESTIONS:
            rows = [_timed(agent, question, spans) for _ in range(ROUNDS)]
            found[question] = {"total_ms": [r[0] for r in rows], "loop_ms": [r[1] for r in rows]}
    return found


def _timed(agent: Any, question: str, spans: Any) -> tuple[float, float]:
    spans.clear()
    start = time.perf_counter()
    answer = agent.ask(question)
    total = (time.perf_counter() - start) * 1000
    assert answer.kind == "answer", answer.text
    tools = (
        sum(s.end_time - s.start_time for s in spans.get_finished_spans() if s.name.startswith("execute_tool")) / 1e6
    )
    return round(total, 2), round(total - tools, 2)


def medians(result: dict[str, Any]) -> dict[str, float]:
    warm_runs = result["warm"].values()
    return {
        "help_cpu_s": statistics.median(result["help_cpu_s"]),
        "cold_ask_cpu_s": statistics.median(result["cold_ask_cpu_s"]),
        "warm_ask_ms": round(statistics.median(t for q in warm_runs for t in q["total_ms"]), 2),
        "warm_loop_ms": round(statistics.median(t for q in warm_runs for t in q["loop_ms"]), 2),
        "ingest_over_bcftools_view": round(
            statistics.median(result["ingest_wall_s"]) / statistics.median(result["bcftools_view_wall_s"]), 2
        ),
    }
