"""The provider's own routes: as strict as the real ones, and as broken as a script asks."""

import base64
from pathlib import Path
from typing import Any

import httpx2
import pytest

from leadkeeper.channels.base import Accepted, Media, Refused, Rejected, Unknown
from leadkeeper.channels.whatsapp import health, media
from leadkeeper.channels.whatsapp.media import Fetched, NotFetched
from leadkeeper.simulator.app import build
from tests.simulator.desk import CUSTOMER, NUMBER, TOKEN, desk

AUTH = {"Authorization": f"Bearer {TOKEN}"}
TEXT = {"messaging_product": "whatsapp", "to": CUSTOMER, "type": "text", "text": {"body": "Hi"}}


async def test_a_message_is_taken_and_counted_by_its_token() -> None:
    async with desk() as here:
        assert isinstance(await here.send(token="5.1"), Accepted)
        log = await here.log(kind="send")

    [entry] = log["entries"]
    assert (entry["to"], entry["token"], entry["text"], entry["outcome"]) == (CUSTOMER, "5.1", "Hello", "answer")
    assert (log["tokens"], log["taken"], log["calledTwice"], log["takenTwice"]) == (1, 1, {}, {})


async def test_a_token_called_twice_is_told() -> None:
    async with desk() as here:
        await here.send(token="5.1")
        await here.send(token="5.1")
        counts = (await here.http.get("http://sim/sim/counts", params={"token": "5.1"})).json()

    assert (counts["calledTwice"], counts["called"], counts["takenOfToken"]) == ({"5.1": 2}, 2, 2)


async def test_a_message_to_a_business_scoped_id_is_taken() -> None:
    async with desk() as here:
        result = await here.send(to="AE.7Q2xK9mB4tLwPz")
    assert isinstance(result, Accepted)
    assert result.address == "AE.7Q2xK9mB4tLwPz"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messaging_product": None}, 100),
        ({"type": "hologram"}, 100),
        ({"text": None}, 131008),
        ({"text": {"body": ""}}, 131009),
        ({"text": {"body": "x" * 4_097}}, 131009),
        ({"to": None}, 131008),
        ({"to": "someone"}, 131009),
        ({"to": 971501234567}, 131009),
        ({"to": None, "recipient": "12345"}, 131009),
        ({"biz_opaque_callback_data": {"a": 1}}, 131009),
        ({"type": "template", "template": {"name": "x"}}, 131008),
        ({"type": "image", "image": {"caption": "no link"}}, 131008),
        (
            {"type": "template", "template": {"name": "x", "language": {"code": "en"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "two\nlines"}]}]}},
            132018,
        ),
    ],
)  # fmt: skip
async def test_a_message_of_a_wrong_shape_is_refused(change: dict[str, Any], code: int) -> None:
    body = {name: value for name, value in {**TEXT, **change}.items() if value is not None}
    async with desk() as here:
        response = await here.http.post(f"http://sim/v26.0/{NUMBER}/messages", json=body, headers=AUTH)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == code


async def test_what_is_no_json_is_refused() -> None:
    async with desk() as here:
        response = await here.http.post(f"http://sim/v26.0/{NUMBER}/messages", content=b"{", headers=AUTH)
    assert response.json()["error"]["code"] == 100


async def test_a_wrong_token_and_an_unknown_number_are_refused() -> None:
    async with desk() as here:
        wrong = await here.http.post(f"http://sim/v26.0/{NUMBER}/messages", json=TEXT, headers={"Authorization": "Bearer x"})
        unknown = await here.http.post("http://sim/v26.0/1/messages", json=TEXT, headers=AUTH)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, 190)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, 100)


async def test_a_number_tells_its_name() -> None:
    async with desk(name="Simulated desk") as here:
        found = await health(here.http, here.account)
        missing = await here.http.get("http://sim/v26.0/404404", headers=AUTH)
        unsigned = await here.http.get(f"http://sim/v26.0/{NUMBER}")
    assert (found.ok, found.name) == (True, "Simulated desk")
    assert missing.json()["error"]["error_subcode"] == 33
    assert unsigned.status_code == 401


