from datetime import timedelta

import httpx2

from leadkeeper.channels.base import Accepted, channels
from tests.channels.whatsapp.fixtures import payload
from tests.channels.whatsapp.wire import intent


async def test_the_channel_is_registered_with_its_three_verbs() -> None:
    channel = channels.get("whatsapp")
    [event] = channel.receive(payload("text")).events

    async def app(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"messages": [{"id": "wamid.1"}]})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(app)) as client:
        assert await channel.send(client, intent("http://sim"), lambda: True) == Accepted("wamid.1")

    assert channel.parse(event.kind, event.payload).text == "How much is a freelance visa?"


def test_its_limits_are_the_providers() -> None:
    able = channels.get("whatsapp").capabilities
    assert (able.text_limit, able.window, able.templates, able.receipts) == (4_096, timedelta(hours=24), True, True)
