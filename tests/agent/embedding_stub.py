"""A server on a loopback port that speaks OpenAI's protocol for embeddings."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class EmbeddingStub:
    """Gives each text a vector of its own, of as many numbers as were asked for; `act` spoils the reply.

    `texts` holds every text that came, `requests` every request.
    """

    def __init__(self) -> None:
        self.act = ""
        self.texts: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, request: dict[str, Any]) -> tuple[int, object]:
        self.requests.append(request)
        texts = request["input"]
        self.texts += texts
        if self.act == "500":
            return 500, {"error": {"message": "crashed at key sk-live-abcdef123456"}}
        vectors = [_vector(t, request["dimensions"] // (2 if self.act == "wrong dimension" else 1)) for t in texts]
        if self.act == "short":
            vectors.pop()
        if self.act == "zero":
            vectors[0] = [0.0] * len(vectors[0])
        if self.act == "words":
            vectors[0] = ["one"] * len(vectors[0])  # type: ignore[list-item]
        if self.act == "NaN":
            vectors[0][3] = float("nan")
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return 200, {"object": "list", "data": data[::-1], "model": request["model"], "usage": usage}


def _vector(text: str, size: int) -> list[float]:
    """Of its words, so that texts with words in common are near."""
    vector = [0.01] * size
    for word in text.lower().split():
        vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % size] += 1.0
    return vector


class _Handler(BaseHTTPRequestHandler):
    stub: EmbeddingStub

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.path == "/v1/embeddings"
        status, content = self.stub.reply(body)
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