async def test_an_error_is_met_so_often_as_scripted_then_the_message_is_taken() -> None:
    async with desk() as here:
        await here.ask("script", to=CUSTOMER, code=131000, times=2)
        results = [await here.send() for _ in range(3)]
        other = await here.send(to="971509999999")

    assert [type(result) for result in results] == [Refused, Refused, Accepted]
    assert isinstance(other, Accepted)
    assert here.simulator.log.taken["1.1"] == 2


async def test_an_error_for_everybody_and_for_ever() -> None:
    async with desk() as here:
        await here.ask("script", code=131026, times=None)
        results = [await here.send(to=f"97150000000{number}") for number in range(4)]
    assert [result.code for result in results if isinstance(result, Rejected)] == ["131026"] * 4


async def test_steps_are_met_in_their_order() -> None:
    async with desk() as here:
        await here.ask("script", to=CUSTOMER, steps=[{"code": 130429, "status": 429}, {"mode": "html"}, {"code": 131047}])
        results = [await here.send() for _ in range(4)]
    assert [type(result) for result in results] == [Refused, Unknown, Rejected, Accepted]


@pytest.mark.parametrize("mode", ["close", "reset", "hang", "truncate"])
async def test_a_message_may_be_taken_though_no_answer_comes(mode: str) -> None:
    async with desk() as here:
        await here.ask("script", to=CUSTOMER, mode=mode)
        result = await here.send(seconds=0.2)
        await here.simulator.deliverer.settle()

    assert isinstance(result, Unknown)
    assert here.simulator.log.taken["1.1"] == 1
    assert here.statuses == ["sent", "delivered", "read"]


@pytest.mark.parametrize("mode", ["close", "html"])
async def test_a_message_may_be_lost_without_an_answer(mode: str) -> None:
    async with desk() as here:
        await here.ask("script", to=CUSTOMER, mode=mode, accept=False)
        result = await here.send()
        await here.simulator.deliverer.settle()

    assert isinstance(result, Unknown)
    assert here.simulator.log.taken["1.1"] == 0
    assert here.simulator.log.calls["1.1"] == 1
    assert here.statuses == []


async def test_an_error_may_be_of_any_kind() -> None:
    async with desk() as here:
        await here.ask("script", to=CUSTOMER, code=80007, status=429, retryAfter=90, details="slowly", transient=True, subcode=5)
        result = await here.send()
    assert isinstance(result, Refused)
    assert result.after is not None
    assert result.after.total_seconds() == 90


async def test_free_text_outside_the_window_is_refused() -> None:
    async with desk() as here:
        await here.ask("behaviour", windowHours=24)
        before = await here.send()
        await here.ask("inbound", **{"from": CUSTOMER, "text": "hello"})
        after = await here.send()
    assert isinstance(before, Rejected)
    assert before.action == "template"
    assert isinstance(after, Accepted)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("script", {"mode": "sideways"}),
        ("script", {"colour": "red"}),
        ("script", {"latencyMs": "long"}),
        ("script", {"steps": "none"}),
        ("script", {"statuses": "sent"}),
        ("behaviour", {"times": 2}),
        ("inbound", {"text": "from nobody"}),
        ("inbound", {"from": CUSTOMER, "repeat": 0}),
        ("inbound", {"from": CUSTOMER, "account": "404"}),
        ("inbound", {"from": CUSTOMER, "ageSeconds": "old"}),
        ("inbound", {"from": CUSTOMER, "message": "text"}),
        ("inbound", {"messages": []}),
        ("accounts", {"phoneNumberId": "1"}),
        ("accounts", {"phoneNumberId": "1", "token": "t", "appSecret": "s", "colour": "red"}),
        ("media", {"content": "***"}),
    ],
)
async def test_a_wrong_order_names_the_field(path: str, given: dict[str, Any]) -> None:
    async with desk() as here:
        response = await here.http.post(f"http://sim/sim/{path}", json=given)
    assert response.status_code == 400
    assert response.json()["fields"]


