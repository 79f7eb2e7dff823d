"""Logs: one JSON object a line, with ids, never with what somebody wrote.

Only numbers, booleans and the short texts named in `WORDS` leave the process. An error is logged
by its type and its place in the code; its own text may hold a message or a phone number and is
left out, unless it is one of ours or says something about the operating system.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from leadkeeper.errors import LeadkeeperError

WORDS = frozenset(
    {"channel", "code", "host", "job_type", "kind", "method", "outcome", "path", "reason", "route", "rule", "state", "status"}
    | {"topic", "type", "version", "worker"}
)
"""Extra fields whose text is ours (names, states, routes), not a customer's."""

LONGEST = 200
BIGGEST_BYTES = 20_000_000
"""A log file longer than this is put aside as `.1` when the process starts."""

_ids: ContextVar[Mapping[str, object] | None] = ContextVar("leadkeeper_log_ids", default=None)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Add ids to every line logged inside the block, in this task or thread: `bound(job_id=4821)`."""
    token = _ids.set({**(_ids.get() or {}), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def set_up(style: Literal["json", "text"] = "json", file: Path | None = None, level: int = logging.INFO) -> None:
    """Send everything logged in this process to `file`, or to standard error."""
    if file is None:
        handler: logging.Handler = logging.StreamHandler(sys.stderr)
    else:
        _put_aside(file)
        handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(JsonLines() if style == "json" else PlainLines())
    root = logging.getLogger()
    for former in root.handlers:
        if isinstance(former.formatter, JsonLines | PlainLines):
            former.close()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("httpx2", "httpcore2", "alembic", "sqlalchemy", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


class JsonLines(logging.Formatter):
    """One record as one JSON object: at, level, logger, event, then ids, then the error's type and place."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        return json.dumps(fields(record), ensure_ascii=False, default=str)


class PlainLines(logging.Formatter):
    """The same content for people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        shown = fields(record)
        head = f"{shown.pop('at')} {shown.pop('level'):<7} {shown.pop('logger')}: {shown.pop('event')}"
        return " ".join([head, *(f"{name}={value}" for name, value in shown.items())])


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What of a record may leave the process, in the order it is written."""
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    given = {**(_ids.get() or {}), **extra}
    return {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": _event(record),
        **{name: _short(value) for name, value in given.items() if _may_leave(name, value)},
        **_error(record.exc_info),
    }


def _event(record: logging.LogRecord) -> str:
    """Our events are fixed texts; of a library's, which may quote anything, the first line."""
    return record.getMessage().strip().partition("\n")[0][:LONGEST]


def _may_leave(name: str, value: object) -> bool:
    return value is None or isinstance(value, bool | int | float) or name in WORDS or name.endswith("_id")


def _short(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float) else str(value)[:LONGEST]


def _error(info: Any) -> dict[str, Any]:
    if not info or info[1] is None:
        return {}
    error: BaseException = info[1]
    frames = traceback.extract_tb(error.__traceback__)
    told: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, LeadkeeperError):
        told["code"] = error.code
    if isinstance(error, OSError) and error.strerror:
        told["reason"] = error.strerror
    if sqlstate := getattr(getattr(error, "orig", None), "sqlstate", None):
        told["sqlstate"] = sqlstate
    told["where"] = [f"{_tail(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    return told


def _tail(filename: str) -> str:
    return "/".join(Path(filename).parts[-2:])


def _put_aside(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > BIGGEST_BYTES:
        file.replace(file.with_name(file.name + ".1"))
