"""Whatever is sent, the API answers with a clear refusal in one shape: never a 5xx, never a 422."""

import re
from typing import Any

import pytest

from leadkeeper.access.roles import Role
from leadkeeper.knowledge import documents
from leadkeeper.web.json_api import GuardedApiRoute
from tests.web.api.conftest import new_lead, new_thread
from tests.web.conftest import Desk

NESTED = "[" * 3_000 + "]" * 3_000
BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"3",
    b'"text"',
    b"{",
    b"\xff\xfe\x00",
    b"{}",
    b'{"id": 1e400}',
    NESTED.encode(),
    ('{"conditions": ' + NESTED + "}").encode(),
    b'{"action": "explode", "how": "maybe", "status": "ajar", "stage": "nowhere", "userId": -1, "text": "\\u0000"}',
    b'{"action": {}, "type": [], "leadId": "one", "how": 1, "status": null, "text": {}, "userId": "me", "isActive": "yes"}',
    b'{"type": "\\u0000", "title": "\\ud800", "name": "\\ud800", "text": "\\ud800", "stage": "\\ud800", "fullName": "\\u0000"}',
    b'{"\\ud800": 1, "\\u0000": 2}',
    b'{"leadId": 99999999999999999999999, "userId": 99999999999999999999999, "id": 99999999999999999999999}',
    b'{"fields": {"a": NaN, "b": {"c": []}}, "expiries": {"visa": "31/12/2026", "x": null}, "score": 1e9}',
    b'{"nextFollowUpAt": "0001-01-01T00:00:00+14:00", "expiries": {"visa": "0001-01-01"}}',
    b'{"nextFollowUpAt": "9999-12-31T23:59:59-12:00", "ownerId": 987654321}',
    b'{"name": "x", "type": "expiry_reminder", "daysBeforeExpiry": true, "channel": 7}',
    b'{"name": "x", "trigger": "INBOUND_MESSAGE", "conditions": 1, "actions": {"a": 1}, "schedule": "weekly"}',
    b'{"key": "a", "name": "x", "trigger": {"kind": "message.received", "\\ud800": 1}, "when": {"all": 3}, "do": [[]]}',
    b'{"mediaUrl": "javascript:alert(1)", "mediaType": "image"}',
    b'{"mediaUrl": "https://example.com/a.png"}',
    b'{"templateName": "t", "templateParams": [1, {}]}',
    b'{"fullName": "Sara", "phone": "call me"}',
    b'{"fullName": "Sara", "phone": "+971500000001", "email": "\\ud800@x"}',
    b'{"dryRun": "perhaps", "priority": 40000, "maxRetries": -1, "data": []}',
]
QUERIES = [
    "",
    "?next=x&limit=0",
    "?next=-1&limit=100000",
    "?next=99999999999999999999-1",
    "?next=9223372036854775807",
    "?next=99999999999999999999999999",
    "?next=1-99999999999999999999999",
    "?status=%00&type=%00&view=%00&channel=%00&search=%00",
    "?status=nope&lead=0&since=yesterday&schedule=weekly",
    "?lead=99999999999999999999&leadId=x&ruleId=0",
    "?since=0001-01-01T00:00:00%2B14:00&search=%ff%fe",
    "?since=2026-01-01T00:00:00",
    "?since=9999-12-31T23:59:59-12:00&type=" + "x" * 500,
    "?search=" + "%25" * 60,
]
IDS = ["1", "0", "-1", "abc", "9223372036854775807", "9223372036854775808", "9" * 5_000, "1%00", "%ff", "1.5"]


def routes(desk: Desk) -> list[tuple[str, str]]:
    """(method, path) of every JSON route."""
    return [
        (method, route.path)
        for route in desk.app.state.api.router.routes
        if isinstance(route, GuardedApiRoute) and "/auth/" not in route.path
        for method in sorted(route.methods)
    ]


def is_clear(answer: Any) -> bool:
    """True for a success, or a refusal in the one shape."""
    if answer.status_code < 400:
        return True
    told = answer.json()
    return (
        answer.status_code not in (422,)
        and answer.status_code < 500
        and told["ok"] is False
        and bool(told["error"] and told["code"])
    )


async def try_all(desk: Desk, method: str, path: str) -> list[str]:
    caller = desk.caller(Role.OWNER)
    headers = {"content-type": "application/json"}
    wrong = []
    filled = re.sub(r"{[^}]+}", "1", path)
    plain = method == "GET"
    tried = [(f"{filled}{query}", b"") for query in QUERIES] if plain else [(filled, body) for body in BODIES]
    if "{" in path:
        tried += [(re.sub(r"{[^}]+}", one, path), b"{}") for one in IDS]
    for url, body in tried:
        answer = await caller.request(method, url, content=body, headers=headers if body else {})
        if not is_clear(answer):
            wrong.append(f"{method} {url[:120]} {body[:120]!r} -> {answer.status_code} {answer.text[:200]}")
    return wrong


async def test_no_body_query_or_id_makes_the_api_fail(open_desk: Desk) -> None:
    new_lead(open_desk.db)
    new_thread(open_desk.db)
    open_desk.db.write_now(documents.add, documents.NewDocument("Hours", "guidance", "We are open."))

    wrong = [each for method, path in routes(open_desk) for each in await try_all(open_desk, method, path)]

    assert wrong == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_another_content_type_is_refused(open_desk: Desk, kind: str) -> None:
    caller = open_desk.caller(Role.OWNER)

    answers = [
        await caller.request(method, re.sub(r"{[^}]+}", "1", path), content=b"{}", headers={"content-type": kind})
        for method, path in routes(open_desk)
        if method not in ("GET", "DELETE")
    ]

    assert {answer.status_code for answer in answers} == {415}


async def test_a_body_over_the_limit_is_refused(open_desk: Desk) -> None:
    caller = open_desk.caller(Role.OWNER)

    answer = await caller.post("/api/leads/ingest", content=b" " * 1_100_000, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
