"""/channels: connecting a number with a live check, changing it, halting and resuming; secrets never come out."""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.access import audit
from leadkeeper.access.roles import Role
from leadkeeper.crm import account_cards, accounts, inbound, outages
from leadkeeper.crm.inbound import Delivery
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.secretbox import SecretBox
from leadkeeper.web import watch
from tests.web.conftest import Desk

TOKEN, SECRET, VERIFY = "EAA-token-of-ours", "app-secret-of-ours", "verify-of-ours"
FORM = {"phone_number_id": "1001", "token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY, "name": "Deira"}


class Provider:
    """What the provider's server answers, and what it was asked with."""

    def __init__(self) -> None:
        self.works = True
        self.asked: list[httpx2.Request] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if self.works:
            return httpx2.Response(
                200,
                json={
                    "display_phone_number": "+971 4 555",
                    "verified_name": "Palm",
                    "quality_rating": "GREEN",
                    "throughput": {"level": "HIGH"},
                },
            )
        return httpx2.Response(401, json={"error": {"message": "Invalid OAuth access token", "code": 190}})


@pytest.fixture
def provider(desk: Desk) -> Iterator[Provider]:
    made = Provider()
    desk.app.state.site.client = lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(made.answer))
    yield made


def connected(desk: Desk, **more: str) -> int:
    box = desk.app.state.site.box
    secrets = {"token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    return desk.db.write_now(
        account_cards.connect, box, more.get("number", "1001"), "Deira", "https://graph.facebook.com", secrets, {}
    )


def stored(desk: Desk, account_id: int) -> accounts.Account:
    box: SecretBox = desk.app.state.site.box
    return desk.db.read_now(accounts.load, box, account_id)


def leaks(text: str) -> bool:
    return any(secret in text for secret in (TOKEN, SECRET))


async def test_a_number_is_checked_and_connected_and_the_verify_token_shown_once(
    desk: Desk, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = desk.caller(Role.ADMIN)

    made = await admin.post("/channels/connect", data={**FORM, "verify_token": ""})
    again = await admin.get("/channels")

    (card,) = desk.db.read_now(account_cards.every)
    kept = stored(desk, card.id).credentials
    assert made.status_code == 200
    assert (kept["token"], kept["app_secret"]) == (TOKEN, SECRET)
    assert kept["verify_token"] in made.text
    assert kept["verify_token"] not in again.text
    assert card.config["verified_name"] == "Palm"
    assert card.config["throughput"] == 1_000, "the tier the provider tells is the limit that is kept"
    assert not leaks(made.text + again.text + caplog.text)


async def test_a_failed_check_saves_nothing_until_a_person_insists(desk: Desk, provider: Provider) -> None:
    provider.works = False
    admin = desk.caller(Role.ADMIN)

    refused = await admin.post("/channels/connect", data=FORM)
    before = desk.db.read_now(account_cards.every)
    sealed = re.search(r'name="sealed" value="([^"]+)"', refused.text)
    assert sealed
    given = {"phone_number_id": "1001", "sealed": sealed[1], "anyway": "1"}
    insisted = await admin.post("/channels/connect", data=given)

    assert (refused.status_code, before) == (400, [])
    assert "Nothing is saved yet." in refused.text
    assert "although the check failed" in insisted.text
    assert stored(desk, desk.db.read_now(account_cards.every)[0].id).credentials["token"] == TOKEN
    assert not leaks(refused.text + insisted.text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"phone_number_id": ""}, "Enter the phone number ID."),
        ({"phone_number_id": "+971 50 111"}, "Only digits"),
        ({"token": ""}, "Enter the access token."),
        ({"token": "two words"}, "must be one word"),
        ({"app_secret": ""}, "Enter the app secret."),
        ({"base_url": "graph"}, "Enter a web address"),
        ({"base_url": "http://graph.example.com"}, "Use https"),
    ],
)
async def test_a_bad_field_is_named_and_nobody_is_asked(
    desk: Desk, provider: Provider, change: dict[str, str], words: str
) -> None:
    answer = await desk.caller(Role.ADMIN).post("/channels/connect", data={**FORM, **change})

    assert answer.status_code == 400
    assert words in answer.text
    assert provider.asked == []
    assert not leaks(answer.text)


async def test_a_number_is_connected_once(desk: Desk, provider: Provider) -> None:
    connected(desk)

    answer = await desk.caller(Role.ADMIN).post("/channels/connect", data=FORM)

    assert (answer.status_code, "This number is connected already." in answer.text) == (400, True)


async def test_empty_credentials_keep_what_is_stored(desk: Desk, provider: Provider) -> None:
    account_id = connected(desk)

    saved = await desk.caller(Role.ADMIN).post(f"/channels/{account_id}", data={"app_secret": "new-secret", "name": "Marina"})

    account = stored(desk, account_id)
    assert saved.status_code == 303
    assert (account.name, account.credentials["token"], account.credentials["app_secret"]) == ("Marina", TOKEN, "new-secret")
    assert account.credentials["verify_token"] == VERIFY


