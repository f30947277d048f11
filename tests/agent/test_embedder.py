"""Vectors from a provider, which here is a server on this machine."""

from pathlib import Path
from typing import Any

import pytest
from vcf_agent.agent.embedder import embedder_of
from vcf_agent.agent.session import VariantAgent
from vcf_agent.agent.settings import ModelSetting, Settings, load_settings
from vcf_agent.memory.catalog import Catalog
from vcf_agent.memory.errors import InputError, ModelError, ToolError
from vcf_agent.tools.registry import tool

MODEL = "openai/text-embedding-3-small"


@pytest.fixture
def settings(embedding_stub: Any, workspace: Path) -> Settings:
    return Settings(
        workspace, embedder=ModelSetting(MODEL, api_base=embedding_stub.url), local_only=True, verify_seconds=0
    )


def test_a_provider_is_asked_once_for_each_text_and_never_for_samples(
    embedding_stub: Any, settings: Settings, example: Path
) -> None:
    with VariantAgent(example, settings=settings) as agent:
        first = tool("find_similar").call(agent.context, {"variant": "rs113993960"})
        data = agent.context.datasets[0]
        samples = data.samples
        assert data.signatures.matrix.shape[1] == 768
    assert first.tables[0].rows[0][2] == "CFTR"
    assert "embedder openai/text-embedding-3-small" in " ".join(first.reading)
    assert len(embedding_stub.texts) == len(set(embedding_stub.texts)) > 100
    assert {r["dimensions"] for r in embedding_stub.requests} == {768} and {
        r["model"] for r in embedding_stub.requests
    } == {MODEL[7:]}
    sent = " ".join(embedding_stub.texts)
    assert not any(s in sent for s in samples) and "chr7" not in sent and "0/1" not in sent

    asked = len(embedding_stub.requests)
    from vcf_agent.tools.ingest import ingest

    ingest(example, settings.workspace, again=True, embedder=embedder_of(settings))
    with VariantAgent(example, settings=settings) as agent:
        assert tool("find_similar").call(agent.context, {"variant": "rs113993960"}).value == first.value
        assert len(embedding_stub.requests) == asked
        words = {"text": "missense CFTR", "mode": "vector"}
        assert tool("find_similar").call(agent.context, words).tables[0].rows[0][2] == "CFTR"
        tool("find_similar").call(agent.context, words)
    assert embedding_stub.texts[-1] == "missense CFTR" and len(embedding_stub.requests) == asked + 1


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("wrong dimension", "vectors of 384 numbers instead of 768"),
        ("short", "vectors for"),
        ("zero", "zero or holds no number"),
        ("NaN", "zero or holds no number|could not be read"),
        ("words", "holds no number|server error"),
        ("500", "server error"),
    ],
)
def test_a_bad_reply_is_an_error_and_leaves_nothing(
    embedding_stub: Any, settings: Settings, example: Path, act: str, told: str
) -> None:
    embedding_stub.act = act
    with pytest.raises(ModelError, match=told) as caught:
        VariantAgent(example, settings=settings)
    assert "VCF_AGENT_EMBEDDER" in str(caught.value) and "sk-live" not in str(caught.value)
    assert Catalog(settings.workspace).datasets() == []


def test_an_embedder_that_did_not_make_the_vectors_is_refused(settings: Settings, example: Path) -> None:
    with VariantAgent(example, settings=Settings(settings.workspace)):
        pass
    with VariantAgent(example, settings=settings) as agent, pytest.raises(ToolError, match="ingest --again"):
        tool("find_similar").call(agent.context, {"variant": "rs113993960"})


def test_local_only_refuses_an_embedder_elsewhere(tmp_path: Path) -> None:
    environ = {"VCF_AGENT_EMBEDDER": MODEL, "VCF_AGENT_SETTINGS": ""}
    named = load_settings(tmp_path, environ=environ)
    assert named.embedder == ModelSetting(MODEL)
    with pytest.raises(InputError, match="local_only is set, but the model"):
        load_settings(tmp_path, environ={**environ, "VCF_AGENT_LOCAL_ONLY": "1"})
    with pytest.raises(InputError, match="local_only is set, but the embedder"):
        embedder_of(Settings(tmp_path, embedder=ModelSetting(MODEL), local_only=True))
    with pytest.raises(InputError, match="not the name of a model"):
        load_settings(tmp_path, environ={"VCF_AGENT_EMBEDDER": "nonsense"})


def test_the_offline_model_finds_what_is_like_a_variant(workspace: Path, example: Path) -> None:
    with VariantAgent(example, settings=Settings(workspace, verify_seconds=60)) as agent:
        answer = agent.ask("Which variants are most similar to rs113993960 among the rare ones that pass?")
    assert answer.kind == "answer" and len(answer.value) == 10
    assert "not clinical evidence" in answer.text and answer.evidence[0].verified is True
    arguments = answer.evidence[0].arguments
    assert arguments["filters"] == ["PASS"] and arguments["variant"] == "rs113993960" and arguments["where"]
