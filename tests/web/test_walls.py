"""Cross-site requests, headers, proxies, secrets, error shapes."""

import logging

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadkeeper.access.roles import Role
from leadkeeper.errors import Unavailable
from leadkeeper.store import settings_rows
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import guarded_router
from tests.web.conftest import PASSWORD, Desk


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_of_another_site_is_refused(desk: Desk, site: str) -> None:
    answer = await desk.caller(Role.OWNER, **{"sec-fetch-site": site}).post("/profile/name", data={"name": "Eve"})

    assert answer.status_code == 403
    assert "another site" in answer.text


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_our_own_forms_pass(desk: Desk, site: str) -> None:
    answer = await desk.caller(Role.OWNER, **{"sec-fetch-site": site}).post("/profile/name", data={"name": "Sara"})

    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("origin", "passes"), [("http://desk.test", True), ("http://evil.test", False), ("https://desk.test", False), ("null", False)]
)
async def test_old_browsers_are_judged_by_their_origin(desk: Desk, origin: str, passes: bool) -> None:
    answer = await desk.caller(Role.OWNER, origin=origin).post("/profile/name", data={"name": "Sara"})

    assert (answer.status_code == 303) == passes


async def test_behind_a_public_url_the_origin_is_that_one(secure_desk: Desk) -> None:
    ours = await secure_desk.caller(origin="https://desk.example.com").post("/api/auth/logout", json={})
    other = await secure_desk.caller(origin="http://desk.test").post("/api/auth/logout", json={})

    assert (ours.status_code, other.status_code) == (200, 403)


async def test_programs_without_either_header_pass(desk: Desk) -> None:
    assert (await desk.caller(Role.OWNER).post("/api/auth/logout", json={})).status_code == 200


async def test_reading_is_never_refused_as_cross_site(desk: Desk) -> None:
    assert (await desk.caller(**{"sec-fetch-site": "cross-site"}).get("/setup")).status_code == 200


