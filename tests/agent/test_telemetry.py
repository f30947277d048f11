import asyncio
import contextvars
import logging
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from vcf_agent.agent.telemetry import TOKENS, Telemetry, start_telemetry
from vcf_agent.memory.errors import InputError

SESSION = "0d4b6e2c-6a2b-4d3e-9f1a-2b3c4d5e6f70"


class Recorded:
    """A telemetry whose spans and metrics stay in memory."""

    def __init__(self):
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.telemetry = Telemetry(self.exporter, self.reader)

    def spans(self):
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def points(self, name):
        data = self.reader.get_metrics_data()
        found = [metric for scope in data.resource_metrics[0].scope_metrics for metric in scope.metrics]
        return [point for metric in found if metric.name == name for point in metric.data.data_points]


@pytest.fixture
def recorded():
    recorded = Recorded()
    yield recorded
    recorded.telemetry.shutdown()


def ask(telemetry):
    with telemetry.question(SESSION) as question:
        with telemetry.model_call("openai/gpt-x", "openai") as call:
            call.used(120, 30, "gpt-x-2026")
        with telemetry.tool_call("count_variants", "call_1"):
            pass
        question.answered("answer")
    return question


def test_a_question_is_one_trace_under_the_genai_names(recorded):
    question = ask(recorded.telemetry)
    spans = recorded.spans()
    assert set(spans) == {"invoke_agent vcf-agent", "chat openai/gpt-x", "execute_tool count_variants"}
    root = spans["invoke_agent vcf-agent"]
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {question.trace_id}
    assert {span.parent.span_id for span in spans.values() if span is not root} == {root.context.span_id}
    assert dict(root.attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "vcf-agent",
        "gen_ai.conversation.id": SESSION,
        "kind": "answer",
    }
    assert dict(spans["chat openai/gpt-x"].attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "openai/gpt-x",
        "gen_ai.response.model": "gpt-x-2026",
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 30,
    }
    assert dict(spans["execute_tool count_variants"].attributes) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "count_variants",
        "gen_ai.tool.call.id": "call_1",
    }


def test_metrics(recorded):
    ask(recorded.telemetry)
    (duration,) = recorded.points("gen_ai.client.operation.duration")
    assert duration.attributes["gen_ai.request.model"] == "openai/gpt-x"
    assert max(duration.explicit_bounds) < 100, "seconds, not milliseconds"
    usage = {p.attributes["gen_ai.token.type"]: p for p in recorded.points("gen_ai.client.token.usage")}
    assert {kind: point.sum for kind, point in usage.items()} == {"input": 120, "output": 30}
    assert tuple(usage["input"].explicit_bounds) == TOKENS
    (tool,) = recorded.points("vcf_agent.tool.duration")
    assert dict(tool.attributes) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "count_variants",
    }
    (requests,) = recorded.points("vcf_agent.requests")
    assert (dict(requests.attributes), requests.value) == ({"kind": "answer"}, 1)


def test_an_error_leaves_its_class_and_not_its_message(recorded):
    with pytest.raises(KeyError), recorded.telemetry.question(SESSION):
        with recorded.telemetry.tool_call("get_variant", "call_1") as call:
            call.failed(InputError("/data/smith.vcf"))
        with recorded.telemetry.model_call("offline", "offline"):
            raise KeyError("NA12878 is 0/1 at chr20:1234567")
    spans = recorded.spans()
    assert spans["execute_tool get_variant"].attributes["error.type"] == "InputError"
    assert spans["chat offline"].attributes["error.type"] == "KeyError"
    assert spans["invoke_agent vcf-agent"].attributes["kind"] == "error"
    assert not any(span.events or span.status.description for span in spans.values())
    (duration,) = recorded.points("gen_ai.client.operation.duration")
    assert duration.attributes["error.type"] == "KeyError"
    (requests,) = recorded.points("vcf_agent.requests")
    assert dict(requests.attributes) == {"kind": "error"}


