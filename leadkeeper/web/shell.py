"""What every request passes first and every answer last: state, proxies, body limit, security headers."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadkeeper.access.users import LANGUAGES, THEMES
from leadkeeper.config import Settings
from leadkeeper.web import cookies
from leadkeeper.web.bodies import Body
from leadkeeper.web.site import Site


def content_policy(framed_by: Iterable[str] = ()) -> str:
    """Content-Security-Policy: everything from ourselves, nothing inline; `framed_by` lists origins that may frame it."""
    ancestors = " ".join(framed_by) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-src 'self'; "
        f"frame-ancestors {ancestors}"
    )


HEADERS = {
    "content-security-policy": content_policy(),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
"""Sent with every answer unless it has set them itself."""


def protect(headers: MutableHeaders, *, secure: bool) -> None:
    """Add what every answer carries; `secure` where people reach us over https."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if secure:
        headers.setdefault("strict-transport-security", "max-age=31536000")


class Shell:
    """The outermost layer of the app (plain ASGI)."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        settings = await self.site.settings()
        _believe_proxy(scope, settings)
        scope["state"] = {**scope.get("state", {}), **self._state(scope, settings)}
        body = Body(scope, receive)
        await self.app(scope, body.receive, _answering(send, settings, body))

    def _state(self, scope: Scope, settings: Settings) -> dict[str, Any]:
        client = scope.get("client")
        state: dict[str, Any] = {
            "db": self.site.db, "box": self.site.box, "settings": settings, "worker": self.site.worker,
            "site": self.site, "live": self.site.live, "address": client[0] if client else None,
            "identified": False, "user": None, "session": None, "frame": None, "entry": None, "lang": "en", "theme": "system",
        }  # fmt: skip
        request = Request({**scope, "state": state})
        state["lang"] = cookies.choice(request, "lang", LANGUAGES) or _accepted_language(request)
        state["theme"] = cookies.choice(request, "theme", THEMES) or "system"
        return state


def _accepted_language(request: HTTPConnection) -> str:
    """The first language of Accept-Language that we speak."""
    for part in request.headers.get("accept-language", "").split(","):
        word = part.split(";")[0].strip().lower()[:2]
        if word in LANGUAGES:
            return word
    return LANGUAGES[0]


def _believe_proxy(scope: Scope, settings: Settings) -> None:
    """Take the caller's address and scheme from X-Forwarded-*, but only from the configured proxies.

    The last address that is not a proxy of ours is the caller: those before it are hearsay.
    """
    client = scope.get("client")
    if not settings.trusted_proxies or client is None or not _trusted(client[0], settings):
        return
    headers = Headers(scope=scope)
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    caller = next((hop for hop in reversed(hops) if not _trusted(hop, settings)), "")
    if _parsed(caller) is not None:
        scope["client"] = (caller, 0)
    scheme = headers.get("x-forwarded-proto", "").split(",")[-1].strip()
    if scheme in ("http", "https"):
        scope["scheme"] = scheme


def _trusted(address: str, settings: Settings) -> bool:
    parsed = _parsed(address)
    proxies = settings.trusted_proxies.split()
    return parsed is not None and any(parsed in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _answering(send: Send, settings: Settings, body: Body) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] >= 400:
                await body.forget()
            protect(MutableHeaders(scope=message), secure=settings.secure)
        await send(message)

    return sending
