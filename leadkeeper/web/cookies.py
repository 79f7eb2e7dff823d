"""The three cookies: the session, a message for the next page, and how the visitor likes to see us."""

import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.sessions import ABSOLUTE

SESSION = "leadkeeper_session"
SAID = "leadkeeper_said"
YEAR_SECONDS = 365 * 24 * 3600


def session_name(request: Request) -> str:
    """`__Host-` over https: the browser then refuses to take it from, or give it to, any other host."""
    return f"__Host-{SESSION}" if request.state.settings.secure else SESSION


def session(request: Request) -> str | None:
    """The session id the browser brought."""
    return request.cookies.get(session_name(request))


def put_session(request: Request, response: Response, token: str) -> None:
    """Give the browser a session id."""
    _put(request, response, session_name(request), token, int(ABSOLUTE.total_seconds()))


def drop_session(request: Request, response: Response) -> None:
    """Take the session id back."""
    _put(request, response, session_name(request), "", 0)


def put_choice(request: Request, response: Response, name: str, value: str) -> None:
    """Remember `lang` or `theme` on this device, so that also the login page is right at once."""
    _put(request, response, f"leadkeeper_{name}", value, YEAR_SECONDS)


def choice(request: Request, name: str, known: tuple[str, ...]) -> str | None:
    """The remembered `lang` or `theme`, if it is one of `known`."""
    value = request.cookies.get(f"leadkeeper_{name}")
    return value if value in known else None


def put_said(request: Request, response: Response, text: str, kind: str, values: Mapping[str, object]) -> None:
    """Leave a message for the next page this browser is shown."""
    _put(request, response, SAID, quote(json.dumps([text, kind, dict(values)])), 60)


def said(request: Request) -> tuple[str, str, dict[str, object]] | None:
    """The message left for this page: text, kind, values."""
    raw = request.cookies.get(SAID)
    if not raw:
        return None
    try:
        found = json.loads(unquote(raw))
    except (ValueError, RecursionError):
        return None
    match found:
        case [str(text), "ok" | "bad" as kind, dict(values)]:
            return text, kind, values
    return None


def drop_said(request: Request, response: Response) -> None:
    """The message has been shown."""
    _put(request, response, SAID, "", 0)


def _put(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    secure = request.state.settings.secure
    response.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")
