"""Every route has an access, and it holds for every role."""

import re

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadkeeper.access.roles import Role
from leadkeeper.errors import Misconfigured
from leadkeeper.web.access import Access
from leadkeeper.web.guard import refuse_unguarded
from tests.web.conftest import Desk

STREAMS = {"/events"}
"""Answered for as long as somebody listens: refused callers are tried, welcome ones are not waited for."""

Call = tuple[str, str, Access]


def calls(desk: Desk) -> list[Call]:
    """(method, path with 1 for every parameter, access) of every route of the app."""
    found = []
    routes = [*desk.app.routes, *desk.app.state.api.router.routes]
    for route in routes:
        for method in sorted(getattr(route, "methods", None) or ()):
            if method != "HEAD":
                found.append((method, re.sub(r"{[^}]+}", "1", route.path), route.access))
    return found


def refused(status: int, words: str, location: str) -> bool:
    return status == 401 or (status == 403 and "role does not allow" in words) or location.startswith("/login")


@pytest.mark.parametrize("role", [None, *Role])
async def test_every_route_lets_in_exactly_who_it_says(desk: Desk, role: Role | None) -> None:
    desk.token(Role.OWNER)
    wrong = []

    for method, path, access in calls(desk):
        welcome = access.role is None or (role is not None and role.may(access.role))
        if access is Access.WEBHOOK or (path in STREAMS and welcome):
            continue
        caller = desk.caller(role)
        answer = await caller.request(method, path, headers={"content-type": "application/json"} if "/api/" in path else {})
        sent_to = "" if access is Access.PUBLIC else answer.headers.get("location", "")
        closed = refused(answer.status_code, answer.text, sent_to)
        closed = closed or (access is Access.CRON and role is None and answer.status_code == 403)
        if closed == welcome:
            wrong.append((method, path, access, answer.status_code))

    assert wrong == []


async def test_there_are_routes_to_walk(desk: Desk) -> None:
    paths = {path for _, path, _ in calls(desk)}

    assert {"/login", "/setup", "/profile", "/events", "/api/auth/login", "/api/auth/me", "/api/openapi.json"} <= paths


def test_a_route_without_an_access_stops_the_start() -> None:
    async def open_door(request: Request) -> Response:
        return Response()

    with pytest.raises(Misconfigured, match="/open"):
        refuse_unguarded([Route("/open", open_door)])


async def test_every_call_of_the_schema_names_its_access_and_promises_no_422(desk: Desk) -> None:
    document = (await desk.caller().get("/api/openapi.json")).json()

    operations = [operation for path in document["paths"].values() for operation in path.values()]

    assert operations
    assert all(Access(operation["x-access"]) for operation in operations)
    assert not any("422" in operation["responses"] for operation in operations)
