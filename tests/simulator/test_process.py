"""The simulator in its own process, over real sockets: its faults are real there."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from leadkeeper.channels.base import Accepted, Intent, SendResult, Unknown
from leadkeeper.channels.whatsapp import send
from leadkeeper.crm.accounts import Account
from tests.simulator.desk import CUSTOMER, NUMBER, TOKEN


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "leadkeeper.simulator", "--phone-number-id", NUMBER, "--token", TOKEN, "--app-secret", "s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["address"]
        process.terminate()


async def sent(client: httpx2.AsyncClient, address: str, token: str, seconds: float = 5) -> SendResult:
    account = Account(1, "whatsapp", NUMBER, "Desk", address, {}, credentials={"token": TOKEN})
    intent = Intent(1, token, account, CUSTOMER, "text", "Hello", timeout=timedelta(seconds=seconds))
    return await send(client, intent, lambda: True)


async def test_messages_are_taken_over_the_network(address: str) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        results = await asyncio.gather(*(sent(client, address, f"{number}.1") for number in range(50)))
        counts = (await client.get(f"{address}/sim/counts")).json()
    assert all(isinstance(result, Accepted) for result in results)
    assert counts["calledTwice"] == {}


@pytest.mark.parametrize("mode", ["close", "reset", "hang", "truncate", "html"])
async def test_a_broken_answer_leaves_the_send_in_doubt_and_the_provider_up(address: str, mode: str) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        await client.post(f"{address}/sim/script", json={"to": CUSTOMER, "mode": mode, "accept": True})
        assert isinstance(await sent(client, address, f"{mode}.1", seconds=1 if mode == "hang" else 5), Unknown)
        assert isinstance(await sent(client, address, f"{mode}.2"), Accepted)
        counts = (await client.get(f"{address}/sim/counts", params={"token": f"{mode}.1"})).json()
    assert (counts["called"], counts["takenOfToken"]) == (1, 1)


def test_a_number_needs_its_secrets() -> None:
    command = [sys.executable, "-m", "leadkeeper.simulator", "--phone-number-id", "1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "--app-secret" in result.stderr
