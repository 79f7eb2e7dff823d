"""The older shape of a rule, {name, type, channel, daysBeforeExpiry?, followupAfterDays?}, as a document of today."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from leadkeeper.errors import Invalid

FIELDS = ("name", "type", "channel", "daysBeforeExpiry", "followupAfterDays", "template", "isActive")

_EXPIRY = {
    "en": "Hello {name}, your {expiry_kind} expires on {expiry}. Would you like us to prepare the renewal?",
    "ar": "مرحبًا {name}، تنتهي صلاحية {expiry_kind} بتاريخ {expiry}. هل ترغب أن نجهّز لك التجديد؟",
}
_EXPIRED = {
    "en": "Hello {name}, your {expiry_kind} expired on {expiry}. Shall we renew it now?",
    "ar": "مرحبًا {name}، انتهت صلاحية {expiry_kind} بتاريخ {expiry}. هل نجدّدها الآن؟",
}
_FOLLOW_UP = {
    "en": "Hello {name}, we are following up on {service}. Do you have any question we can answer?",
    "ar": "مرحبًا {name}، نتابع معك بخصوص {service}. هل لديك أي سؤال يمكننا الإجابة عنه؟",
}
_RENEWAL = {"action": "create_task", "instead": True, "kind": "renewal", "title": "Renewal: {expiry_kind} of {name} on {expiry}"}
_CALL = {"action": "create_task", "instead": True, "kind": "follow_up", "title": "Follow up with {name} about {service}"}

Parts = dict[str, Any]


def from_legacy(given: Mapping[str, Any]) -> dict[str, Any]:
    """The rule document an older request means. Raises Invalid naming each wrong field.

    `expiry_reminder` needs `daysBeforeExpiry`, `followup_due` needs `followupAfterDays`. `template`, if
    given, is the text to send. `isActive` is left to the caller.
    """
    problems = {str(name): "unknown" for name in given if name not in FIELDS}
    make = _TYPES.get(str(given.get("type", "")).lower())
    if make is None:
        problems["type"] = f"must be one of {', '.join(_TYPES)}"
    channel = given.get("channel")
    if channel is not None and (not isinstance(channel, str) or not channel.strip()):
        problems["channel"] = "must be the name of a channel"
    text = given.get("template")
    if text is not None and not isinstance(text, str):
        problems["template"] = "must be a text"
    parts: Parts = {}
    if make is not None:
        try:
            parts = make(given, {"en": text} if text else None)
        except Invalid as error:
            problems |= error.fields
    if problems:
        raise Invalid("the rule was not saved: " + "; ".join(f"{at}: {what}" for at, what in problems.items()), problems)
    when = [{"fact": "channel", "is": channel.strip().lower()}] if channel else []
    key = f"{str(given['type']).lower()}_{secrets.token_hex(4)}"
    return {"key": key, "name": given.get("name"), "when": {"all": when}, **parts}


def _expiry_reminder(given: Mapping[str, Any], text: Parts | None) -> Parts:
    days = _days(given, "daysBeforeExpiry")
    send = {"action": "send_text", "text": text or _EXPIRY}
    return {"trigger": {"kind": "date.approaching", "days": days, "catchUpDays": min(1, days)}, "do": [send, dict(_RENEWAL)]}


def _followup_due(given: Mapping[str, Any], text: Parts | None) -> Parts:
    days = _days(given, "followupAfterDays")
    send = {"action": "send_text", "text": text or _FOLLOW_UP}
    again = {"action": "set_follow_up", "inDays": days}
    return {"trigger": {"kind": "followup.due", "silentDays": days}, "do": [send, dict(_CALL), again]}


def _instant_reply(given: Mapping[str, Any], text: Parts | None) -> Parts:
    do = {"action": "send_text", "text": text} if text else {"action": "answer"}
    return {"trigger": {"kind": "message.received"}, "do": [do]}


def _no_reply_followup(given: Mapping[str, Any], text: Parts | None) -> Parts:
    send = {"action": "send_text", "text": text or _FOLLOW_UP}
    return {"trigger": {"kind": "customer.silent", "hours": 24}, "do": [send, dict(_CALL)]}


def _overdue(given: Mapping[str, Any], text: Parts | None) -> Parts:
    send = {"action": "send_text", "text": text or _EXPIRED}
    return {"trigger": {"kind": "date.approaching", "days": -1}, "do": [send, dict(_RENEWAL)]}


_TYPES: Mapping[str, Callable[[Mapping[str, Any], Parts | None], Parts]] = {
    "expiry_reminder": _expiry_reminder,
    "followup_due": _followup_due,
    "instant_reply": _instant_reply,
    "no_reply_followup": _no_reply_followup,
    "overdue": _overdue,
}


def _days(given: Mapping[str, Any], name: str) -> int:
    days = given.get(name)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 365:
        raise Invalid("the rule was not saved", {name: "must be a number of days from 1 to 365"})
    return days
