"""What a provider heard from us, laid beside our rows: one call of a token, none without intent, nothing accepted unheard.

The provider is read before the rows and, for what the rows hold more, once again after them: a message
that is sent meanwhile is no finding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from leadkeeper.crm.audit import SHOWN, TAKEN, Finding
from leadkeeper.errors import Invalid
from leadkeeper.store.schema import channel_accounts, messages


@dataclass(frozen=True, slots=True)
class Heard:
    """How often each token of one number was called since the provider's log began."""

    since: datetime
    calls: Mapping[str, int]


Log = Mapping[str, Heard]
"""By the provider's id of our number."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Tokens called twice and without intent; `unheard`: messages the rows call accepted and this log does not know."""

    calls: int
    twice: list[str]
    without_intent: list[str]
    unheard: Mapping[str, int]

    def findings(self, later: Log) -> list[Finding]:
        """As the audit says it; `later` is the log read after the rows."""
        heard = {token for number in later.values() for token in number.calls}
        missing = sorted(message for token, message in self.unheard.items() if token not in heard)
        return [
            _of_tokens("called_twice", self.twice),
            _of_tokens("called_without_intent", self.without_intent),
            Finding("accepted_without_call", "messages", len(missing), missing[:SHOWN]),
        ]


def read_log(given: Any) -> Log:
    """The log out of its JSON: `{number: {since, calls: {token: how often}}}`. Raises Invalid for anything else."""
    try:
        return {
            str(number): Heard(
                datetime.fromisoformat(heard["since"]), {str(token): int(often) for token, often in heard["calls"].items()}
            )
            for number, heard in given.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Invalid("this is no log of the simulator's calls: it is what GET /sim/calls gives") from error


def compare(conn: Connection, log: Log) -> Compared:
    """Lay what the provider heard beside the messages of the numbers it knows."""
    named = select(channel_accounts.c.id, channel_accounts.c.external_id).where(channel_accounts.c.external_id.in_(log))
    numbers = {int(row.id): log[row.external_id] for row in conn.execute(named)}
    query = select(
        messages.c.id, messages.c.account_id, messages.c.attempt, messages.c.token, messages.c.state, messages.c.external_id,
        messages.c.created_at,
    ).where(messages.c.account_id.in_(numbers), messages.c.direction == "out")  # fmt: skip
    attempts: dict[tuple[int, int], int] = {}
    unheard = {}
    for row in conn.execute(query):
        attempts[row.account_id, row.id] = row.attempt
        heard = numbers[row.account_id]
        # Accepted by the provider, not by a person's word: that one names no id.
        accepted = row.state in TAKEN and row.external_id is not None and row.token is not None
        if accepted and row.created_at >= heard.since and row.token not in heard.calls:
            unheard[row.token] = row.id
    tokens = [(account, token) for account, heard in numbers.items() for token in heard.calls]
    return Compared(
        calls=sum(sum(heard.calls.values()) for heard in numbers.values()),
        twice=[token for account, token in tokens if numbers[account].calls[token] > 1],
        without_intent=[token for account, token in tokens if not _intended(attempts, account, token)],
        unheard=unheard,
    )


def _intended(attempts: Mapping[tuple[int, int], int], account: int, token: str) -> bool:
    number, _, attempt = token.partition(".")
    known = number.isascii() and number.isdigit() and attempt.isascii() and attempt.isdigit()
    return known and attempts.get((account, int(number)), 0) >= int(attempt) > 0


def _of_tokens(name: str, tokens: list[str]) -> Finding:
    numbers = sorted({int(number) for token in tokens if (number := token.partition(".")[0]).isdigit() and number.isascii()})
    return Finding(name, "messages", len(tokens), numbers[:SHOWN])
