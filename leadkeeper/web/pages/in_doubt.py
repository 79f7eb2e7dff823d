"""Sends in doubt: what is known of each, and the two things only a person can say. Settled ones can be taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import doubts
from leadkeeper.crm.doubts import Doubt, Settled
from leadkeeper.errors import Conflict
from leadkeeper.web import forms
from leadkeeper.web.access import Access
from leadkeeper.web.api.messages import unsettle_send
from leadkeeper.web.inbox_words import KINDS
from leadkeeper.web.reasons import because
from leadkeeper.web.refused import told
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

PATH = "/admin/automation/in-doubt"
PER_PAGE = 20
VIEWS = {"": "All", "needs_human": "A person is asked", "unknown": "The provider may still say"}
"""What the list may be narrowed to."""


@dataclass(frozen=True, slots=True)
class InDoubtView:
    """One page of the list. `next`: where it goes on; `state`: what it is narrowed to."""

    doubts: Sequence[Doubt]
    next: int | None
    counts: Mapping[str, int]
    settled: Sequence[Settled]
    state: str
    paged: bool


@page(PATH, title="Sends in doubt", access=Access.VIEWER, name="in_doubt")
async def listed(request: Request) -> Response:
    """The list; `?state=needs_human` narrows it, `from` leads on."""
    query = request.query_params
    state = query.get("state", "") if query.get("state", "") in VIEWS else ""
    view = await request.state.db.read(read, state, forms.id_of(query.get("from", "")))
    more = {
        "view": view,
        "views": VIEWS,
        "kinds": KINDS,
        "now": clock.now(),
        "agent": request.state.user.role.may(Role.AGENT),
        "because": partial(because, request.state.lang),
    }
    return render(request, "pages/in_doubt.html", more)


@page.post("/admin/automation/messages/{message_id:int}/unsettle", access=Access.AGENT, name="unsettle_send")
async def unsettle(request: Request) -> Response:
    """Take back what was said of a send in doubt."""
    form = await forms.read(request)
    back = forms.local(form.values.get("back"), PATH)
    try:
        await request.state.db.write(unsettle_send, request.path_params["message_id"], request.state.user.id)
    except Conflict as error:
        return told(request, back, error)
    request.state.site.snapshot = None
    return redirect(request, back, "Taken back: nobody knows again whether it arrived.")


def read(conn: Connection, state: str, after: int | None) -> InDoubtView:
    """One reading of the rows."""
    found, following = doubts.page(conn, state or None, after or 0, PER_PAGE)
    settled = doubts.settled_lately(conn) if after is None else ()
    return InDoubtView(found, following, doubts.counts(conn), settled, state, after is not None)