async def test_the_control_can_be_left_out() -> None:
    async with desk() as here:
        transport = httpx2.ASGITransport(build(here.simulator, open_control=False))
        async with httpx2.AsyncClient(transport=transport) as client:
            assert (await client.get("http://sim/sim/log")).status_code == 404
            assert (await client.get(f"http://sim/v26.0/{NUMBER}", headers=AUTH)).status_code == 200


async def test_everything_can_be_forgotten_but_the_accounts() -> None:
    async with desk() as here:
        await here.send()
        await here.ask("script", code=1)
        await here.ask("reset")
        log = await here.log()
        assert isinstance(await here.send(), Accepted)
    assert (log["entries"], log["tokens"]) == ([], 0)


async def stored(medium: dict[str, Any], folder: Path, limit: int = 10_000) -> Fetched | NotFetched:
    async with desk() as here:
        made = await here.ask(
            "media", **{"content": base64.b64encode(b"%PDF-1.7 text").decode(), "mimeType": "application/pdf", **medium}
        )
        return await media.fetch(here.http, here.account, Media(made["id"], None), folder, limit)


async def test_a_medium_is_fetched_in_two_steps(tmp_path: Path) -> None:
    result = await stored({}, tmp_path)
    assert isinstance(result, Fetched)
    assert (tmp_path / result.file).read_bytes() == b"%PDF-1.7 text"


async def test_a_mediums_address_may_have_expired(tmp_path: Path) -> None:
    assert isinstance(await stored({"deadUrls": 1}, tmp_path), Fetched)
    gone = await stored({"deadUrls": 2}, tmp_path)
    assert isinstance(gone, NotFetched)
    assert gone.code == "gone"


async def test_a_medium_may_be_other_than_named(tmp_path: Path) -> None:
    result = await stored({"wrongHash": True}, tmp_path)
    assert isinstance(result, NotFetched)
    assert result.code == "mismatch"


async def test_the_bytes_are_not_given_without_the_token() -> None:
    async with desk() as here:
        made = await here.ask("media", content="", mimeType="image/png")
        url = (await here.http.get(f"http://sim/v26.0/{made['id']}", headers=AUTH)).json()["url"]
        assert (await here.http.get(url)).status_code == 401
        assert (await here.http.get(url, headers=AUTH)).status_code == 200


async def test_latency_is_waited_for() -> None:
    async with desk() as here:
        await here.ask("script", to=CUSTOMER, latencyMs=400)
        slow = await here.send(seconds=0.1)
        assert isinstance(slow, Unknown)
        assert isinstance(await here.send(), Accepted)


async def test_a_template_and_a_medium_are_shown_as_the_customer_reads_them() -> None:
    template = {"name": "renewal", "language": {"code": "en"}, "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "Mariam"}, {"type": "text", "text": "12 March"}]},
    ]}  # fmt: skip
    image = {"link": "https://x.example/a.jpg", "caption": "the form"}
    sticker = {"link": "https://x.example/a.webp"}
    async with desk() as here:
        for kind, part in (("template", template), ("image", image), ("sticker", sticker)):
            body = {**TEXT, "type": kind, kind: part}
            assert (await here.http.post(f"http://sim/v26.0/{NUMBER}/messages", json=body, headers=AUTH)).status_code == 200
        shown = [entry["text"] for entry in (await here.log(kind="send"))["entries"]]
    assert shown == ["renewal · Mariam · 12 March", "the form", "[sticker]"]


async def test_a_mediums_bytes_may_be_elsewhere(tmp_path: Path) -> None:
    async with desk() as here:
        made = await here.ask("media", content="", mimeType="image/png", redirectTo="http://cdn.example/file")
        url = (await here.http.get(f"http://sim/v26.0/{made['id']}", headers=AUTH)).json()["url"]
        moved = await here.http.get(url, headers=AUTH)
    assert (moved.status_code, moved.headers["location"]) == (302, "http://cdn.example/file")


@pytest.mark.parametrize("content", [b"{", b"[]", b""])
async def test_an_order_that_is_no_object_is_refused(content: bytes) -> None:
    async with desk() as here:
        assert (await here.http.post("http://sim/sim/script", content=content)).status_code == 400
        assert (await here.http.get("http://sim/sim/log", params={"after": "x"})).status_code == 400
