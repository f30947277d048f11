"""The chain against a server that speaks the real protocols, with LiteLLM and LangChain in between."""

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.graph import StateGraph
from vcf_agent.agent import models
from vcf_agent.agent.models import Fallback, ModelChain, Reply, validate_model_name
from vcf_agent.agent.settings import ModelSetting
from vcf_agent.memory.errors import InputError

KEY = "sk-test-0123456789abcdef"
QUESTION = [SystemMessage("You answer about VCF files."), HumanMessage("How many records?")]


def tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


TOOLS = [tool("count_variants", dataset={"type": "string"}, region={"type": "string"}), tool("list_datasets")]


class Heard:
    """A listener; `text` is what a user would see in the end."""

    def __init__(self) -> None:
        self.text = ""
        self.dropped: list[str] = []

    def on_token(self, text: str) -> None:
        self.text += text

    def on_restart(self) -> None:
        self.dropped.append(self.text)
        self.text = ""


@pytest.fixture(autouse=True)
def no_keys_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY", "OLLAMA_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STUB_KEY", KEY)
    monkeypatch.setattr(models, "PAUSE_S", 0.0)


@pytest.fixture(params=["openai", "anthropic", "ollama_chat"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def setting(stub: Any, provider: str = "openai", name: str = "m", **more: Any) -> ModelSetting:
    base = stub if isinstance(stub, str) else stub.url
    more = {"timeout_s": 10.0, "retries": 0, "api_key_env": "STUB_KEY"} | more
    return ModelSetting(f"{provider}/{name}", f"{base}/v1" if provider == "openai" else base, **more)


def ask(chain: ModelChain, listener: Heard | None = None, tools: Any = TOOLS) -> Reply:
    return chain.reply(QUESTION, tools, listener)


@pytest.mark.parametrize("listener_of", [type(None), Heard], ids=["plain", "stream"])
class TestAnswers:
    def test_text(self, stub: Any, offline: Any, provider: str, listener_of: Any) -> None:
        listener = listener_of()
        reply = ask(ModelChain([setting(stub, provider)], offline), listener)
        assert (reply.message.content, reply.model) == ("There are 148 records.", f"{provider}/m")
        assert reply.fallbacks == []
        assert reply.usage == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
        assert listener is None or (listener.text, listener.dropped) == ("There are 148 records.", [])

    def test_tool_call(self, stub: Any, offline: Any, provider: str, listener_of: Any) -> None:
        stub.script = ["tool"]
        reply = ask(ModelChain([setting(stub, provider)], offline), listener_of())
        [call] = reply.message.tool_calls
        assert (call["name"], call["args"]) == ("count_variants", {"dataset": "cohort", "region": "chr20"})
        assert call["id"] and reply.model == f"{provider}/m"
        json.dumps(reply.message.model_dump())  # fit for a checkpoint: nothing of LiteLLM is left in it

    def test_a_call_without_arguments(self, stub: Any, offline: Any, listener_of: Any) -> None:
        stub.script = ["no arguments"]
        reply = ask(ModelChain([setting(stub)], offline), listener_of())
        assert [(c["name"], c["args"]) for c in reply.message.tool_calls] == [("list_datasets", {})]

    def test_what_is_sent(self, stub: Any, offline: Any, provider: str, listener_of: Any) -> None:
        call = {"name": "count_variants", "args": {}, "id": "c9"}
        past = [*QUESTION, AIMessage("", tool_calls=[call]), ToolMessage("148", tool_call_id="c9")]
        ModelChain([setting(stub, provider)], offline).reply(past, TOOLS, listener_of())
        [request] = stub.requests
        assert "count_variants" in json.dumps(request["body"]["tools"])
        assert "148" in json.dumps(request["body"]["messages"])
        assert KEY in json.dumps(request["headers"])


@pytest.mark.parametrize(
    ("act", "why", "requests"),
    [
        ("401", "refused the key (401)", 1),
        ("429", "has reached its rate limit or quota (429)", 1),
        ("400", "refused the request (400)", 1),
        ("500", "failed with a server error (500)", 2),
        ("503", "failed with a server error (503)", 2),
        ("hang", "gave no answer within 0.3 s", 1),
        ("empty", "gave an empty answer", 1),
        ("length", "gave an answer that was cut off at its length limit", 1),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_failure_is_a_fallback(
    stub: Any, offline: Any, provider: str, act: str, why: str, requests: int, stream: bool
) -> None:
    stub.script = [act]
    heard = Heard()
    time_out = 0.3 if act == "hang" else 10.0
    chain = ModelChain([setting(stub, provider, timeout_s=time_out, retries=1)], offline)
    started = time.monotonic()
    reply = ask(chain, heard if stream else None)
    [fallback] = reply.fallbacks
    assert fallback.model == f"{provider}/m" and fallback.why.startswith(why)
    assert (reply.message.content, reply.model) == ("Answered offline.", "offline")
    assert heard.text == ("Answered offline." if stream else "")
    assert len(stub.requests) == requests
    assert time.monotonic() - started < 10  # a Retry-After of 30 s is not waited for


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_server_that_is_not_there(model_stub: Any, offline: Any, provider: str, stream: bool) -> None:
    nowhere = f"http://127.0.0.1:{model_stub.closed_port()}"
    reply = ask(ModelChain([setting(nowhere, provider, retries=1)], offline), Heard() if stream else None)
    assert reply.fallbacks == [Fallback(f"{provider}/m", "could not be reached")]


@pytest.mark.parametrize("act", ["broken", "closed early", "error event", "stalled"])
def test_a_stream_that_breaks_is_not_the_answer(stub: Any, offline: Any, provider: str, act: str) -> None:
    stub.script = [act, "other"]
    first = setting(stub, provider, timeout_s=0.3 if act == "stalled" else 10.0)
    second = setting(stub, "openai", "second")
    heard = Heard()
    reply = ask(ModelChain([first, second], offline), heard)
    assert (reply.message.content, reply.model) == ("There are 36 records.", "openai/second")
    assert reply.fallbacks == [Fallback(f"{provider}/m", "broke off in the middle of its answer")]
    assert heard.text == "There are 36 records."
    assert len(heard.dropped) == 1 and "There are 148 records.".startswith(heard.dropped[0])


def test_a_broken_stream_is_asked_for_again(stub: Any, offline: Any) -> None:
    stub.script = ["broken", "text"]
    heard = Heard()
    reply = ask(ModelChain([setting(stub, retries=1)], offline), heard)
    assert (reply.message.content, reply.fallbacks) == ("There are 148 records.", [])
    assert heard.text == "There are 148 records." and len(heard.dropped) == 1


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        ("bad arguments", "the arguments of count_variants are not a JSON object"),
        ("list arguments", "the arguments of count_variants are not a JSON object"),
        ("unknown tool", "there is no tool 'drop_tables'"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
class TestBadCalls:
    def test_told_back_and_mended(self, stub: Any, offline: Any, act: str, fault: str, stream: bool) -> None:
        stub.script = [act, "tool"]
        heard = Heard()
        reply = ask(ModelChain([setting(stub)], offline), heard if stream else None)
        assert reply.model == "openai/m" and reply.fallbacks == []
        assert reply.message.tool_calls[0]["args"] == {"dataset": "cohort", "region": "chr20"}
        assert fault in stub.requests[1]["body"]["messages"][-1]["content"]
        assert reply.usage["total_tokens"] == 2 * 18
        assert heard.text == ("Let me see. " if stream else "")

    def test_twice_is_a_fallback(self, stub: Any, offline: Any, act: str, fault: str, stream: bool) -> None:
        stub.script = [act]
        reply = ask(ModelChain([setting(stub, retries=3)], offline), Heard() if stream else None)
        assert reply.fallbacks == [Fallback("openai/m", f"gave a reply that cannot be used: {fault}")]
        assert len(stub.requests) == 2 and reply.model == "offline"


def test_broken_json_in_an_anthropic_stream(stub: Any, offline: Any) -> None:
    """LangChain would complete it to {"dataset": "cohort"}, a query without its region."""
    stub.script = ["bad arguments"]
    reply = ask(ModelChain([setting(stub, "anthropic")], offline), Heard())
    assert "not a JSON object" in reply.fallbacks[0].why


def test_a_reply_of_no_protocol(stub: Any, offline: Any, provider: str) -> None:
    stub.script = ["nonsense"]
    for listener in (None, Heard()):
        [fallback] = ask(ModelChain([setting(stub, provider)], offline), listener).fallbacks
        assert len(fallback.why) <= 200 and "Traceback" not in fallback.why


def test_a_failed_model_is_left_alone_for_a_while(stub: Any, offline: Any, provider: str, monkeypatch: Any) -> None:
    stub.script = ["hang"]
    chain = ModelChain([setting(stub, provider, timeout_s=0.3)], offline)
    ask(chain)
    started = time.monotonic()
    [fallback] = ask(chain).fallbacks
    assert time.monotonic() - started < 1 and len(stub.requests) == 1
    assert re.fullmatch(r"failed a moment ago and is left alone for (30|29) s more", fallback.why)
    stub.script = ["text"]
    monkeypatch.setattr(models, "time", SimpleNamespace(monotonic=lambda: started + 32))
    assert ask(chain).model == f"{provider}/m"


def test_a_request_that_was_refused_does_not_rest_the_model(stub: Any, offline: Any) -> None:
    stub.script = ["400", "text"]
    chain = ModelChain([setting(stub)], offline)
    assert (ask(chain).model, ask(chain).model) == ("offline", "openai/m")


class TestNoKey:
    @pytest.fixture(autouse=True)
    def no_network(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        tried: list[Any] = []

        def connect(self: socket.socket, address: Any) -> None:
            tried.append(address)
            raise OSError("the test allows no connection")

        monkeypatch.setattr(socket.socket, "connect", connect)
        return tried

    @pytest.mark.parametrize(
        ("name", "missing"),
        [
            ("openai/gpt-4o-mini", "OPENAI_API_KEY"),
            ("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
            ("gemini/gemini-2.0-flash", "GEMINI_API_KEY"),
            ("publicai/some-model", "PUBLICAI_API_KEY"),  # of these LiteLLM's own check knows nothing
            ("lm_studio/some-model", "api_base"),
        ],
    )
    def test_no_connection_is_tried(
        self, no_network: list[Any], offline: Any, name: str, missing: str, monkeypatch: Any
    ) -> None:
        if not name.startswith("openai/"):
            monkeypatch.setenv("OPENAI_API_KEY", KEY)  # LiteLLM would send it to whom it does not know
        reply = ask(ModelChain([ModelSetting(name)], offline))
        assert reply.model == "offline" and missing in reply.fallbacks[0].why
        assert reply.fallbacks[0].why.startswith("needs a") and no_network == []

    def test_a_blank_key_is_none(self, no_network: list[Any], offline: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", " ")
        assert "OPENAI_API_KEY" in ask(ModelChain([ModelSetting("openai/m")], offline)).fallbacks[0].why
        assert no_network == []

    def test_the_variable_of_the_setting(self, no_network: list[Any], offline: Any) -> None:
        model = ModelSetting("openai/m", "http://127.0.0.1:9/v1", api_key_env="LAB_KEY")
        assert ask(ModelChain([model], offline)).fallbacks[0].why == "needs a key in LAB_KEY, which is not set"
        assert no_network == []

    def test_a_key_set_later_counts(self, stub: Any, offline: Any, monkeypatch: Any) -> None:
        chain = ModelChain([setting(stub, api_key_env="LAB_KEY")], offline)
        assert ask(chain).model == "offline"
        monkeypatch.undo()
        monkeypatch.setenv("LAB_KEY", KEY)
        assert ask(chain).model == "openai/m"
        monkeypatch.delenv("LAB_KEY")


def test_a_server_without_a_key_gets_a_placeholder(stub: Any, offline: Any) -> None:
    assert ask(ModelChain([setting(stub, api_key_env=None)], offline)).model == "openai/m"
    assert stub.requests[0]["headers"]["Authorization"] == "Bearer none"


@pytest.mark.parametrize("act", ["400", "401", "429", "500"])
def test_no_key_address_or_control_character_in_why(stub: Any, offline: Any, provider: str, act: str) -> None:
    stub.script = [act]
    why = ask(ModelChain([setting(stub, provider)], offline)).fallbacks[0].why
    assert not any(secret in why for secret in (KEY, "sk-", "abcdef123456", "pw", "key=", "\x1b", "\n"))
    assert len(why) <= 200


def test_why_keeps_the_words_of_the_provider(stub: Any, offline: Any, provider: str) -> None:
    stub.script = ["400"]
    why = ask(ModelChain([setting(stub, provider)], offline)).fallbacks[0].why
    assert re.match(r"refused the request \(400\): no \S+ at https://host\.example( |$)", why)


def test_the_chain_goes_on_until_one_answers(stub: Any, offline: Any) -> None:
    stub.script = ["500", "401", "text"]
    chain = ModelChain([setting(stub, name=name) for name in ("a", "b", "c")], offline)
    reply = ask(chain)
    assert [f.model for f in reply.fallbacks] == ["openai/a", "openai/b"] and reply.model == "openai/c"


def test_offline_alone(offline: Any) -> None:
    heard = Heard()
    reply = ask(ModelChain([], offline), heard)
    assert (reply.model, reply.message.content, heard.text) == (
        "offline",
        "Answered offline.",
        "Answered offline.",
    )
    assert (reply.usage, reply.cost_usd, reply.fallbacks) == ({}, 0.0, [])
    assert offline.tools == TOOLS and offline.seen == [QUESTION]


def test_a_bug_of_the_offline_model_escapes(offline: Any) -> None:
    offline.fails = True
    with pytest.raises(KeyError, match="a bug"):
        ask(ModelChain([], offline))


def test_an_error_of_the_listener_escapes(stub: Any, offline: Any) -> None:
    class Gone(Heard):
        def on_token(self, text: str) -> None:
            raise BrokenPipeError("the browser left")

    with pytest.raises(BrokenPipeError):
        ask(ModelChain([setting(stub)], offline), Gone())


def test_an_interrupt_escapes(stub: Any, offline: Any, monkeypatch: Any) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "_parts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask(ModelChain([setting(stub)], offline))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_cost_and_budget(stub: Any, offline: Any, stream: bool) -> None:
    chain = ModelChain([setting(stub, name="gpt-4o-mini")], offline, budget_usd=1e-6)
    reply = ask(chain, Heard() if stream else None)
    assert reply.cost_usd == pytest.approx(11 * 0.15e-6 + 7 * 0.6e-6) == chain.cost_usd
    assert ask(chain).fallbacks == [Fallback("openai/gpt-4o-mini", "was not asked: the budget of 1e-06 USD is spent")]
    assert len(stub.requests) == 1


def test_local_only_is_checked_again(stub: Any, offline: Any) -> None:
    away = ModelSetting("openai/m", "http://192.0.2.1/v1", api_key_env="STUB_KEY")
    reply = ask(ModelChain([away, setting(stub)], offline, local_only=True))
    assert reply.fallbacks == [Fallback("openai/m", "is not on this machine, and local-only is set")]
    assert reply.model == "openai/m"


def test_ollama_is_asked_nowhere_but_at_its_api_base(stub: Any, offline: Any, monkeypatch: Any) -> None:
    reached: list[Any] = []
    connect = socket.socket.connect

    def noted(self: socket.socket, address: Any) -> None:
        reached.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    monkeypatch.setenv("OLLAMA_API_BASE", "http://192.0.2.1:11434")
    reply = ask(ModelChain([setting(stub, "ollama", "never-heard-of")], offline))
    assert reply.model == "ollama/never-heard-of" and {request["path"] for request in stub.requests} == {"/api/chat"}
    assert {f"http://{address[0]}:{address[1]}" for address in reached} == {stub.url}


def test_inside_a_running_loop(stub: Any, offline: Any) -> None:
    async def question() -> Reply:
        return ask(ModelChain([setting(stub)], offline), Heard())

    assert asyncio.run(question()).model == "openai/m"


def test_langgraph_does_not_stream_what_the_listener_hears(stub: Any, offline: Any) -> None:
    chain = ModelChain([setting(stub)], offline)
    heard = Heard()
    graph = StateGraph(dict)
    graph.add_node("model", lambda state: {"answer": ask(chain, heard).message.content})
    graph.set_entry_point("model")
    streamed = list(graph.compile().stream({"question": "?"}, stream_mode="messages"))
    assert streamed == [] and heard.text == "There are 148 records."


def test_threads_share_a_chain(stub: Any, offline: Any) -> None:
    chain = ModelChain([setting(stub, name="gpt-4o-mini")], offline)
    replies: list[Reply] = []
    threads = [Thread(target=lambda: replies.append(ask(chain, Heard()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.model for reply in replies] == ["openai/gpt-4o-mini"] * 8
    assert chain.cost_usd == pytest.approx(8 * replies[0].cost_usd)


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "anthropic/x", "ollama_chat/llama3.1:8b", "offline"])
def test_a_known_provider(name: str) -> None:
    validate_model_name(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("opnai/gpt-4o", "Did you mean openai/…?"),
        ("antropic/claude", "Did you mean anthropic/…?"),
        ("gpt-4o", "provider/model"),
        ("github_copilot/x", "a key"),
    ],
)
def test_a_name_that_cannot_be_used(name: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        validate_model_name(name)
    assert hint in caught.value.way_out


def test_an_unknown_provider_is_a_fallback(offline: Any) -> None:
    [fallback] = ask(ModelChain([ModelSetting("opnai/m")], offline)).fallbacks
    assert "unknown provider 'opnai'" in fallback.why


def test_without_litellm(offline: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    monkeypatch.setitem(sys.modules, "langchain_litellm", None)
    [fallback] = ask(ModelChain([ModelSetting("openai/m")], offline)).fallbacks
    assert fallback.why == "cannot be used: LiteLLM is not installed. pip install 'vcf-agent[llm]'"
    with pytest.raises(InputError, match=r"vcf-agent\[llm\]"):
        validate_model_name("openai/m")


QUIET = """
import os, sys
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from vcf_agent.agent.models import ModelChain
from vcf_agent.agent.settings import ModelSetting
offline = FakeListChatModel(responses=["offline"])
assert ModelChain([], offline).reply([HumanMessage("?")]).model == "offline"
assert not [name for name in sys.modules if "litellm" in name]
for base in sys.argv[1:]:
    model = ModelSetting("openai/m", base, timeout_s=2.0, retries=0)
    assert len(ModelChain([model], offline).reply([HumanMessage("?")]).fallbacks) == 1
assert "PLANTED" not in os.environ
"""


def test_nothing_is_printed_and_offline_needs_no_litellm(stub: Any, model_stub: Any, tmp_path: Any) -> None:
    (tmp_path / ".env").write_text("PLANTED=1\n")
    stub.script = ["500"]
    bases = [f"{stub.url}/v1", f"http://127.0.0.1:{model_stub.closed_port()}/v1"]
    run = [sys.executable, "-c", QUIET, *bases]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
