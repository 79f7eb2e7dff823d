"""What the simulated provider posts: signed, batched, shuffled, doubled, late, and until it is taken."""

import json

import httpx2
import pytest

from leadkeeper.channels.base import Accepted
from leadkeeper.channels.whatsapp import receive
from leadkeeper.simulator import phone
from leadkeeper.simulator.log import Log
from leadkeeper.simulator.posting import ClientPost
from leadkeeper.simulator.state import Simulator
from tests.simulator.desk import CUSTOMER, NUMBER, desk


async def test_statuses_come_with_our_token() -> None:
    async with desk() as here:
        result = await here.send(token="9.2")
        await here.simulator.deliverer.settle()

    assert isinstance(result, Accepted)
    statuses = receive(json.loads(here.bodies[0])).statuses
    assert {status.external_id for status in statuses} == {result.provider_id}
    assert {status.token for status in statuses} == {"9.2"}
    assert here.statuses == ["sent", "delivered", "read"]


async def test_statuses_are_gathered_into_batches() -> None:
    async with desk() as here:
        for number in range(50):
            await here.send(token=f"{number}.1")
        await here.simulator.deliverer.settle()
    assert len(here.statuses) == 150
    assert len(here.bodies) < 50


async def test_a_batch_has_a_largest_size() -> None:
    async with desk() as here:
        await here.ask("behaviour", batchMax=2, batchMs=5)
        await here.send()
        await here.simulator.deliverer.settle()
    assert [len(receive(json.loads(body)).statuses) for body in here.bodies] == [2, 1]


async def test_statuses_may_come_each_on_its_own_and_late() -> None:
    async with desk() as here:
        await here.ask("behaviour", batchMs=0, statusDelayMs=5)
        await here.send()
        await here.simulator.deliverer.settle()
    assert len(here.bodies) == 3
    assert here.statuses == ["sent", "delivered", "read"]


async def test_the_first_status_may_come_before_the_answer() -> None:
    async with desk() as here:
        await here.ask("behaviour", beforeResponse=True)
        await here.send()
        assert here.statuses == ["sent"]
        await here.simulator.deliverer.settle()
    assert here.statuses == ["sent", "delivered", "read"]


async def test_statuses_may_be_shuffled_and_doubled() -> None:
    async with desk() as here:
        await here.ask("behaviour", shuffle=True, duplicates=2)
        orders = set()
        for number in range(20):
            here.bodies.clear()
            await here.send(token=f"{number}.1")
            await here.simulator.deliverer.settle()
            assert sorted(here.statuses) == sorted(["sent", "delivered", "read"] * 3)
            orders.add(tuple(here.statuses[:3]))
    assert len(orders) > 1


async def test_a_message_may_fail_after_it_was_taken() -> None:
    async with desk() as here:
        await here.ask("script", to=CUSTOMER, statuses=["sent", "failed"], failCode=131049)
        await here.send()
        await here.simulator.deliverer.settle()
    failed = receive(json.loads(here.bodies[0])).statuses[1]
    assert (failed.status, failed.error_code) == ("failed", "131049")


async def test_a_webhook_is_repeated_until_it_is_taken() -> None:
    async with desk() as here:
        await here.ask("behaviour", retryMs=1)
        here.answers = [503, 0, 500]
        await here.send()
        await here.simulator.deliverer.settle()
        log = await here.log()
    assert len(here.bodies) == 4
    assert len(set(here.bodies)) == 1
    assert (log["totals"]["webhook503"], log["totals"]["webhook200"], log["pending"]) == (1, 1, 0)


async def test_a_webhook_is_given_up_when_its_repeats_are_used_up() -> None:
    async with desk() as here:
        await here.ask("behaviour", retryMs=1, retries=2)
        here.answers = [503] * 9
        await here.send()
        await here.simulator.deliverer.settle()
    assert len(here.bodies) == 3
    assert here.simulator.log.totals["webhookGivenUp"] == 1


async def test_a_webhook_may_come_again_much_later() -> None:
    async with desk() as here:
        await here.ask("behaviour", redeliverMs=10)
        await here.ask("inbound", **{"from": CUSTOMER, "text": "hello", "wait": False})
        await here.simulator.deliverer.settle()
    assert here.texts == ["hello", "hello"]
    assert here.bodies[0] == here.bodies[1]


async def test_a_customer_writes() -> None:
    async with desk() as here:
        answer = await here.ask("inbound", **{"from": CUSTOMER, "name": "Mariam", "text": "مرحبا 👋 a/b"})
    [event] = receive(json.loads(here.bodies[0])).events
    assert answer == {"ids": [event.external_id], "answers": [200]}
    assert (event.account, event.sender, event.payload["contact"]["profile"]["name"]) == (NUMBER, CUSTOMER, "Mariam")
    assert here.texts == ["مرحبا 👋 a/b"]
    assert here.bodies[0].isascii()
    assert b"a\\/b" in here.bodies[0]


