"""What operators see of a question: spans and metrics, under OpenTelemetry's names for generative AI.

A question is a span, and each model call and tool call a span below it. Nothing that was asked, answered,
read or named by a user can be recorded: the calls here take names and numbers, and a name that does not look
like one is replaced. Without an endpoint there is no exporter, no network and no thread, only trace ids.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from ..memory.errors import InputError

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, SpanKind

Kind = Literal["answer", "clarification", "refusal", "error", "cancelled"]

# The names are copied here since the semantic-conventions package marks its own as moved and deprecated.
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
AGENT = "gen_ai.agent.name"
CONVERSATION = "gen_ai.conversation.id"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a kind of token count
TOOL = "gen_ai.tool.name"
TOOL_CALL = "gen_ai.tool.call.id"
ERROR = "error.type"
KIND = "kind"

OPERATION_DURATION = "gen_ai.client.operation.duration"
TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - a count of tokens
TOOL_DURATION = "vcf_agent.tool.duration"
REQUESTS = "vcf_agent.requests"

SECONDS = (0.001, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Upper bounds of the duration buckets; the library's own are shaped for milliseconds."""

TOKENS = tuple(4**power for power in range(11))
"""Upper bounds of the token buckets, to a million."""

EXPORT_TIMEOUT = 2
"""Seconds that one export may take, and so that a dead collector may delay the end of the process."""

_SCOPE = "vcf-agent"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII)


class Call:
    """A span under way; what can be said of it beyond its name and its time."""

    def __init__(self, span: Span, labels: Mapping[str, str]) -> None:
        self._span = span
        self._labels = dict(labels)

    @property
    def labels(self) -> Mapping[str, str]:
        """The attributes of the metrics that are recorded when it ends."""
        return self._labels

    def failed(self, error: BaseException) -> None:
        """Keep the class of `error`, never its message; for a failure that is handled inside the call."""
        from opentelemetry.trace import StatusCode

        self._label(ERROR, type(error).__name__)
        self._span.set_status(StatusCode.ERROR)

    def _label(self, key: str, value: str) -> None:
        self._labels[key] = value
        self._span.set_attribute(key, value)


class ToolCall(Call):
    """One run of a tool."""


class ModelCall(Call):
    """One request to a model."""

    def __init__(self, span: Span, labels: Mapping[str, str], tokens: Histogram) -> None:
        super().__init__(span, labels)
        self._tokens = tokens

    def used(self, input_tokens: int, output_tokens: int, model: str | None = None) -> None:
        """What the provider counted, and the model that it says has answered."""
        if model is not None:
            self._label(RESPONSE_MODEL, _name(model))
        for attribute, kind, count in (
            (INPUT_TOKENS, "input", input_tokens),
            (OUTPUT_TOKENS, "output", output_tokens),
        ):
            self._span.set_attribute(attribute, count)
            self._tokens.record(count, {**self._labels, TOKEN_TYPE: kind})


class Question(Call):
    """One question, from its arrival to its answer."""

    def __init__(self, span: Span, labels: Mapping[str, str]) -> None:
        super().__init__(span, labels)
        context = span.get_span_context()
        self.trace_id = f"{context.trace_id:032x}" if context.is_valid else uuid4().hex
        """32 hexadecimal digits, with or without an exporter."""

    def answered(self, kind: Kind) -> None:
        self._label(KIND, kind)


