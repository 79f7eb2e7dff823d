"""Files customers sent, from the media folder: for logged-in people, with ranges, under names that cannot harm.

A file is reached by its message, never by a path. What a browser might run (HTML, SVG, scripts) is
only ever a download.
"""

import asyncio
import os
import re
import stat
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from leadkeeper.crm import messages
from leadkeeper.errors import NotFound
from leadkeeper.web.access import Access
from leadkeeper.web.routes import hook

SHOWN = frozenset(
    {
        "image/jpeg", "image/png", "image/webp", "image/gif", "audio/ogg", "audio/mpeg", "audio/mp4", "audio/aac",
        "audio/amr", "audio/wav", "audio/webm", "video/mp4", "video/3gpp", "video/webm", "application/pdf",
    }
)  # fmt: skip
"""Types a browser may show itself; everything else is a download of bytes."""
_ENDINGS = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif", "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/aac": ".aac", "audio/amr": ".amr", "audio/wav": ".wav",
    "audio/webm": ".weba", "video/mp4": ".mp4", "video/3gpp": ".3gp", "video/webm": ".webm", "application/pdf": ".pdf",
}  # fmt: skip
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f"\\/:*?<>|;%\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2066-\u2069]+')
POLICY = "default-src 'none'; media-src 'self'; img-src 'self'; sandbox"


@hook("/media/{message_id:int}", method="GET", access=Access.VIEWER)
async def media(request: Request) -> Response:
    """The file of one message; 206 for a range, 410 when the provider no longer had it."""
    message_id = request.path_params["message_id"]
    if message_id >= 2**63:
        raise NotFound("there is no such message")
    message = await request.state.db.read(messages.get, message_id)
    about: dict[str, Any] = message.media or {}
    if about.get("state") == "failed":
        error = "This file could not be fetched from the provider."
        return JSONResponse({"ok": False, "error": error, "code": "gone", "reason": about.get("reason")}, status_code=410)
    path, found = await asyncio.to_thread(_stored, request.state.settings.data_dir / "media", about.get("file"))
    kind = str(about.get("mimeType") or "").split(";")[0].strip().lower()
    known = kind in SHOWN
    wants_copy = request.query_params.get("download") is not None
    return FileResponse(
        path,
        media_type=kind if known else "application/octet-stream",
        filename=safe_name(about.get("filename"), message_id, kind),
        stat_result=found,
        content_disposition_type="inline" if known and not wants_copy else "attachment",
        headers={"cache-control": "private, max-age=3600", "content-security-policy": POLICY},
    )


def safe_name(given: object, message_id: int, kind: str) -> str:
    """A file name for the browser: no path, no control or direction signs, with the ending of its type."""
    name = _UNSAFE.sub("_", given).strip(" ._")[:120] if isinstance(given, str) else ""
    ending = _ENDINGS.get(kind, "")
    if not name:
        return f"message-{message_id}{ending or '.bin'}"
    return name if not ending or name.lower().endswith(ending) else f"{name}{ending}"


def _stored(folder: Path, name: object) -> tuple[Path, os.stat_result]:
    """The regular file of that name inside the media folder. Raises NotFound for anything else."""
    missing = NotFound("This message has no stored file.")
    if not isinstance(name, str) or not name or "\x00" in name:
        raise missing
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise missing
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise missing from error
    if not stat.S_ISREG(found.st_mode):
        raise missing
    return path, found
