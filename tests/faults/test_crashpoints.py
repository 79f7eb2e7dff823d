"""A process may be killed anywhere: nothing is lost, nothing is sent twice, and what is not known is said to be so."""

from pathlib import Path

from leadkeeper.cli.faults.crashpoints import labels
from tests.faults.commands import engine_of, faults

KILLS = {"sqlite": 75, "postgres": 25}


def test_wherever_it_is_killed_nothing_is_lost_and_nothing_sent_twice(database_url: str, tmp_path: Path) -> None:
    db, where = engine_of(database_url)

    summary = faults(tmp_path, "crashpoints", "--db", db, "--kills", str(KILLS[db]), **where)

    assert summary["done"] >= KILLS[db]
    assert summary["killedAt"] >= KILLS[db] - 10


def test_there_are_labels_from_the_webhook_to_the_receipt() -> None:
    parts = {label.partition(".")[0] for label in labels()}

    assert len(labels()) >= 40
    assert parts >= {
        "ingest", "enqueue", "claim", "pump", "run", "inbound", "decide", "reply", "intent", "call", "record", "finish",
        "promote", "timers", "statuses", "boot", "rescue", "renew", "commit",
    }  # fmt: skip
