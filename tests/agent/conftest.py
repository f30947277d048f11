import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pysam
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field


def _load_stub(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def model_stub() -> Any:
    """The module model_stub.py: tests/ are no package, so it is loaded by path."""
    return _load_stub("model_stub")


@pytest.fixture
def embedding_stub() -> Iterator[Any]:
    server = _load_stub("embedding_stub").EmbeddingStub()
    yield server
    server.close()


@pytest.fixture
def stub(model_stub: Any) -> Iterator[Any]:
    server = model_stub.ModelStub()
    yield server
    server.close()


class OfflineDouble(BaseChatModel):
    """Stands for the offline model: it says one thing, or raises."""

    says: str = "Answered offline."
    fails: bool = False
    seen: list[list[BaseMessage]] = Field(default_factory=list)
    tools: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "offline-double"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        self.tools = list(tools)
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        if self.fails:
            raise KeyError("a bug of the offline model")
        self.seen.append(messages)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.says))])


@pytest.fixture
def offline() -> OfflineDouble:
    return OfflineDouble()


HEADER = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=1000000>
##contig=<ID=chr2,length=1000000>
##FILTER=<ID=low,Description="Low">
##INFO=<ID=NOTE,Number=1,Type=String,Description="Any text">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""


@pytest.fixture(scope="session")
def write_vcf() -> Callable[..., Path]:
    """`write_vcf(path, rows, samples)` writes a plain VCF; each row is the list of its columns."""

    def write(path: Path, rows: Sequence[Sequence[str]], samples: Sequence[str] = (), header: str = HEADER) -> Path:
        columns = [
            "#CHROM",
            "POS",
            "ID",
            "REF",
            "ALT",
            "QUAL",
            "FILTER",
            "INFO",
            *(["FORMAT", *samples] if samples else []),
        ]
        path.write_text(header + "".join("\t".join(line) + "\n" for line in [columns, *rows]))
        return path

    return write


@pytest.fixture(scope="session")
def question_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that ../shared/questions/make_fixture.py writes; cohort.vcf also in BGZF with an index."""
    script = Path(__file__).resolve().parents[2].parent / "shared" / "questions" / "make_fixture.py"
    if not script.is_file():
        pytest.skip(f"{script} is not here")
    folder = tmp_path_factory.mktemp("questions")
    subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True)
    pysam.tabix_compress(str(folder / "cohort.vcf"), str(folder / "cohort.vcf.gz"))
    pysam.tabix_index(str(folder / "cohort.vcf.gz"), preset="vcf")
    return folder
