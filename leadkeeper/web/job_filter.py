"""What the list of jobs shows, held in its address: `?status=failed&type=send&lead=5&since=24h&error=…&next=812`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.channels.storable import storable_text
from leadkeeper.crm import order_keys
from leadkeeper.queue.listing import STATUSES, JobFilter

SINCE: Mapping[str, timedelta] = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
_LARGEST = 10**18


@dataclass(frozen=True, slots=True)
class Asked:
    """The address in parts; what it cannot mean is left out. `search` is a name still to be found."""

    status: str = ""
    type: str = ""
    lead: int | None = None
    since: str = ""
    error: str = ""
    search: str = ""
    before: int | None = None

    @property
    def filtered(self) -> bool:
        """True when it narrows the list beyond the status."""
        return bool(self.type or self.lead or self.since or self.error)

    def query(self, **other: object) -> str:
        """This address's query with other parts; paging starts anew unless `next` is given."""
        parts: dict[str, object] = {
            "status": self.status, "type": self.type, "lead": self.lead, "since": self.since, "error": self.error,
        } | other  # fmt: skip
        kept = {name: value for name, value in parts.items() if value not in (None, "")}
        return f"?{urlencode(kept)}" if kept else "?"


def of(query: Mapping[str, str]) -> Asked:
    """The parts of a query; unknown words count as not given, so that an old bookmark still opens."""
    status, since = query.get("status", ""), query.get("since", "")
    return Asked(
        status=status if status in STATUSES else "",
        type=storable_text(query.get("type", ""))[:64],
        lead=_number(query.get("lead", "")),
        since=since if since in SINCE else "",
        error=storable_text(query.get("error", ""))[:2000],
        search=storable_text(query.get("q", "")).strip()[:100],
        before=_number(query.get("next", "")),
    )


def wanted(conn: Connection, asked: Asked) -> JobFilter:
    """The filter the queue understands."""
    keys = order_keys.of_lead(conn, asked.lead) if asked.lead is not None else None
    return JobFilter(
        status=asked.status or None,
        type=asked.type or None,
        keys=keys,
        about=("leadId", asked.lead) if asked.lead is not None else None,
        since=clock.now() - SINCE[asked.since] if asked.since else None,
        error=asked.error or None,
    )


def _number(given: str) -> int | None:
    return int(given) if given.isdecimal() and given.isascii() and 0 < int(given[:19]) < _LARGEST else None
