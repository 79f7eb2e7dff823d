"""Servers that speak the protocol their own way are asked their way, once found out."""

import pytest

from leadkeeper.ai.model import providers
from leadkeeper.ai.providers.openai_compatible import OpenAICompatible
from leadkeeper.ai.respond import PROVIDER
from tests.ai.fake_model import fails, writes
from tests.ai.test_respond import HOURS, ask


@pytest.fixture(autouse=True)
def forgetful() -> None:
    """Each test meets an endpoint for the first time."""
    provider = providers.get(PROVIDER)
    assert isinstance(provider, OpenAICompatible)
    provider.forget()


async def test_a_server_with_other_names_and_no_temperature_is_spoken_to_its_way() -> None:
    good = writes(HOURS, quotes=[HOURS])
    await ask("opening hours?", fails(400, "Unsupported parameter: use 'max_completion_tokens'"), fails(400, "temperature"))

    draft, fake = await ask("opening hours?", good)

    assert "max_tokens" not in fake.requests[0]
    assert "temperature" not in fake.requests[0]
    assert draft.reason == "model"


async def test_a_server_that_refuses_everything_is_down() -> None:
    for _ in range(2):
        await ask("opening hours?", fails(400, "no"))

    draft, fake = await ask("opening hours?", fails(400, "no"))

    assert (draft.text, len(fake.requests)) == (HOURS, 1)
    assert "response_format" not in fake.requests[0]
