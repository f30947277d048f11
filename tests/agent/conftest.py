import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field


def _load_stub() -> Any:
    spec = importlib.util.spec_from_file_location("model_stub", Path(__file__).with_name("model_stub.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def model_stub() -> Any:
    """The module model_stub.py: tests/ are no package, so it is loaded by path."""
    return _load_stub()


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
