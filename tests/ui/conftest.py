"""The command line as tests run it, and a place of its own for each test."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from done import Done
from vcf_agent.ui.cli import main


@pytest.fixture(autouse=True)
def a_place_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's, and a workspace that each test finds missing."""
    for name in [v for v in os.environ if v.startswith(("VCF_AGENT_", "OPENAI_", "ANTHROPIC_", "OLLAMA_", "OTEL_"))]:
        monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("VCF_AGENT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setattr("vcf_agent.tools.graph_load.write_graph", lambda *_: None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """`cli("ask", "How many?", file)` runs the command line in this process."""

    def run(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return run
