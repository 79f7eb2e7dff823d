"""The chats as a customer's phone shows them, and the customer's thumb."""

from collections.abc import Sequence
from typing import Any

from leadkeeper.simulator.customers import write
from leadkeeper.simulator.state import Bubble, Simulator


def chat(simulator: Simulator, account: str, customer: str) -> Sequence[Bubble]:
    """What this customer's phone shows, oldest first: `ours` bubbles are the customer's own."""
    return tuple(simulator.chats.get((account, customer), ()))


def customers(simulator: Simulator, account: str) -> Sequence[str]:
    """Everybody who has a chat with this account, the latest first."""
    return tuple(customer for number, customer in reversed(simulator.chats) if number == account)


async def say(simulator: Simulator, account: str, customer: str, name: str, text: str) -> dict[str, Any]:
    """The customer writes `text`; answers {ids, answers: [status of the webhook]}."""
    return await write(simulator, {"account": account, "from": customer, "name": name, "text": text})
