"""Logging in by JSON; the shapes people know."""

from fastapi import Request
from fastapi.responses import JSONResponse

from leadkeeper.access import login as entrance
from leadkeeper.access import sessions
from leadkeeper.web import cookies
from leadkeeper.web.access import Access
from leadkeeper.web.forms import local
from leadkeeper.web.json_api import Shape, router
from leadkeeper.web.pages.login import visitor
from leadkeeper.web.pages.setup import next_step

anyone = router("/api/auth", access=Access.PUBLIC, tag="Login")
users_only = router("/api/auth", access=Access.VIEWER, tag="Login")


class Credentials(Shape):
    """Who logs in."""

    email: str = ""
    password: str = ""


class FirstOwner(Credentials):
    """Who sets Leadkeeper up, with the token of the one-time link."""

    token: str = ""
    name: str = ""


@anyone.post("/login")
async def login(request: Request, given: Credentials, redirect: str = "/") -> JSONResponse:
    """Start a session; the answer sets the cookie. 401 with one text for a wrong password and an unknown user."""
    entry = await entrance.log_in(request.state.db, given.email, given.password, visitor(request))
    response = JSONResponse({"success": True, "ok": True, "redirect": local(redirect), "user": entry.user.to_json()})
    cookies.put_session(request, response, entry.token)
    return response


@anyone.post("/logout")
async def logout(request: Request) -> JSONResponse:
    """End this session and take the cookie back; harmless without one."""
    response = JSONResponse({"success": True, "ok": True})
    token = cookies.session(request)
    if token is not None:
        await request.state.db.write(sessions.end, token)
    cookies.drop_session(request, response)
    return response


@anyone.post("/setup")
async def setup(request: Request, given: FirstOwner) -> JSONResponse:
    """Make the first owner; 409 when there is one already, 403 for a link that has ended."""
    entry = await entrance.create_first_owner(
        request.state.db, given.token, given.email, given.name, given.password, visitor(request)
    )
    response = JSONResponse({"success": True, "ok": True, "redirect": next_step(), "user": entry.user.to_json()})
    cookies.put_session(request, response, entry.token)
    return response


@users_only.get("/me")
async def me(request: Request) -> dict[str, object]:
    """Who is logged in."""
    return {"ok": True, "user": request.state.user.to_json()}
