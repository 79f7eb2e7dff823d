"""What callers send: its size, its type, its end."""

import asyncio
import logging

import pytest
from starlette.requests import ClientDisconnect, Request

from leadkeeper.access.roles import Role
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import guarded_router
from tests.web.conftest import Desk
from tests.web.serving import served


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{bad", "application/json", 400, "invalid_json"),
        (b'{"email": 3}', "application/json", 400, "invalid"),
        (b"[]", "application/json", 400, "invalid"),
        (b"email=x", "application/x-www-form-urlencoded", 415, "unsupported_type"),
        (b"{}", "text/plain", 415, "unsupported_type"),
        (b" " * 1_000_001, "application/json", 413, "too_large"),
        (b"\xff\xfe", "application/json", 400, "invalid_json"),
    ],
)
async def test_bad_bodies_of_the_api_have_their_status_and_one_shape(
    desk: Desk, body: bytes, kind: str, status: int, code: str
) -> None:
    answer = await desk.caller().post("/api/auth/login", content=body, headers={"content-type": kind})

    assert answer.status_code == status
    told = answer.json()
    assert told["ok"] is False
    assert told["code"] == code
    assert told["error"]


async def test_a_body_that_is_no_object_is_told_so_in_plain_words(desk: Desk) -> None:
    answer = await desk.caller().post("/api/auth/login", json=["sara@example.com"])

    assert answer.json() == {"ok": False, "error": "The body must be a JSON object.", "code": "invalid"}


@pytest.mark.parametrize(
    ("path", "kind", "size"),
    [
        ("/api/webhooks/whatsapp", "application/json", 4_100_000),
        ("/api/auth/login", "application/json", 4_000_000),
        ("/login", "application/x-www-form-urlencoded", 4_000_000),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
async def test_who_sends_too_much_hears_so_after_sending_it(desk: Desk, path: str, kind: str, size: int, declared: bool) -> None:
    length = f"content-length: {size}" if declared else "transfer-encoding: chunked"
    body = b"x" * size if declared else b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)
    async with served(desk.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {kind}\r\n{length}\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_hides_its_length_is_counted(desk: Desk) -> None:
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(30):
            yield b" " * 50_000

    api = await desk.caller().post("/api/auth/login", content=endless(), headers={"content-type": "application/json"})
    form = await desk.caller().post("/login", content=endless(), headers={"content-type": "application/x-www-form-urlencoded"})

    assert (api.status_code, form.status_code) == (413, 413)


async def test_who_may_not_call_learns_nothing_of_the_body(desk: Desk) -> None:
    api = guarded_router("/api/tests/walls", access=Access.ADMIN, tag="Tests")

    @api.post("/any")
    async def take(request: Request, given: dict[str, int]) -> dict[str, int]:
        return given

    desk.app.state.api.router.routes.extend(api.routes)

    answers = [
        await desk.caller(role).post("/api/tests/walls/any", content=b"{bad", headers={"content-type": "application/json"})
        for role in (None, Role.VIEWER, Role.ADMIN)
    ]

    assert [answer.status_code for answer in answers] == [401, 403, 400]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/auth/login", "application/json"),
        ("/api/webhooks/webchat", "application/json"),
        ("/login", "application/x-www-form-urlencoded"),
    ],
)
async def test_who_leaves_in_the_middle_of_asking_is_no_fault_of_ours(
    desk: Desk, path: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def leaving():  # type: ignore[no-untyped-def]
        yield b"{"
        raise ClientDisconnect

    desk.token(Role.OWNER)
    with caplog.at_level(logging.WARNING):
        answer = await desk.caller().post(path, content=leaving(), headers={"content-type": kind})

    assert answer.status_code == 400
    assert caplog.records == []
