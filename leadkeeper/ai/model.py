"""What a language model is to us: one call with a fixed shape of answer. Providers live in `ai/providers/`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from leadkeeper.registry import Registry

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked. `seconds` is the deadline of one call."""

    url: str
    key: str
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's text. `estimated`: the server did not say how many tokens, so four characters count as one."""

    text: str
    model: str
    tokens_in: int
    tokens_out: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Adapted:
    """The endpoint refused a parameter; what it refused is left out from now on, so asking again may work."""

    reason: str


@dataclass(frozen=True, slots=True)
class Down:
    """No text: unreachable, too slow, out of quota, wrong key, or not the protocol we speak."""

    reason: str


Told = Completion | Adapted | Down


class Provider(Protocol):
    """One wire format. `complete` makes exactly one request and never raises for what the other side does."""

    name: str

    async def complete(self, http: httpx2.AsyncClient, endpoint: Endpoint, messages: Messages, schema: Mapping[str, Any]) -> Told:
        """Ask once. Retries belong to the caller, who counts them."""


providers: Registry[Provider] = Registry("AI provider", "leadkeeper.ai.providers")
