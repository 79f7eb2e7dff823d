"""Which of its provider's limits a message counts against, and what the provider itself says of them."""

from datetime import datetime

from sqlalchemy import Connection

from leadkeeper.channels.base import Account, Intent, channels
from leadkeeper.crm import buckets, messages
from leadkeeper.crm.buckets import Ask, Rate
from leadkeeper.store.prepared import Row


def ask(message: Row, account: Account) -> Ask:
    """The buckets a message needs a token of. Proactive ones get at most half of what the account may send."""
    rates = {}
    a_second = _account_rate(account)
    if a_second is not None:
        rates[_account(account)] = a_second
        if message.purpose == "proactive":
            rates[f"{_account(account)}:proactive"] = a_second.half
    pair = channels.get(account.channel).capabilities.pair
    if pair is not None:
        rates[_pair(message)] = pair
    return Ask(rates, waited=message.turn_at is not None)


def told(conn: Connection, intent: Intent, scope: str, until: datetime) -> None:
    """The provider refused: where a limit of the account or of the recipient is used up, its bucket is empty until then."""
    account = intent.account
    a_second, pair = _account_rate(account), channels.get(account.channel).capabilities.pair
    if scope == "account" and a_second is not None:
        buckets.empty(conn, _account(account), a_second, until)
    if scope == "pair" and pair is not None:
        buckets.empty(conn, _pair(messages.get(conn, intent.message_id)), pair, until)


def _account_rate(account: Account) -> Rate | None:
    count = account.throughput(channels.get(account.channel).capabilities.a_second)
    return None if count is None else Rate.per_second(count)


def _account(account: Account) -> str:
    return f"account:{account.id}"


def _pair(message: Row) -> str:
    return f"pair:{message.conversation_id}"
