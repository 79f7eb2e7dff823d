"""Any endpoint that speaks OpenAI's chat completions: OpenAI, Groq, DeepSeek, Mistral, Ollama, vLLM, llama.cpp.

Servers differ in what they take. What one refuses is remembered for as long as the process lives:
a JSON schema, then plain JSON mode, then nothing but the prompt's word; the name of the token limit;
the temperature.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from leadkeeper.ai.model import Adapted, Completion, Down, Endpoint, Messages, Told, providers

MOST_TOKENS = 700
"""Tokens of one answer with its quotes; reasoning models take their thoughts out of the same purse."""
LADDER = ("json_schema", "json_object", "prompt")


@dataclass(slots=True)
class Habits:
    """What an endpoint takes, as far as it has told us."""

    rung: int = 0
    limit: str = "max_tokens"
    temperature: bool = True


class OpenAICompatible:
    """The provider used when LEADKEEPER_AI_URL is set."""

    name = "openai_compatible"

    def __init__(self) -> None:
        self._habits: dict[tuple[str, str], Habits] = {}

    def forget(self) -> None:
        """Learn every endpoint anew, for example after its server was changed."""
        self._habits.clear()

    async def complete(self, http: httpx2.AsyncClient, endpoint: Endpoint, messages: Messages, schema: Mapping[str, Any]) -> Told:
        """One POST to `<url>/chat/completions`, ended after `endpoint.seconds`, never repeated here."""
        habits = self._habits.setdefault((endpoint.url, endpoint.model), Habits())
        headers = {"authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        body = _body(endpoint, messages, schema, habits)
        try:
            async with asyncio.timeout(endpoint.seconds):
                answer = await http.post(f"{endpoint.url}/chat/completions", json=body, headers=headers, timeout=endpoint.seconds)
        except TimeoutError:
            return Down(f"no answer within {endpoint.seconds:g} s")
        except httpx2.HTTPError as error:
            return Down(f"{type(error).__name__}: {error}"[:200])
        if answer.status_code in (400, 422):
            return _adapt(habits, answer.text)
        if answer.status_code != 200:
            return Down(f"HTTP {answer.status_code}")
        return _read(answer, endpoint, messages)


def _body(endpoint: Endpoint, messages: Messages, schema: Mapping[str, Any], habits: Habits) -> dict[str, Any]:
    body: dict[str, Any] = {"model": endpoint.model, "messages": list(messages), habits.limit: MOST_TOKENS}
    if habits.temperature:
        body["temperature"] = 0
    match LADDER[habits.rung]:
        case "json_schema":
            shape = {"name": "reply", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        case "json_object":
            body["response_format"] = {"type": "json_object"}
    return body


def _adapt(habits: Habits, said: str) -> Told:
    """Leave out what a 400 complains about; without a word we know, step down the ladder."""
    low = said.lower()
    if "max_completion_tokens" in low and habits.limit == "max_tokens":
        habits.limit = "max_completion_tokens"
    elif "temperature" in low and habits.temperature:
        habits.temperature = False
    elif habits.rung < len(LADDER) - 1:
        habits.rung += 1
    else:
        return Down("HTTP 400")
    return Adapted(f"refused: {said[:120]}")


def _read(answer: httpx2.Response, endpoint: Endpoint, messages: Messages) -> Told:
    try:
        body = answer.json()
        text = _text(body["choices"][0]["message"]["content"])
    except (ValueError, KeyError, IndexError, TypeError):
        return Down("the answer is no chat completion")
    if not text.strip():
        return Down("the answer is empty")
    model = str(body.get("model") or endpoint.model)
    match body.get("usage"):
        case {"prompt_tokens": int(spent), "completion_tokens": int(made)}:
            return Completion(text, model, spent, made)
    return Completion(text, model, len(json.dumps(list(messages))) // 4, len(text) // 4, estimated=True)


def _text(content: Any) -> str:
    """The text of a message, which some servers cut into parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return str(content or "")


providers.add(OpenAICompatible.name, OpenAICompatible())
