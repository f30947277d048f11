"""A server on a loopback port that speaks the protocols of OpenAI, Anthropic and Ollama, by a script."""

import json
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = (11, 7)  # input and output tokens of every reply
ERRORS = {"400": 400, "401": 401, "429": 429, "500": 500, "503": 503}
LEAK = "no sk-live-abcdef123456 at https://me:pw@host.example/v1?key=sk-live-abcdef123456\x1b[31m\nnext"


@dataclass(frozen=True)
class Answer:
    text: str = ""
    tool: str | None = None
    arguments: str = "{}"
    stop: str = "stop"


ANSWERS = {
    "text": Answer("There are 148 records."),
    "other": Answer("There are 36 records."),
    "tool": Answer("Let me see. ", "count_variants", '{"dataset": "cohort", "region": "chr20"}'),
    "bad arguments": Answer("Hm. ", "count_variants", '{"dataset": "cohort", "reg'),
    "list arguments": Answer("", "count_variants", '["cohort"]'),
    "no arguments": Answer("", "list_datasets", ""),
    "unknown tool": Answer("", "drop_tables", "{}"),
    "empty": Answer("  "),
    "length": Answer("There are 1", stop="length"),
}
# What happens to the stream of ANSWERS["text"] once half of it is out.
BREAKS = ("broken", "closed early", "error event", "stalled")


class ModelStub:
    """Set `script` to what the next requests meet; its last entry is repeated. `requests` holds what came.

    The entries name an `Answer` in `answers`, to which a test may add its own, or a failure.
    """

    def __init__(self) -> None:
        self.script = ["text"]
        self.answers = dict(ANSWERS)
        self.requests: list[dict[str, Any]] = []
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self, request: dict[str, Any]) -> str:
        self.requests.append(request)
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def closed_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Handler(BaseHTTPRequestHandler):
    stub: ModelStub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # the client left
            self.close_connection = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        act = self.stub.take({"path": self.path, "body": body, "headers": dict(self.headers)})
        if act in ERRORS:
            self.whole(ERRORS[act], {"error": {"type": "some_error", "message": LEAK}})
        elif act == "hang":
            self.hang()
        elif act == "nonsense":
            self.whole(200, {"hello": "world"})
        elif body.get("stream"):
            self.stream(act)
        else:
            self.whole(200, PLAIN[self.path](self.stub.answers[act]))

    def whole(self, status: int, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if status in (429, 503):
            self.send_header("retry-after", "30")
        self.end_headers()
        self.wfile.write(data)

    def hang(self) -> None:
        """Until the client leaves or the test is over."""
        self.close_connection = True
        while not self.stub.over.wait(0.02):
            if select.select([self.connection], [], [], 0)[0]:
                return

    def stream(self, act: str) -> None:
        events = list(STREAM[self.path](self.stub.answers["text" if act in BREAKS else act]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        if act != "closed early":
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events[: len(events) // 2] if act in BREAKS else events:
            self.part(event, chunked=act != "closed early")
        self.end(act)

    def end(self, act: str) -> None:
        if act == "error event":
            self.part(ERROR_EVENT[self.path], chunked=True)
        if act == "stalled":
            self.hang()
        elif act not in ("broken", "closed early"):
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def part(self, event: str, chunked: bool) -> None:
        data = event.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)


def _pieces(text: str) -> list[str]:
    return [text[i : i + 5] for i in range(0, len(text), 5)]


def _sse(event: dict[str, Any], name: str = "") -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(event)}\n\n"


def _openai_usage() -> dict[str, int]:
    return {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)}


def _openai(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.tool:
        call = {"name": answer.tool, "arguments": answer.arguments}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
    stop = "tool_calls" if answer.tool else answer.stop
    choice = {"index": 0, "message": message, "finish_reason": stop}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": _openai_usage(),
    }


def _openai_stream(answer: Answer) -> Iterator[str]:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def delta(change: dict[str, Any], stop: str | None = None) -> str:
        return _sse(head | {"choices": [{"index": 0, "delta": change, "finish_reason": stop}]})

    yield delta({"role": "assistant", "content": ""})
    yield from (delta({"content": piece}) for piece in _pieces(answer.text))
    if answer.tool:
        start = {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": answer.tool, "arguments": ""},
        }
        yield delta({"tool_calls": [start]})
        for piece in _pieces(answer.arguments):
            yield delta({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    yield delta({}, "tool_calls" if answer.tool else answer.stop)
    yield _sse(head | {"choices": [], "usage": _openai_usage()})
    yield "data: [DONE]\n\n"


def _anthropic_stop(answer: Answer) -> str:
    return "tool_use" if answer.tool else {"stop": "end_turn", "length": "max_tokens"}[answer.stop]


def _anthropic(answer: Answer) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text else []
    if answer.tool:
        arguments = json.loads(answer.arguments or "{}")
        content.append({"type": "tool_use", "id": "call_1", "name": answer.tool, "input": arguments})
    usage = {"input_tokens": USAGE[0], "output_tokens": USAGE[1]}
    head = {"id": "m1", "type": "message", "role": "assistant", "model": "m"}
    return head | {"content": content, "stop_reason": _anthropic_stop(answer), "usage": usage}


def _anthropic_stream(answer: Answer) -> Iterator[str]:
    def event(kind: str, **more: Any) -> str:
        return _sse({"type": kind, **more}, kind)

    usage = {"input_tokens": USAGE[0], "output_tokens": 1}
    head = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": []}
    yield event("message_start", message=head | {"stop_reason": None, "usage": usage})
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in _pieces(answer.text):
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield event("content_block_stop", index=0)
    if answer.tool:
        block = {"type": "tool_use", "id": "call_1", "name": answer.tool, "input": {}}
        yield event("content_block_start", index=1, content_block=block)
        for piece in _pieces(answer.arguments):
            yield event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": piece})
        yield event("content_block_stop", index=1)
    yield event("message_delta", delta={"stop_reason": _anthropic_stop(answer)}, usage={"output_tokens": USAGE[1]})
    yield event("message_stop")


def _ollama(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.tool:
        call = {"name": answer.tool, "arguments": json.loads(answer.arguments or "{}")}
        message["tool_calls"] = [{"function": call}]
    return _ollama_line(message) | _ollama_end(answer)


def _ollama_line(message: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": False}


def _ollama_end(answer: Answer) -> dict[str, Any]:
    return {"done": True, "done_reason": answer.stop, "prompt_eval_count": USAGE[0], "eval_count": USAGE[1]}


def _ollama_stream(answer: Answer) -> Iterator[str]:
    lines = [_ollama_line({"role": "assistant", "content": piece}) for piece in _pieces(answer.text)]
    if answer.tool:
        lines.append(_ollama_line(_ollama(answer)["message"] | {"content": ""}))
    lines.append(_ollama_line({"role": "assistant", "content": ""}) | _ollama_end(answer))
    yield from (json.dumps(line) + "\n" for line in lines)


PLAIN = {"/v1/chat/completions": _openai, "/v1/messages": _anthropic, "/api/chat": _ollama}
STREAM = {
    "/v1/chat/completions": _openai_stream,
    "/v1/messages": _anthropic_stream,
    "/api/chat": _ollama_stream,
}
ERROR_EVENT = {
    "/v1/chat/completions": _sse({"error": {"message": "crashed", "type": "server_error"}}),
    "/v1/messages": _sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error"),
    "/api/chat": json.dumps({"error": "the model runner has stopped"}) + "\n",
}
