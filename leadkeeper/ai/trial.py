"""Does a model endpoint answer? One short question, as `respond` would ask it."""

from dataclasses import dataclass

import httpx2

from leadkeeper import clock
from leadkeeper.ai.model import Adapted, Completion, Endpoint, providers
from leadkeeper.ai.respond import PROVIDER

CALLS = 4
"""An endpoint may refuse a parameter, then another: each is left out in turn."""
_ASKED = ({"role": "user", "content": 'Reply with this JSON object and nothing else: {"ok": true}'},)
_SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Trial:
    """What trying came to. `reason` says what is wrong, without anything secret."""

    ok: bool
    model: str = ""
    reason: str = ""
    seconds: float = 0.0


async def trial(http: httpx2.AsyncClient, endpoint: Endpoint) -> Trial:
    """Ask the endpoint once for real. Never raises for what it does."""
    started = clock.monotonic()
    reason = ""
    for _ in range(CALLS):
        told = await providers.get(PROVIDER).complete(http, endpoint, _ASKED, _SCHEMA)
        if isinstance(told, Completion):
            return Trial(True, told.model, seconds=clock.monotonic() - started)
        reason = told.reason
        if not isinstance(told, Adapted):
            break
    return Trial(False, reason=reason, seconds=clock.monotonic() - started)
