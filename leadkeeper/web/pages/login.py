"""Logging in and out."""

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import login as entrance
from leadkeeper.access import sessions, users
from leadkeeper.access.login import Visitor
from leadkeeper.errors import Invalid, TooMany, Unauthorized
from leadkeeper.web import cookies, forms
from leadkeeper.web.access import Access, identify
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page


@page("/login", title="Log in", access=Access.PUBLIC)
async def login(request: Request) -> Response:
    """The form; whoever is logged in already goes on."""
    if await identify(request) is not None:
        return redirect(request, _goal(request))
    if not await request.state.db.read(users.anyone):
        return redirect(request, "/setup")
    return render(request, "pages/login.html", {"form": forms.Form()})


@page.post("/login", title="Log in", access=Access.PUBLIC, name="log_in")
async def log_in(request: Request) -> Response:
    """Check, start a session, go on to where the person wanted to be."""
    form = await forms.read(request)
    email, password = form.values.get("email", ""), form.values.get("password", "")
    try:
        entry = await entrance.log_in(request.state.db, email, password, visitor(request))
    except Invalid as error:
        return render(request, "pages/login.html", {"form": form.failed(error)}, status=400)
    except (Unauthorized, TooMany) as error:
        form.message = error.message
        return render(request, "pages/login.html", {"form": form}, status=error.status)
    response = redirect(request, _goal(request))
    cookies.put_session(request, response, entry.token)
    return response


@page.post("/logout", access=Access.PUBLIC)
async def logout(request: Request) -> Response:
    """End this device's session."""
    response = redirect(request, "/login", "You are logged out.")
    token = cookies.session(request)
    if token is not None:
        await request.state.db.write(sessions.end, token)
        cookies.drop_session(request, response)
    return response


def visitor(request: Request) -> Visitor:
    """Where this request comes from."""
    return Visitor(request.state.address, request.headers.get("user-agent"), cookies.session(request))


def _goal(request: Request) -> str:
    return forms.local(request.query_params.get("redirect"))
