"""Routes that check who calls before anything else happens, and the refusal to start with one that does not."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadkeeper.errors import Misconfigured
from leadkeeper.web import bodies, frame
from leadkeeper.web.access import Access, identify, permit
from leadkeeper.web.routes import HOOKS, PAGES, Entry, Handler


class GuardedRoute(Route):
    """A Starlette route with its access."""

    def __init__(self, entry: Entry) -> None:
        self.access = entry.access
        super().__init__(entry.path, _guarded(entry), methods=[entry.method], name=entry.name)


def guarded_routes() -> list[GuardedRoute]:
    """Every registered hook and page as a route; a page `/x/new` goes before `/x/{id}`."""
    pages = sorted(PAGES.all().values(), key=lambda entry: entry.path.count("{"))
    return [GuardedRoute(entry) for entry in [*HOOKS.values(), *pages]]


def refuse_unguarded(routes: Iterable[object]) -> None:
    """Raises Misconfigured, naming them, when routes were added without an access."""
    bare = [getattr(route, "path", repr(route)) for route in routes if not isinstance(getattr(route, "access", None), Access)]
    if bare:
        raise Misconfigured(f"routes without an access, refusing to start: {', '.join(bare)}")


def _guarded(entry: Entry) -> Handler:
    async def run(request: Request) -> Response:
        bodies.allow(request, entry.limit)
        await permit(request, entry.access)
        if entry.html:
            request.state.entry = entry
            if await identify(request) is not None:
                request.state.frame = await frame.current(request.state.site)
        return await entry.handler(request)

    return run
