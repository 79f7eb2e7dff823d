"""WhatsApp Cloud API, the door: the subscription's challenge and the signature over the raw bytes."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from leadkeeper.errors import BadSignature

HEADER = "x-hub-signature-256"
_SCHEME = "sha256="


def verify(secret: bytes, headers: Mapping[str, str], body: bytes) -> None:
    """Raises BadSignature unless X-Hub-Signature-256 is the HMAC-SHA256 of the raw body.

    `headers` must look names up without regard to case (Starlette's do) or hold them in lower
    case. An empty secret verifies nothing: it raises. The comparison takes the same time for every
    wrong value, whatever its length.
    """
    given = headers.get(HEADER) or ""
    expected = _SCHEME + hmac.new(secret, body, hashlib.sha256).hexdigest()
    same = hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
    if not secret or not same:
        raise BadSignature("whatsapp")


def sign(secret: bytes, body: bytes) -> str:
    """The header's value for `body`, as the provider makes it (for the simulator and the tests)."""
    return _SCHEME + hmac.new(secret, body, hashlib.sha256).hexdigest()


def challenge(query: Mapping[str, str], verify_tokens: Iterable[str]) -> str | None:
    """What the subscription's GET must answer, as plain text; None when it is to be refused (403).

    Any of `verify_tokens` may match: several accounts stand behind one address. Empty tokens match nothing.
    """
    given = query.get("hub.verify_token", "").encode("utf-8", "replace")
    matches = [hmac.compare_digest(given, token.encode()) for token in verify_tokens if token]
    wanted = query.get("hub.mode") == "subscribe" and any(matches)
    return query.get("hub.challenge", "") if wanted else None
