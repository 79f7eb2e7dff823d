"""The start page: the first page of the rail that the reader may see."""

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.web.access import Access
from leadkeeper.web.frame import for_reader
from leadkeeper.web.render import redirect
from leadkeeper.web.routes import page


@page("/", access=Access.VIEWER)
async def home(request: Request) -> Response:
    """Go to the reader's first page; to their own profile when the rail is empty for them."""
    seen = for_reader(request.state.frame, request.state.user)
    first = seen.menu[0].path if seen is not None and seen.menu else "/profile"
    return redirect(request, first)
