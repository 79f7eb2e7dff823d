"""The inbox in plain words: what happened beside the messages, who handles a conversation, what a file is."""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

from leadkeeper.crm.spoken import Line
from leadkeeper.rules import labels
from leadkeeper.web.filters import MONTHS, humanise
from leadkeeper.web.words import t

LINES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "given_back": ("{who} gave it back to the AI", "Given back to the AI"),
    "closed": ("{who} closed the conversation", "The conversation was closed"),
    "reopened": ("{who} opened the conversation again", "The conversation was opened again"),
    "wrote_in_app": ("A colleague answered in the provider’s own app", "A colleague answered in the provider’s own app"),
    "moved": ("Their number or id changed: {old} is now {new}", "Their number or id changed: {old} is now {new}"),
    "edited": ("The customer changed a message", "The customer changed a message"),
    "deleted": ("The customer deleted a message", "The customer deleted a message"),
    "retried": ("{who} tried to send a message again", "A message was tried again"),
    "in_doubt": ("Nobody knows whether a message arrived", "Nobody knows whether a message arrived"),
    "send_failed": ("A message could not be delivered", "A message could not be delivered"),
    "opt_in": ("{who} noted that messages are welcome again", "The customer takes messages again"),
    "opt_out": ("{who} noted that the customer wants no messages", "The customer asked for no more messages"),
    "ingested": ("The lead came from {source}", "The lead came from {source}"),
    "stage": ("The stage is now {stage}", "The stage is now {stage}"),
    "handed_over": ("Handed over to a person", "Handed over to a person"),
    "override": ("{who} wrote although messages are unwanted: {reason}", "Written although messages are unwanted: {reason}"),
    "took": ("{who} took over", "A person took over"),
    "assigned": ("{who} assigned it to {to}", "Assigned to {to}"),
    "arrived": ("{who} saw that a message had arrived", "A message had arrived"),
    "resent": ("{who} sent a message again", "A message was sent again"),
    "unsettled": ("{who} took back what was said of a message in doubt", "What was said of a message in doubt was taken back"),
    "lead": ("{who} changed {changes}", "Changed: {changes}"),
})  # fmt: skip
"""Each kind of line: with the name of who did it, and without."""

FIELDS: Mapping[str, str] = MappingProxyType({
    "name": "name", "phone": "phone", "email": "e-mail", "nationality": "nationality", "company": "company", "stage": "stage",
    "service": "service", "score": "score", "owner_id": "owner", "next_follow_up_at": "next follow-up", "notes": "notes",
    "autopilot": "automatic messages", "fields": "details", "expiries": "expiries",
})  # fmt: skip
"""What the lead's fields are called inside a sentence."""

KINDS: Mapping[str, str] = MappingProxyType({
    "image": "Photo", "video": "Video", "audio": "Voice note", "document": "Document", "sticker": "Sticker", "location": "Place",
    "contacts": "Contact card", "order": "Order", "form": "Form", "media": "File", "template": "Template", "button": "Button",
    "interactive": "Choice", "unsupported": "A message this channel cannot pass on", "unknown": "A message of an unknown kind",
})  # fmt: skip
"""What a message without words is called."""

TASKS: Mapping[str, str] = MappingProxyType({
    "handover": "Hand-over", "no_answer": "No answer", "renewal": "Renewal", "follow_up": "Follow-up",
    "send_failed": "Not delivered", "send_in_doubt": "In doubt",
})  # fmt: skip
"""What kinds of tasks are called."""

ICONS: Mapping[str, str] = MappingProxyType({
    "note": "note", "handed_over": "person", "assigned": "person", "given_back": "robot", "lead": "edit", "stage": "chart",
    "opt_out": "mute", "opt_in": "check", "edited": "edit", "deleted": "trash", "in_doubt": "alert", "send_failed": "alert",
    "settled": "check", "closed": "check", "ingested": "plus", "retried": "retry", "wrote_in_app": "phone", "moved": "phone",
    "unsettled": "retry",
})  # fmt: skip

Say = Callable[[str, Mapping[str, Any], Mapping[int, str]], dict[str, Any]]


