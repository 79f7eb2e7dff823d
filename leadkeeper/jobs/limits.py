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
        whole, proactive = of_account(account.id)
        rates[whole] = a_second
        if message.purpose == "proactive":
            rates[proactive] = a_second.half
    per_pair = channels.get(account.channel).capabilities.pair
    if per_pair is not None:
        rates[pair(message.conversation_id)] = per_pair
    return Ask(rates, waited=message.turn_at is not None)


def told(conn: Connection, intent: Intent, scope: str, until: datetime) -> None:
    """The provider refused: where a limit of the account or of the recipient is used up, its bucket is empty until then."""
    account = intent.account
    a_second, per_pair = _account_rate(account), channels.get(account.channel).capabilities.pair
    if scope == "account" and a_second is not None:
        buckets.empty(conn, of_account(account.id)[0], a_second, until)
    if scope == "pair" and per_pair is not None:
        buckets.empty(conn, pair(messages.get(conn, intent.message_id).conversation_id), per_pair, until)


def of_account(account_id: int) -> tuple[str, str]:
    """The buckets of an account: of all it sends, and of what is proactive of it."""
    return f"account:{account_id}", f"account:{account_id}:proactive"


def pair(conversation_id: int) -> str:
    """The bucket of one recipient of one account."""
    return f"pair:{conversation_id}"


def _account_rate(account: Account) -> Rate | None:
    count = account.throughput(channels.get(account.channel).capabilities.a_second)
    return None if count is None else Rate.per_second(count)
