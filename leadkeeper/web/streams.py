"""GET /events: the live stream of a logged-in tab."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from leadkeeper.access import sessions
from leadkeeper.errors import Unauthorized, Unavailable
from leadkeeper.web import cookies
from leadkeeper.web.access import Access
from leadkeeper.web.routes import hook


@hook("/events", method="GET", access=Access.VIEWER)
async def events(request: Request) -> Response:
    """Signals, figures and resyncs until the tab, the session or the server ends."""
    if request.state.user is None:
        raise Unauthorized()
    live = request.state.live
    stream = live.open(request.state.user.id, request.headers.get("last-event-id"))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(live.events(stream, _session_lives(request)), media_type="text/event-stream", headers=headers)


def _session_lives(request: Request) -> Callable[[], Awaitable[bool]]:
    async def lives() -> bool:
        token = cookies.session(request)
        try:
            return token is not None and await request.state.db.read(sessions.find, token) is not None
        except Unavailable:
            # Not knowing is no reason to cut the tab off; the next beat asks again.
            return True

    return lives