class Telemetry:
    """The process's spans and metrics; never the global providers, which belong to the program around it."""

    def __init__(
        self,
        span_exporter: SpanExporter | None = None,
        metric_reader: MetricReader | None = None,
        *,
        batch: bool = False,
    ) -> None:
        """Spans go to the exporter as they end, or with `batch` from a thread of its own."""
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        # Not Resource.create(): its detectors may add the command line, and with it the names of files.
        resource = Resource({"service.name": _SCOPE})
        exporting = span_exporter is not None
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=exporting)
        if span_exporter is not None:
            processor = BatchSpanProcessor if batch else SimpleSpanProcessor
            self._spans.add_span_processor(processor(span_exporter))
        readers = [metric_reader] if metric_reader is not None else []
        self._meters = MeterProvider(readers, resource=resource, shutdown_on_exit=bool(readers))
        self._tracer = self._spans.get_tracer(_SCOPE)
        self._open = True
        self._create_instruments()

    def _create_instruments(self) -> None:
        meter = self._meters.get_meter(_SCOPE)
        self._requests = meter.create_counter(REQUESTS, "{request}", "Questions, by the kind of their answer.")
        self._model_seconds = meter.create_histogram(
            OPERATION_DURATION, "s", "Time of a model call.", explicit_bucket_boundaries_advisory=SECONDS
        )
        self._tokens = meter.create_histogram(
            TOKEN_USAGE, "{token}", "Tokens of a model call.", explicit_bucket_boundaries_advisory=TOKENS
        )
        self._tool_seconds = meter.create_histogram(
            TOOL_DURATION, "s", "Time of a tool call.", explicit_bucket_boundaries_advisory=SECONDS
        )

    @contextmanager
    def question(self, session: str) -> Iterator[Question]:
        """One question of `session`, hashed unless it is a UUID, since people name sessions after people.

        An exception makes its kind "error", or "cancelled" where nobody waited for the answer.
        """
        from opentelemetry.trace import SpanKind

        attributes = {OPERATION: "invoke_agent", AGENT: _SCOPE, CONVERSATION: _conversation(session)}
        with self._span(f"invoke_agent {_SCOPE}", attributes, SpanKind.INTERNAL) as span:
            question = Question(span, {KIND: "unknown"})
            try:
                with _failures(question):
                    yield question
            except BaseException as error:
                question.answered("error" if isinstance(error, Exception) else "cancelled")
                raise
            finally:
                self._requests.add(1, {KIND: question.labels[KIND]})

    @contextmanager
    def model_call(self, model: str, provider: str) -> Iterator[ModelCall]:
        from opentelemetry.trace import SpanKind

        labels = {OPERATION: "chat", PROVIDER: _name(provider), REQUEST_MODEL: _name(model)}
        with self._span(f"chat {_name(model)}", labels, SpanKind.CLIENT) as span:
            call = ModelCall(span, labels, self._tokens)
            with _timed(call, self._model_seconds), _failures(call):
                yield call

    @contextmanager
    def tool_call(self, name: str, call_id: str) -> Iterator[ToolCall]:
        from opentelemetry.trace import SpanKind

        labels = {OPERATION: "execute_tool", TOOL: _name(name)}
        attributes = {**labels, TOOL_CALL: _name(call_id)}
        with self._span(f"execute_tool {_name(name)}", attributes, SpanKind.INTERNAL) as span:
            call = ToolCall(span, labels)
            with _timed(call, self._tool_seconds), _failures(call):
                yield call

    @contextmanager
    def _span(self, name: str, attributes: Mapping[str, str], kind: SpanKind) -> Iterator[Span]:
        """A span that is the current one meanwhile.

        The context is put back by attach, since detach logs an error where an asynchronous generator is
        closed in another context than it was opened in, as a front does when its reader leaves.
        """
        from opentelemetry import context, trace

        outer = context.get_current()
        span = self._tracer.start_span(name, kind=kind, attributes=attributes)
        inner = trace.set_span_in_context(span)
        context.attach(inner)
        try:
            yield span
        finally:
            span.end()
            if context.get_current() is inner:
                context.attach(outer)

    def shutdown(self) -> None:
        """Send what is left and end the threads; a second call does nothing."""
        if self._open:
            self._open = False
            self._spans.shutdown()
            self._meters.shutdown()


def start_telemetry(endpoint: str | None) -> Telemetry:
    """The process's telemetry, sent to the OTLP collector at `endpoint` ("http://host:4318"), or nowhere."""
    if not endpoint:
        return Telemetry()
    if not endpoint.startswith(("http://", "https://")):
        raise InputError("the telemetry endpoint is not an http:// or https:// address", "Use http://HOST:4318")
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        way_out = "pip install 'vcf-agent[otel]', or leave the endpoint out"
        raise InputError("the telemetry endpoint needs the OTLP exporter, which is not installed", way_out) from error
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    base = endpoint.rstrip("/")
    metrics = OTLPMetricExporter(endpoint=f"{base}/v1/metrics", timeout=EXPORT_TIMEOUT)
    spans = OTLPSpanExporter(endpoint=f"{base}/v1/traces", timeout=EXPORT_TIMEOUT)
    return Telemetry(spans, PeriodicExportingMetricReader(metrics), batch=True)


@contextmanager
def _failures(call: Call) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        call.failed(error)
        raise


@contextmanager
def _timed(call: Call, seconds: Histogram) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds.record(time.perf_counter() - start, call.labels)


def _name(value: str) -> str:
    """`value` if it is a name; a model may put anything at all into a tool's name or a call's id."""
    return value if _NAME.fullmatch(value) else "other"


def _conversation(session: str) -> str:
    return session if _UUID.fullmatch(session) else hashlib.sha256(session.encode(errors="replace")).hexdigest()[:16]
