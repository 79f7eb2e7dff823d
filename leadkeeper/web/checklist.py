"""How far an installation is set up: read from the rows, so nothing has to be ticked off by hand."""

from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from leadkeeper.store import settings_rows
from leadkeeper.store.schema import channel_accounts, decisions, documents, rules


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do. `words` and `why` are English keys; `path` is where it is done."""

    name: str
    words: str
    why: str
    path: str
    done: bool


def read(conn: Connection) -> list[Item]:
    """The list, in the order that makes sense."""
    real = channel_accounts.c.simulated.is_(False) & channel_accounts.c.secrets.is_not(None)
    return [
        Item(
            "business", "Name your business", "Greetings use the name; rules use zone and hours.", "/setup/business",
            bool(settings_rows.get(conn, "business_name")),
        ),
        Item(
            "document", "Teach it something", "Answers are quoted from your documents and from nothing else.",
            "/setup/document", _any(conn, documents.c.state == "indexed"),
        ),
        Item(
            "rules", "Rules are on", "They decide what is answered and what goes to a person.", "/rules",
            _any(conn, rules.c.enabled),
        ),
        Item(
            "message", "See a message handled", "Write as a customer and watch what happens.", "/simulate",
            _any(conn, decisions.c.outcome.is_not(None)),
        ),
        Item("channel", "Connect WhatsApp", "Your own number, with four values from Meta.", "/channels", _any(conn, real)),
    ]  # fmt: skip


def finished(conn: Connection) -> frozenset[str]:
    """The names of the items that are done."""
    return frozenset(item.name for item in read(conn) if item.done)


def _any(conn: Connection, condition: object) -> bool:
    return bool(conn.execute(select(exists().where(condition))).scalar())  # type: ignore[arg-type]