async def test_a_customer_without_a_number_writes() -> None:
    async with desk() as here:
        await here.ask("inbound", **{"from": "AE.7Q2xK9mB4tLwPz", "text": "hi"})
    [event] = receive(json.loads(here.bodies[0])).events
    assert event.sender == "AE.7Q2xK9mB4tLwPz"


async def test_a_customer_sends_anything_at_any_time() -> None:
    async with desk() as here:
        voice = {"type": "audio", "audio": {"id": "1", "mime_type": "audio/ogg", "voice": True}}
        await here.ask("inbound", **{"from": CUSTOMER, "message": voice, "ageSeconds": 86_400, "id": "wamid.FIXED"})
    [event] = receive(json.loads(here.bodies[0])).events
    assert event.external_id == "wamid.FIXED"
    assert event.payload["message"]["audio"]["voice"] is True


async def test_many_messages_come_in_one_delivery_of_many_entries() -> None:
    rows = [{"from": f"97150000000{number}", "text": str(number)} for number in range(4)]
    async with desk() as here:
        await here.ask("inbound", messages=rows, entries=2)
    body = json.loads(here.bodies[0])
    assert len(body["entry"]) == 2
    assert sorted(here.texts) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("parallel", [False, True])
async def test_the_same_delivery_comes_again_and_again(parallel: bool) -> None:
    async with desk() as here:
        answer = await here.ask("inbound", **{"from": CUSTOMER, "text": "once", "repeat": 10, "parallel": parallel})
    assert answer["answers"] == [200] * 10
    assert len(set(here.bodies)) == 1


async def test_an_account_may_be_connected_and_moved_while_webhooks_wait() -> None:
    async with desk() as here:
        await here.ask("behaviour", retryMs=5)
        targets: list[str] = []

        async def post(url: str, body: bytes, headers: object) -> int:
            targets.append(url)
            return 200 if url == "http://new" else 0

        here.simulator.deliverer._post = post  # type: ignore[assignment]
        await here.ask("inbound", **{"from": CUSTOMER, "text": "hello", "wait": False, "delayMs": 5})
        await here.ask("accounts", phoneNumberId=NUMBER, token="t", appSecret="s", target="http://new")
        await here.simulator.deliverer.settle()
    assert targets[-1] == "http://new"


async def test_a_number_without_a_target_posts_nothing() -> None:
    async with desk(target="") as here:
        await here.send()
        await here.simulator.deliverer.settle()
    assert here.bodies == []


async def test_the_phone_shows_both_sides() -> None:
    async with desk() as here:
        await phone.say(here.simulator, NUMBER, CUSTOMER, "Mariam", "How much?")
        await here.send("AED 5,000")
        chat = phone.chat(here.simulator, NUMBER, CUSTOMER)
        assert [(bubble.ours, bubble.text) for bubble in chat] == [(True, "How much?"), (False, "AED 5,000")]
        assert phone.customers(here.simulator, NUMBER) == (CUSTOMER,)
        assert phone.chat(here.simulator, NUMBER, "nobody") == ()


async def test_webhooks_can_be_posted_into_an_application() -> None:
    async def app(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/broken":
            raise httpx2.ReadError("gone")
        return httpx2.Response(204 if request.headers["x-a"] == "1" else 400)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(app)) as client:
        post = ClientPost(client)
        assert await post("http://desk/hook", b"{}", {"x-a": "1"}) == 204
        assert await post("http://desk/broken", b"{}", {"x-a": "1"}) == 0
        await post.close()
        assert not client.is_closed


def test_the_log_keeps_the_last_entries_and_all_counts() -> None:
    log = Log(kept=3)
    for number in range(10):
        log.add("send", to=str(number))
    assert [entry["to"] for entry in log.entries()] == ["7", "8", "9"]
    assert [entry["to"] for entry in log.entries(after=9)] == ["9"]
    assert log.entries(after=10) == []
    assert [entry["to"] for entry in log.entries(to="8", limit=1)] == ["8"]
    assert log.totals["send"] == 10


def test_only_the_latest_chats_are_kept() -> None:
    from leadkeeper.simulator.state import _CHATS_KEPT, Bubble

    simulator = Simulator()
    for number in range(_CHATS_KEPT + 5):
        simulator.bubble("1", str(number), Bubble(True, "text", "hi", 0.0, "w"))
    assert len(simulator.chats) == _CHATS_KEPT
    assert ("1", "0") not in simulator.chats
