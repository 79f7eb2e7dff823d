"""Do an account's credentials work, and what does the provider say of the number?"""

from datetime import timedelta

import httpx2

from leadkeeper.channels.base import Account, Health
from leadkeeper.channels.whatsapp import graph
from leadkeeper.channels.whatsapp.errors import failure_of
from leadkeeper.channels.whatsapp.reading import obj, word

_FIELDS = "display_phone_number,verified_name,quality_rating,throughput"
_A_SECOND = {"STANDARD": 80, "HIGH": 1_000}
"""Messages a second by the level of a number; Meta's "Throughput" page as of 2026-05."""


async def health(http: httpx2.AsyncClient, account: Account) -> Health:
    """Ask the provider for the number itself: answers within 10 s and changes nothing."""
    if not graph.has_token(account):
        return Health(False, code="no_token", reason="the account has no usable access token")
    outcome = await graph.get(http, account, account.external_id, {"fields": _FIELDS}, timedelta(seconds=10))
    if not isinstance(outcome, graph.Answer):
        return Health(False, code="unreachable", reason=f"the provider cannot be reached from here ({outcome.reason})")
    data = outcome.data or {}
    if outcome.status != 200 or not word(data.get("display_phone_number")):
        code, reason = failure_of(outcome, account.credentials.get("token", ""))
        return Health(False, code=code, reason=reason)
    return Health(
        True,
        name=word(data.get("verified_name")),
        address=word(data.get("display_phone_number")),
        quality=word(data.get("quality_rating")),
        throughput=_A_SECOND.get(word(obj(data.get("throughput")).get("level")), 0),
    )
