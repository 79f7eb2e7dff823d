"""The first step of set-up: the one-time link makes the first owner."""

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import login as entrance
from leadkeeper.access import setup_links, users
from leadkeeper.errors import Conflict, Forbidden, Invalid
from leadkeeper.example import clear as example
from leadkeeper.web import cookies, forms
from leadkeeper.web.access import Access, identify
from leadkeeper.web.pages.login import visitor
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import PAGES, page

NEXT = "setup_business"
"""Name of the page that goes on with set-up (business, time zone, first document)."""
LOOK_ON = "/inbox?view=all"
"""In a demo there is nothing to set up: invented customers are writing already."""


@page("/setup", title="Set up Leadkeeper", access=Access.PUBLIC)
async def setup(request: Request) -> Response:
    """The owner's form behind a valid link; without one, how to get it."""
    db = request.state.db
    if await db.read(users.anyone):
        return redirect(request, next_step() if await identify(request) is not None else "/login")
    link = request.query_params.get("token", "")
    usable = bool(link) and await db.read(setup_links.valid, link)
    return render(request, "pages/setup_owner.html", {"form": forms.Form({"token": link}), "usable": usable, "tried": bool(link)})


@page.post("/setup", title="Set up Leadkeeper", access=Access.PUBLIC, name="create_owner")
async def create_owner(request: Request) -> Response:
    """Make the first owner and log them in."""
    form = await forms.read(request)
    link, email, name, password = (form.values.get(field, "") for field in ("token", "email", "name", "password"))
    view = {"form": form, "usable": True, "tried": True}
    try:
        entry = await entrance.create_first_owner(request.state.db, link, email, name, password, visitor(request))
    except Invalid as error:
        form.failed(error)
        return render(request, "pages/setup_owner.html", view, status=400)
    except Conflict:
        return redirect(request, "/login")
    except Forbidden:
        return render(request, "pages/setup_owner.html", {**view, "usable": False}, status=403)
    shown = await request.state.db.read(example.present)
    response = redirect(request, LOOK_ON if shown else next_step())
    cookies.put_session(request, response, entry.token)
    return response


def next_step() -> str:
    """Where set-up goes on after the owner exists."""
    pages = PAGES.all()
    return pages[NEXT].path if NEXT in pages else "/"
