"""An OpenAI-compatible server at the transport: scripted answers, every request kept."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx2

Script = Callable[[dict[str, Any]], httpx2.Response]


class FakeModel:
    """Answers each request with the next step of its script; the last step goes on for ever."""

    def __init__(self, *script: Script) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[httpx2.Headers] = []

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/v1/chat/completions"
        body = json.loads(request.content)
        self.requests.append(body)
        self.headers.append(request.headers)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return step(body)


def says(content: Any, usage: bool = True) -> Script:
    """A well-formed completion of this content."""
    body: dict[str, Any] = {"model": "tiny-1", "choices": [{"message": {"role": "assistant", "content": content}}]}
    if usage:
        body["usage"] = {"prompt_tokens": 100, "completion_tokens": 20}
    return lambda _: httpx2.Response(200, json=body)


def writes(text: str, citations: Sequence[str] = ("P1",), quotes: Sequence[str] = (), decision: str = "answer") -> Script:
    """A completion in the shape we ask for."""
    return says(json.dumps({"decision": decision, "text": text, "citations": citations, "quotes": quotes}, ensure_ascii=False))


def fails(status: int, text: str = "") -> Script:
    """An HTTP error."""
    return lambda _: httpx2.Response(status, text=text)


def breaks(error: Exception) -> Script:
    """A transport error."""

    def step(_: dict[str, Any]) -> httpx2.Response:
        raise error

    return step