async def test_a_stored_token_is_never_sent_to_another_address(desk: Desk, provider: Provider) -> None:
    account_id = connected(desk)

    answer = await desk.caller(Role.ADMIN).post(
        f"/channels/{account_id}", data={"base_url": "https://elsewhere.example", "anyway": "1"}
    )

    assert (answer.status_code, "Enter the token again" in answer.text) == (400, True)
    assert provider.asked == []
    assert stored(desk, account_id).base_url == "https://graph.facebook.com"


async def test_a_halted_account_is_resumed_only_when_the_provider_answers(desk: Desk, provider: Provider) -> None:
    account_id, admin = connected(desk), desk.caller(Role.ADMIN)
    desk.db.write_now(accounts.halt, account_id, "190: expired")
    provider.works = False

    await admin.post(f"/channels/{account_id}/resume")
    still = desk.db.read_now(account_cards.card, account_id).state
    provider.works = True
    await admin.post(f"/channels/{account_id}/resume")

    assert (still, desk.db.read_now(account_cards.card, account_id).state) == ("halted", "active")


async def test_an_account_is_switched_off_and_on_and_its_door_closes(desk: Desk, provider: Provider) -> None:
    account_id, admin = connected(desk), desk.caller(Role.ADMIN)
    question = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "42"}

    await admin.post(f"/channels/{account_id}/switch")
    closed = await desk.caller().get("/api/webhooks/whatsapp", params=question)
    await admin.post(f"/channels/{account_id}/switch", data={"on": "1"})
    opened = await desk.caller().get("/api/webhooks/whatsapp", params=question)

    assert (closed.status_code, opened.status_code, opened.text) == (403, 200, "42")
    assert [row.action for row in desk.db.read_now(audit.recent)] == ["channel_switched", "channel_switched"]


async def test_the_number_of_the_environment_is_read_only(desk: Desk, provider: Provider) -> None:
    account_id = desk.db.write_now(lambda conn: accounts.ensure(conn, "whatsapp", "2002", "From outside", source="environment"))
    admin = desk.caller(Role.ADMIN)

    shown = await admin.get(f"/channels/{account_id}")
    changed = [await admin.post(f"/channels/{account_id}{path}") for path in ("", "/switch", "/verify-token")]

    assert "Set by the environment" in shown.text
    assert 'name="token"' not in shown.text
    assert {answer.status_code for answer in changed} == {403}


async def test_deliveries_for_nobody_are_shown_with_their_count(desk: Desk) -> None:
    desk.db.write_now(inbound.accept, [Delivery("whatsapp", b"{}", unrouted="109990001")] * 3)

    shown = await desk.caller(Role.VIEWER).get("/channels")

    assert "109990001" in shown.text
    assert '<td class="num">3</td>' in shown.text


async def test_who_only_reads_sees_the_state_and_no_way_in(desk: Desk, provider: Provider) -> None:
    account_id = connected(desk)
    agent = desk.caller(Role.AGENT)

    shown = await agent.get("/channels")
    refused = [await agent.get("/channels/connect"), await agent.get(f"/channels/{account_id}")]

    assert "Deira" in shown.text
    assert "/channels/connect" not in shown.text
    assert not leaks(shown.text)
    assert {answer.status_code for answer in refused} == {403}


async def test_a_number_that_rests_says_so_and_a_person_lets_one_message_try_now(desk: Desk, provider: Provider) -> None:
    account_id, admin = connected(desk), desk.caller(Role.ADMIN)
    desk.db.write_now(no_answer, account_id)
    desk.db.write_now(enqueue, Job("send", {"messageId": 1}, scope=accounts.scope(account_id)))

    page = (await desk.caller(Role.VIEWER).get("/channels")).text
    answer = await admin.post(f"/channels/{account_id}/try")

    assert "the provider did not answer 5 times in a row" in page and "Waiting messages: 1." in page
    assert "Try now" not in page, "who only reads has no button"
    assert "80 messages a second" in page and "45 at once, then one every 6 s" in page
    assert answer.status_code == 303
    card = desk.db.read_now(account_cards.card, account_id)
    assert card.rests is not None and card.next_try is None
    assert "The next message tries again." in (await admin.get(f"/channels/{account_id}")).text
    desk.db.write_now(outages.answered, account_id)
    await admin.post(f"/channels/{account_id}/try")
    assert desk.db.read_now(account_cards.card, account_id).rests is None


async def test_a_banner_tells_of_a_long_rest_while_messages_wait(desk: Desk) -> None:
    account_id = connected(desk)
    desk.db.write_now(no_answer, account_id)
    assert desk.db.read_now(lambda conn: list(watch.account_rests(conn))) == []

    with clock.use(lambda: datetime.now(UTC) + timedelta(minutes=7)):
        nothing_waits = desk.db.read_now(lambda conn: list(watch.account_rests(conn)))
        desk.db.write_now(enqueue, Job("send", {"messageId": 1}, scope=accounts.scope(account_id)))
        (banner,) = desk.db.read_now(lambda conn: list(watch.account_rests(conn)))

    assert nothing_waits == []
    assert (banner.kind, banner.values["n"], banner.values["waiting"]) == ("warn", 7, 1)


def no_answer(conn: Connection, account_id: int) -> None:
    for number in range(5):
        outages.failed(conn, account_id, number, "no answer")
