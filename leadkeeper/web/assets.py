"""Static files, read once at start: gzipped in memory, served with a hash in the address and kept for a year.

All files share one hash, so that modules and style sheets find each other by relative addresses.
The style sheet `app.css` is every file of `static/css/` in the order of their names.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.errors import NotFound

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
_TEXT = ("text/", "image/svg", "application/json", "application/manifest")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    packed: bytes | None
    media_type: str
    etag: str


@cache
def bundle() -> tuple[str, dict[str, Asset]]:
    """(the hash of all files, the files by path)."""
    raw = {str(path.relative_to(FOLDER).as_posix()): path.read_bytes() for path in sorted(FOLDER.rglob("*")) if path.is_file()}
    sheets = [name for name in raw if name.startswith("css/") and name.count("/") == 1]
    raw["app.css"] = b"\n".join(raw[name] for name in sheets)
    digest = hashlib.sha256(b"".join(name.encode() + raw[name] for name in sorted(raw))).hexdigest()[:12]
    return digest, {name: _asset(name, body) for name, body in raw.items()}


def url(path: str) -> str:
    """The address of a static file. Raises NotFound for one that does not exist: a typo fails its page's test."""
    digest, files = bundle()
    if path not in files:
        raise NotFound(f"there is no static file {path}")
    return f"/static/{digest}/{path}"


async def static(request: Request) -> Response:
    """Serve a static file; an address with an old hash gets today's file, not kept."""
    digest, files = bundle()
    asset = files.get(request.path_params["path"])
    if asset is None:
        raise NotFound("There is no such file.")
    current = request.path_params["version"] == digest
    headers = {"etag": asset.etag, "vary": "accept-encoding", "cache-control": FOREVER if current else "no-cache"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)


def _asset(name: str, body: bytes) -> Asset:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kind = "text/javascript" if name.endswith(".js") else kind
    packed = gzip.compress(body, 9, mtime=0) if kind.startswith(_TEXT) else None
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    return Asset(body, packed if packed and len(packed) < len(body) else None, kind, etag)