@pytest.mark.parametrize("text", ["does Anna Smith carry BRCA1?", "x" * 200, "", "a\nb", "Zoë", "\ud800", "-rf"])
def test_text_in_the_place_of_a_name_is_not_recorded(recorded, text):
    with recorded.telemetry.question(text), recorded.telemetry.tool_call(text, text):
        pass
    with recorded.telemetry.model_call(text, text) as call:
        call.used(1, 1, text)
    seen = [span.to_json() for span in recorded.exporter.get_finished_spans()]
    assert set(recorded.spans()) == {"invoke_agent vcf-agent", "execute_tool other", "chat other"}
    conversation = recorded.spans()["invoke_agent vcf-agent"].attributes["gen_ai.conversation.id"]
    assert re.fullmatch("[0-9a-f]{16}", conversation)
    assert not text or not any(text in span for span in seen)


def test_no_endpoint_means_no_thread_and_no_global_provider_but_a_trace_id():
    threads, tracer, meter = (
        threading.active_count(),
        trace.get_tracer_provider(),
        metrics.get_meter_provider(),
    )
    telemetry = start_telemetry(None)
    first, second = ask(telemetry), ask(telemetry)
    assert re.fullmatch("[0-9a-f]{32}", first.trace_id)
    assert int(first.trace_id, 16) and first.trace_id != second.trace_id
    assert threading.active_count() == threads
    assert trace.get_tracer_provider() is tracer
    assert metrics.get_meter_provider() is meter
    telemetry.shutdown()
    telemetry.shutdown()


def test_a_trace_id_even_with_the_sdk_disabled(monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    question = ask(start_telemetry(None))
    assert re.fullmatch("[0-9a-f]{32}", question.trace_id) and int(question.trace_id, 16)


def test_a_cancelled_question(recorded):
    async def cancelled():
        with recorded.telemetry.question(SESSION):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    (requests,) = recorded.points("vcf_agent.requests")
    assert dict(requests.attributes) == {"kind": "cancelled"}


def test_a_stream_closed_in_another_context_logs_nothing(recorded, caplog):
    def stream():
        with recorded.telemetry.question(SESSION):
            yield "a word"

    words = stream()
    contextvars.copy_context().run(next, words)
    with caplog.at_level(logging.DEBUG):
        words.close()
    assert not caplog.records
    assert not trace.get_current_span().get_span_context().is_valid


def test_questions_side_by_side_do_not_share_a_trace(recorded):
    async def one(number):
        with recorded.telemetry.question(SESSION) as question:
            await asyncio.sleep(0)
            with recorded.telemetry.tool_call(f"tool_{number}", "call"):
                await asyncio.sleep(0)
        return question.trace_id

    async def all_of_them():
        return await asyncio.gather(*(one(number) for number in range(5)))

    ids = asyncio.run(all_of_them())
    spans = recorded.spans()
    assert [f"{spans[f'execute_tool tool_{n}'].context.trace_id:032x}" for n in range(5)] == ids
    assert len(set(ids)) == 5


def test_importing_it_is_cheap():
    script = "import sys, vcf_agent.agent.telemetry; assert 'opentelemetry.sdk' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_wrong_endpoint_is_refused():
    with pytest.raises(InputError, match="http://HOST:4318"):
        start_telemetry("localhost:4318")


def test_a_missing_exporter_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    with pytest.raises(InputError, match=r"pip install 'vcf-agent\[otel\]'"):
        start_telemetry("http://127.0.0.1:4318")


@pytest.fixture
def collector():
    """A local HTTP server; the paths that were posted to it, and the bodies."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the otel extra")
    posted = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_endpoint_receives_traces_and_metrics(collector):
    endpoint, posted = collector
    telemetry = start_telemetry(endpoint + "/")
    question = ask(telemetry)
    telemetry.shutdown()
    bodies = dict(posted)
    assert set(bodies) == {"/v1/traces", "/v1/metrics"}
    assert bytes.fromhex(question.trace_id) in bodies["/v1/traces"]
    assert b"vcf_agent.requests" in bodies["/v1/metrics"]


def test_without_an_endpoint_the_collector_of_the_environment_hears_nothing(collector, monkeypatch):
    endpoint, posted = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    telemetry = start_telemetry(None)
    ask(telemetry)
    telemetry.shutdown()
    assert posted == []
