"""Cross-site requests are refused by what the browser itself says about where they come from.

`Sec-Fetch-Site` cannot be set by scripts; browsers too old to send it send `Origin`. A request with
neither is no browser. SameSite=Lax on the cookie is the second wall.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from leadkeeper.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check(request: Request) -> None:
    """Raises Forbidden for an unsafe method that another site caused."""
    if request.method in SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        allowed = site in ("same-origin", "none")
    else:
        origin = request.headers.get("origin")
        allowed = origin is None or _ours(origin, request)
    if not allowed:
        raise Forbidden("This request came from another site. Open the page again and repeat it there.")


def _ours(origin: str, request: Request) -> bool:
    """The configured public origin; without one, the host the browser says it is talking to."""
    public = request.state.settings.public_url
    if public:
        parts = urlsplit(public)
        return origin == f"{parts.scheme}://{parts.netloc}"
    return origin == f"{request.url.scheme}://{request.headers.get('host', '')}"
