"""The provider's error codes and what follows from each.

Built on `code` and `error_data.details`, never on titles. Source: Meta's "Error codes" page of the
Cloud API as of 2026-05. An answer whose code is not listed here is believed only where HTTP itself
says that the request was refused (4xx, not marked transient); everything else is of unknown
outcome and never repeated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from leadkeeper.channels.base import Accepted, JsonObject, Refused, Rejected, SendResult, Unknown
from leadkeeper.channels.whatsapp.graph import Answer
from leadkeeper.channels.whatsapp.reading import listed, obj, prose, word


@dataclass(frozen=True, slots=True)
class Again:
    """Transient and documented as not accepted: an ordinary retry, at most `tries` of them where given; then `action`."""

    tries: int | None = None
    action: str = "fail"


@dataclass(frozen=True, slots=True)
class Wait:
    """A limit: snooze for `seconds`, `growth` times longer each attempt up to `longest`; uses no try. `scope` as in `Refused`."""

    seconds: float
    scope: str = "message"
    growth: float = 1
    longest: float = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Never:
    """The provider will not take this message; `action` as in `Rejected`."""

    action: str = "fail"


Reaction = Again | Wait | Never

_HOUR, _DAY = 3_600, 86_400
_AGAIN = (1, 2, 131000, 131016, 135000)
_HALT = (0, 3, 10, 190, 368, 131005, 131031, 131042, 131044)
_FAIL = (
    33, 100, 130472, 130497, 131008, 131009, 131021, 131026, 131030, 131037, 131045, 131051, 131063,
    132000, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068, 132069, 133010,
)  # fmt: skip

TABLE: Mapping[int, Reaction] = {
    **{code: Again() for code in _AGAIN},
    131052: Again(tries=1, action="link"),
    131053: Again(tries=1, action="link"),
    4: Wait(60, "account"),
    80007: Wait(60, "account"),
    130429: Wait(1, "account", growth=2, longest=60),
    131057: Wait(60, "account"),
    131056: Wait(1, "pair", growth=4, longest=256),
    131048: Wait(15 * 60, "proactive", growth=2, longest=_DAY),
    131064: Wait(_DAY, "proactive"),
    131049: Wait(_DAY, "message", growth=2),
    131047: Never("template"),
    131050: Never("opt_out"),
    131062: Never("phone"),
    132001: Never("language"),
    137000: Never("hand_over"),
    **{code: Never("halt") for code in (*_HALT, *range(200, 300))},
    **{code: Never() for code in _FAIL},
}

_TOO_MANY = Wait(60, "account")
"""HTTP 429 with no code of its own."""

_REASON_LIMIT = 500


def result_of(answer: Answer, attempt: int, token: str = "") -> SendResult:
    """What a send has come to. `attempt` counts from 1; `token` is blotted out of the reason, some answers quote it."""
    data = answer.data or {}
    provider_id = _message_id(data)
    if provider_id and 200 <= answer.status < 300:
        return Accepted(provider_id, _address(data))
    error = obj(data.get("error"))
    code = _code(error)
    reason = _reason(error, answer.status, token)
    reaction = TABLE.get(code) if code is not None else None
    if reaction is None and answer.status == 429:
        reaction = _TOO_MANY
    if reaction is not None:
        return _react(reaction, code if code is not None else answer.status, reason, attempt, answer)
    if code is not None and 400 <= answer.status < 500 and error.get("is_transient") is not True:
        return Rejected(str(code), reason, asked=True)
    return Unknown(reason)


def action_of(code: str | None) -> str:
    """What the failure of a message with this code asks for, as `Rejected.action`: a status tells it without an answer."""
    reaction = TABLE.get(int(code)) if code is not None and re.fullmatch(r"\d{1,9}", code) else None
    return "fail" if reaction is None or isinstance(reaction, Wait) else reaction.action


def failure_of(answer: Answer, token: str = "") -> tuple[str | None, str]:
    """(code, reason) of an answer that is no success, for calls that only read."""
    error = obj((answer.data or {}).get("error"))
    code = _code(error)
    return (None if code is None else str(code)), _reason(error, answer.status, token)


def _react(reaction: Reaction, code: int, reason: str, attempt: int, answer: Answer) -> SendResult:
    if isinstance(reaction, Again):
        spent = reaction.tries is not None and attempt > reaction.tries
        if spent:
            return Rejected(str(code), reason, reaction.action, asked=True)
        return Refused(reason, code=str(code), down=reaction.tries is None)
    if isinstance(reaction, Wait):
        grown = min(reaction.seconds * reaction.growth ** min(attempt - 1, 20), reaction.longest)
        after = timedelta(seconds=max(grown, _retry_after(answer)))
        return Refused(reason, counts=False, after=after, scope=reaction.scope, code=str(code))
    return Rejected(str(code), reason, reaction.action, asked=True)


def _retry_after(answer: Answer) -> float:
    """Seconds the provider asks for, at most an hour; dates and nonsense are none."""
    given = answer.headers.get("retry-after", "")
    return min(float(given), _HOUR) if re.fullmatch(r"\d{1,6}", given) else 0


def _message_id(data: JsonObject) -> str:
    return word(next(listed(data.get("messages")), {}).get("id"), 300)


def _address(data: JsonObject) -> str | None:
    contact = next(listed(data.get("contacts")), {})
    return word(contact.get("wa_id")) or word(contact.get("user_id")) or None


def _code(error: JsonObject) -> int | None:
    """The code of a well-formed error object; an object without one is not well-formed."""
    code = error.get("code")
    if isinstance(code, bool):
        return None
    if isinstance(code, str) and re.fullmatch(r"\d{1,9}", code):
        return int(code)
    return code if isinstance(code, int) else None


def _reason(error: JsonObject, status: int, token: str) -> str:
    details = (
        prose(obj(error.get("error_data")).get("details"))
        or prose(error.get("message"))
        or f"HTTP {status} without a known answer"
    )
    trace = word(error.get("fbtrace_id"), 64)
    text = f"{details[:_REASON_LIMIT]} (trace {trace})" if trace else details[:_REASON_LIMIT]
    return text.replace(token, "***") if len(token) >= 8 else text