def line(lang: str, found: Line, people: Mapping[int, str]) -> str:
    """What a line of the timeline says; `people` are names by user id."""
    kind = _kind(found)
    with_name, without = LINES.get(kind, ("", ""))
    if not with_name:
        return t(lang, humanise(found.kind))
    values = _VALUES.get(kind, _nothing)(lang, found.data, people)
    if found.user_name:
        values["who"] = _name(found.user_name)
        return t(lang, with_name, **values)
    return t(lang, without, **values) if values else t(lang, without)


def _kind(found: Line) -> str:
    if found.kind == "assigned" and found.data.get("to") == found.user_id:
        return "took"
    if found.kind == "settled":
        return "resent" if found.data.get("how") == "resent" else "arrived"
    return found.kind


def _nothing(lang: str, data: Mapping[str, Any], people: Mapping[int, str]) -> dict[str, Any]:
    return {}


def _changes(lang: str, data: Mapping[str, Any], people: Mapping[int, str]) -> dict[str, Any]:
    told = []
    for name, value in dict(data.get("changes") or {}).items():
        words = t(lang, FIELDS.get(name, humanise(name)))
        told.append(Markup("{} ({})").format(words, _name(_value(lang, name, value, people))) if value is not None else words)
    return {"changes": escape(t(lang, ", ")).join(told)}


def _value(lang: str, name: str, value: Any, people: Mapping[int, str]) -> str:
    if name == "stage":
        return t(lang, humanise(str(value)))
    if name == "service":
        return service(lang, str(value))
    if name == "owner_id":
        return people.get(value, f"#{value}")
    if name == "autopilot":
        return t(lang, "on") if value else t(lang, "off")
    if name == "expiries" and isinstance(value, Mapping):
        return t(lang, ", ").join(f"{expiry(lang, kind)}: {on or '–'}" for kind, on in value.items())
    if isinstance(value, Mapping):
        return t(lang, ", ").join(f"{humanise(str(key))}: {held}" for key, held in value.items())
    text = str(value)
    return text[:10] if name == "next_follow_up_at" else text if len(text) <= 60 else f"{text[:60]}…"


_VALUES: Mapping[str, Say] = {
    "override": lambda lang, data, people: {"reason": _name(data.get("reason", ""))},
    "stage": lambda lang, data, people: {"stage": t(lang, humanise(str(data.get("stage", ""))))},
    "assigned": lambda lang, data, people: {"to": _name(people.get(data.get("to", 0), "?"))},
    "ingested": lambda lang, data, people: {"source": _name(t(lang, humanise(str(data.get("source", "")))))},
    "moved": lambda lang, data, people: {end: _name(data.get(end, "")) for end in ("old", "new")},
    "lead": _changes,
}


def _name(words: object) -> Markup:
    return Markup("<bdi>{}</bdi>").format(escape(words))


def service(lang: str, code: str | None) -> str:
    """What a service is called."""
    return "" if code is None else labels.service(code, lang) or t(lang, humanise(code))


def expiry(lang: str, kind: str) -> str:
    """What an expiring thing is called, as a title."""
    name = labels.expiry(kind, lang)
    return t(lang, "Other") if name is None else name[:1].upper() + name[1:]


def preview(lang: str, text: str | None) -> str:
    """The last line of a conversation; `[audio]` in words people use."""
    words = " ".join((text or "").split())
    if words.startswith("[") and words.endswith("]"):
        return t(lang, KINDS.get(words[1:-1], humanise(words[1:-1])))
    return words[:110]


def brief(lang: str, seconds: float) -> str:
    """A waiting time in its largest unit: 40 s, 12 min, 3 h, 2 d."""
    if seconds < 60:
        return t(lang, "{n} s", n=int(max(seconds, 0)))
    if seconds < 3600:
        return t(lang, "{n} min", n=int(seconds // 60))
    if seconds < 86_400:
        return t(lang, "{n} h", n=int(seconds // 3600))
    return t(lang, "{n} d", n=int(seconds // 86_400))


def on(lang: str, day: date) -> str:
    """A date as people write it: 23 Nov 2026."""
    return f"{day.day} {t(lang, MONTHS[day.month - 1])} {day.year}"


def size(lang: str, size_bytes: float | None) -> str:
    """A file's size: 12 KB, 3.4 MB; nothing when nobody said."""
    if not size_bytes:
        return ""
    if size_bytes < 1024 * 1024:
        return t(lang, "{n} KB", n=max(1, round(size_bytes / 1024)))
    return t(lang, "{n} MB", n=f"{size_bytes / 1024 / 1024:.1f}")
