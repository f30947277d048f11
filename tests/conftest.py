"""What all tests share: where the data lies, and files opened as the product opens them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from vcf_agent.tools.context import ToolContext
from vcf_agent.tools.dataset import OpenDataset
from vcf_agent.tools.ingest import ingest
from vcf_agent.tools.registry import tool
from vcf_agent.tools.result import ToolResult

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("VCF_AGENT_TEST_DATA") or ROOT.parent / "shared" / "data")
NO_DATA = f"no test data in {DATA}; name its folder in VCF_AGENT_TEST_DATA"
PROOF_SECONDS = 60.0

Open = Callable[[Path], ToolContext]
Run = Callable[..., ToolResult]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `readable` and `truth` runs for each real file that bcftools can read, with what truth.json
    says of it; one that takes `unreadable` for the others.
    """
    wanted = next((name for name in ("readable", "unreadable") if name in metafunc.fixturenames), None)
    if wanted is None:
        return
    truth_file = DATA / "truth.json"
    if truth_file.is_file():
        files = json.loads(truth_file.read_text())["files"]
        kept = {f: truth for f, truth in files.items() if truth["bcftools_readable"] == (wanted == "readable")}
        params = [pytest.param(f, truth, id=f.removeprefix("annotated/")) for f, truth in kept.items()]
    else:
        params = [pytest.param("", {}, marks=pytest.mark.skip(reason=NO_DATA))]
    metafunc.parametrize((wanted, "truth"), params)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests ask for with `record_property("printed", …)`, from whatever process they ran in."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", []):
                if name == "printed" and report.when == "call":
                    terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real files and truth.json."""
    if not (DATA / "truth.json").is_file():
        pytest.skip(NO_DATA)
    return DATA


@pytest.fixture(scope="session")
def example() -> Path:
    """The cohort that is part of the product: 2,000 records, 6 samples, BGZF with an index."""
    return ROOT / "examples" / "cohort" / "cohort.vcf.gz"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace that does not exist yet."""
    return tmp_path / "workspace"


def _open(path: Path, workspace: Path) -> ToolContext:
    """The graph is left out: one tool alone reads it, and writing it takes most of the time of a small ingest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vcf_agent.tools.graph_load.write_graph", lambda *_: None)
        dataset = ingest(path, workspace)
    return ToolContext(workspace, [OpenDataset(dataset, workspace)], path.absolute().parent, PROOF_SECONDS)


@pytest.fixture
def opened(workspace: Path) -> Open:
    """`opened(path)` is the context of a conversation about that file, ingested into the test's workspace."""
    return lambda path: _open(path, workspace)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """As `opened`, for files that do not change: each is ingested once for all tests."""
    workspace = tmp_path_factory.mktemp("library") / "workspace"
    contexts: dict[Path, ToolContext] = {}

    def open_once(path: Path) -> ToolContext:
        if path not in contexts:
            contexts[path] = _open(path, workspace)
        return contexts[path]

    return open_once


@pytest.fixture(scope="session")
def cohort(library: Open, example: Path) -> ToolContext:
    """The example cohort, opened."""
    return library(example)


@pytest.fixture(scope="session")
def run() -> Run:
    """`run(context, "count_variants", types=["snp"])` calls a tool as a model would."""

    def call(context: ToolContext, name: str, /, *, prove: bool = True, **arguments: object) -> ToolResult:
        if not prove:
            context = ToolContext(context.workspace, context.datasets, context.folder, 0)
        return tool(name).call(context, arguments)

    return call
