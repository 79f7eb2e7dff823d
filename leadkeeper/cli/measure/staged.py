"""The real server, worker and simulated provider, each a process, made ready to be measured."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, select, update

from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.proof.stage import NUMBER, Stage
from leadkeeper.knowledge.documents import NewDocument, add
from leadkeeper.simulator.state import SimAccount
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import channel_accounts, documents

A_SECOND = 1_000
FAQ = """question,answer
What are your opening hours?,We are open Monday to Friday from 9:00 to 20:00.
Where is your office?,Our office is on Palm Street 12.
"""


@contextmanager
def staged(ground: Ground, **settings: str) -> Iterator[Stage]:
    """A stage on a fresh database: quiet time 0, no quiet hours, one document read, the provider without statuses.

    Its number is of the tier that may send 1,000 messages a second: 80, the usual one, would be what is measured.
    `settings`: more settings of the server.
    """
    with ground.scratch() as (folder, url):
        stage = Stage(folder, url)
        try:
            stage.start(**settings)
            stage.write(_teach)
            stage.wait(lambda: stage.rows(_read), 60, "the document to be read")
            stage.provider.post("/sim/behaviour", json={"statuses": []}).raise_for_status()
            yield stage
        finally:
            stage.close()


def account_of(stage: Stage) -> SimAccount:
    """The stage's number as its provider knows it."""
    return SimAccount(NUMBER, stage.secrets["token"], stage.secrets["app_secret"])


def _teach(conn: Connection) -> None:
    settings_rows.save(conn, "quiet_hours", None)
    number = channel_accounts.c.channel == "whatsapp"
    (row,) = conn.execute(select(channel_accounts.c.id, channel_accounts.c.config).where(number))
    conn.execute(update(channel_accounts).where(number).values(config={**row.config, "throughput": A_SECOND}))
    add(conn, NewDocument(title="Questions and answers", content=FAQ, type="faq", format="csv"))


def _read(conn: Connection) -> bool:
    return set(conn.execute(select(documents.c.state)).scalars()) == {"indexed"}