async def test_an_unforeseen_error_shows_an_id_and_logs_it_without_its_inside(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    api = guarded_router("/api/tests/broken", access=Access.PUBLIC, tag="Tests")

    @api.get("/now")
    async def broken(request: Request) -> None:
        raise ZeroDivisionError("secret detail")

    desk.app.state.api.router.routes.extend(api.routes)
    with caplog.at_level(logging.ERROR, "leadkeeper.web"):
        answer = await desk.caller().get("/api/tests/broken/now")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    mark = answer.json()["error"].split("error ")[1].rstrip(").")
    assert mark in " ".join(repr(vars(record)) for record in caplog.records)


async def test_pages_tell_errors_as_pages_and_the_api_as_json(desk: Desk) -> None:
    page = await desk.caller().get("/nowhere")
    api = await desk.caller().get("/api/nowhere")
    method = await desk.caller().put("/login")

    arabic = await desk.caller(**{"accept-language": "ar"}).get("/nowhere")

    assert "لا يوجد شيء على هذا العنوان." in arabic.text
    assert (page.status_code, "There is nothing at this address." in page.text) == (404, True)
    assert api.json() == {"ok": False, "error": "There is nothing at this address.", "code": "not_found"}
    assert method.status_code == 405


@pytest.mark.parametrize("path", ["/setup", "/nowhere", "/api/nowhere", "/api/auth/me", "/static/x/app.css"])
async def test_every_answer_carries_the_security_headers(desk: Desk, path: str) -> None:
    headers = (await desk.caller().get(path)).headers

    policy = headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/broken", "/api/tests/broken"])
async def test_an_answer_to_a_fault_of_ours_carries_them_too(desk: Desk, path: str) -> None:
    async def broken(request: Request) -> Response:
        raise ZeroDivisionError("secret detail")

    desk.app.router.routes.insert(0, Route(path, broken))
    answer = await desk.caller().get(path)

    assert answer.status_code == 500
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_strangers_hear_that_the_database_is_away_and_not_where_it_lives(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(request: Request) -> Response:
        raise Unavailable('connection to server at "10.1.2.3", port 5432 failed')

    desk.app.router.routes[:0] = [Route("/away", away), Route("/api/webhooks/away", away, methods=["POST"])]
    with caplog.at_level(logging.WARNING, "leadkeeper.web"):
        page, hook = await desk.caller().get("/away"), await desk.caller().post("/api/webhooks/away")

    assert (page.status_code, hook.status_code) == (503, 503)
    assert "10.1.2.3" not in page.text + hook.text
    assert hook.json() == {
        "ok": False,
        "error": "The database does not answer just now. Try again in a moment.",
        "code": "unavailable",
    }
    assert [record.code for record in caplog.records] == ["unavailable"] * 2


async def _address_seen(desk: Desk, **headers: str) -> tuple[str, str]:
    seen: list[tuple[str, str]] = []
    api = guarded_router("/api/tests/address", access=Access.PUBLIC, tag="Tests")

    @api.get("/mine")
    async def mine(request: Request) -> None:
        seen.append((request.state.address, request.url.scheme))

    desk.app.state.api.router.routes.extend(api.routes)
    await desk.caller().get("/api/tests/address/mine", headers=headers)
    return seen[0]


async def test_forwarded_headers_are_believed_only_from_our_proxies(desk: Desk) -> None:
    assert await _address_seen(desk, **{"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}) == ("192.0.2.7", "http")


async def test_the_last_hop_that_is_not_ours_is_the_caller(secure_desk: Desk) -> None:
    forwarded = {"x-forwarded-for": "198.51.100.1, 203.0.113.9, 10.1.2.3", "x-forwarded-proto": "https"}

    assert await _address_seen(secure_desk, **forwarded) == ("203.0.113.9", "https")


@pytest.mark.parametrize("garbage", ["x" * 5_000, "unknown", "10.0.0.1:80, somebody"])
async def test_a_hop_that_is_no_address_is_nobody(secure_desk: Desk, garbage: str) -> None:
    secure_desk.token(Role.OWNER)
    caller = secure_desk.caller()

    seen = await _address_seen(secure_desk, **{"x-forwarded-for": garbage})
    answer = await caller.post(
        "/api/auth/login",
        json={"email": "owner@example.com", "password": PASSWORD},
        headers={b"x-forwarded-for": garbage.encode("latin-1", "replace")},
    )

    assert seen == ("192.0.2.7", "http")
    assert answer.status_code == 200


async def test_a_secret_may_hold_any_sign(desk: Desk) -> None:
    await desk.db.write(settings_rows.save, "cron_secret", "clé-тайна-سر", None)

    answer = await desk.caller().post("/api/cron/process-jobs", headers={b"x-cron-secret": "clé-тайна-سر".encode()})

    assert answer.status_code == 200


async def test_secrets_open_their_routes_and_only_while_they_are_set(desk: Desk) -> None:
    api = guarded_router("/api/tests/secret", access=Access.CRON, tag="Tests")
    ingest = guarded_router("/api/tests/ingest", access=Access.INGEST, tag="Tests")

    @api.get("/cron")
    async def cron(request: Request) -> dict[str, bool]:
        return {"ok": True}

    @ingest.post("/lead")
    async def lead(request: Request) -> dict[str, bool]:
        return {"ok": True}

    desk.app.state.api.router.routes.extend([*api.routes, *ingest.routes])
    desk.token(Role.OWNER)

    async def statuses(caller_role: Role | None = None, **headers: str) -> tuple[int, int]:
        caller = desk.caller(caller_role, **headers)
        opened = await caller.get("/api/tests/secret/cron"), await caller.post("/api/tests/ingest/lead", json={})
        return opened[0].status_code, opened[1].status_code

    assert await statuses(**{"x-cron-secret": "", "x-ingest-key": ""}) == (403, 401)
    assert await statuses(Role.AGENT) == (403, 200)
    assert await statuses(Role.ADMIN) == (200, 200)
    await desk.db.write(settings_rows.save, "cron_secret", "tick-tock-tick", None)
    await desk.db.write(settings_rows.save, "ingest_key", "come-in-please", None)
    assert await statuses(**{"x-cron-secret": "wrong", "x-ingest-key": "wrong"}) == (403, 401)
    assert await statuses(**{"x-cron-secret": "tick-tock-tick", "x-ingest-key": "come-in-please"}) == (200, 200)
    assert await statuses(authorization="Bearer tick-tock-tick") == (200, 401)
