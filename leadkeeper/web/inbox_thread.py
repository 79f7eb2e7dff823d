"""A conversation as the page shows it: days, messages with why and from where, and what happened beside them, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from leadkeeper.crm.spoken import Line, Spoken
from leadkeeper.jobs.conversation import Thread
from leadkeeper.web.media import SHOWN

LATE = timedelta(minutes=10)
"""A message that came in so much later than it was written says so."""
MAP = "https://www.openstreetmap.org/"

_PLAYERS = ("image", "audio", "video")


@dataclass(frozen=True, slots=True)
class File:
    """What came with a message. `show`: image, audio, video, or file (a download); `state` as the fetch left it."""

    show: str
    state: str
    name: str = ""
    url: str = ""
    size_bytes: float | None = None
    reason: str = ""
    voice: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One message. `job_id`: the job that decided about it, or that wrote it; `fired`: names of the rules behind it."""

    message: Spoken
    file: File | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    map_url: str = ""
    quoted: Spoken | None = None
    sources: Sequence[Mapping[str, Any]] = ()
    fired: Sequence[str] = ()
    job_id: int | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of the thread: a `day`, the `new` mark, a message (`said`), or a `line` beside the messages."""

    kind: str
    at: datetime
    day: date | None = None
    said: Said | None = None
    line: Line | None = None


def entries(thread: Thread, zone: ZoneInfo, *, newest: bool) -> list[Entry]:
    """Everything of one page of a thread in order of time. `newest`: its unread messages are marked."""
    by_external = {each.external_id: each for each in thread.messages if each.external_id}
    told = [Entry("said", each.created_at, said=_said(each, thread, by_external)) for each in thread.messages]
    told += [Entry("line", each.at, line=each) for each in thread.timeline]
    told.sort(key=lambda entry: entry.at)
    unread = _first_unread(thread) if newest else None
    made: list[Entry] = []
    today: date | None = None
    for entry in told:
        day = entry.at.astimezone(zone).date()
        if day != today:
            made.append(Entry("day", entry.at, day=day))
            today = day
        if unread is not None and entry.said is not None and entry.said.message.id == unread:
            made.append(Entry("new", entry.at))
        made.append(entry)
    return made


def _first_unread(thread: Thread) -> int | None:
    inbound = [each.id for each in thread.messages if each.direction == "in"]
    count = thread.conversation.unread
    return inbound[-count] if 0 < count < len(inbound) else None


def _said(message: Spoken, thread: Thread, by_external: Mapping[str, Spoken]) -> Said:
    about: Mapping[str, Any] = message.media or {}
    inbound = message.direction == "in"
    event = message.event_id or 0
    rule = thread.rules.get(message.rule_run_id or 0)
    found = about.get("details")
    details: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    return Said(
        message=message,
        file=_file(message, about),
        details=details,
        map_url=_map(details) if message.kind == "location" else "",
        quoted=by_external.get(message.reply_to) if message.reply_to else None,
        sources=() if inbound else thread.sources.get(message.draft_id or 0, ()),
        fired=thread.fired.get(event, ()) if inbound else [rule] if rule else (),
        job_id=thread.jobs.get(event) if inbound else message.job_id,
        late=inbound and message.created_at - message.occurred_at > LATE,
    )


def _file(message: Spoken, about: Mapping[str, Any]) -> File | None:
    """None where the message has no file; what a browser might run is never shown in the page, only offered."""
    kind = str(about.get("mimeType") or "").split(";")[0].strip().lower()
    name = str(about.get("filename") or "")
    if about.get("link"):
        return File("file", "linked", name, str(about["link"]))
    state = about.get("state") or ("linked" if about.get("providerId") else "")
    if not state or (state == "absent" and not kind):
        return None
    family = kind.split("/")[0]
    return File(
        show=family if family in _PLAYERS and kind in SHOWN else "file",
        state=str(state),
        name=name,
        url=f"/media/{message.id}" if state == "stored" and about.get("file") else "",
        size_bytes=about.get("sizeBytes"),
        reason=str(about.get("reason") or ""),
        voice=bool(about.get("voice")),
    )


def _map(details: Mapping[str, Any]) -> str:
    place = {"mlat": details.get("latitude"), "mlon": details.get("longitude")}
    if not all(isinstance(value, int | float) for value in place.values()):
        return ""
    return f"{MAP}?{urlencode(place)}#map=16/{place['mlat']}/{place['mlon']}"
