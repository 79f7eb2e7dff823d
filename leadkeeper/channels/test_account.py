"""The built-in account of test jobs: takes messages and sends them nowhere."""

from collections.abc import Callable

import httpx2

from leadkeeper.channels.base import Accepted, Capabilities, Identity, Inbound, Intent, JsonObject, Received, SendResult, channels


class TestAccount:
    """Everything works, nothing leaves: no test job ever reaches a real provider."""

    __test__ = False
    name = "test"
    capabilities = Capabilities(text_limit=4096, window=None, templates=False, receipts=False, media=False)

    def receive(self, body: JsonObject) -> Received:
        """Nothing is delivered to this account from outside."""
        return Received(notes=["the test account has no webhook"])

    def parse(self, kind: str, payload: JsonObject) -> Inbound:
        """A made-up text message of a lead."""
        sender = f"lead:{payload.get('leadId')}"
        return Inbound(kind="text", text=str(payload.get("text", "")), identities=[Identity(sender, "test")])

    def action_of(self, code: str | None) -> str:
        """Nothing is ever refused here."""
        return "fail"

    async def send(self, http: httpx2.AsyncClient, intent: Intent, still_ours: Callable[[], bool]) -> SendResult:
        """Accepted, and gone nowhere."""
        return Accepted(f"test:{intent.token}")


channels.add(TestAccount.name, TestAccount())
