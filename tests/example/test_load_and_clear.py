"""The example comes in once and goes out whole; rows of a real business are never touched."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from leadkeeper.crm import accounts, contacts, conversations, inbound, leads, simulated
from leadkeeper.crm.inbound import Arrival, Delivery
from leadkeeper.example import business
from leadkeeper.example.clear import clear, present
from leadkeeper.example.load import load, loaded
from leadkeeper.knowledge import documents
from leadkeeper.knowledge.documents import NewDocument
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import schema, settings_rows
from leadkeeper.store.database import Database
from tests.flows.town import town

QUIET = ("knowledge_stamp", "rules_seeded", "lexicon_version", "boots")
"""Settings rows the product keeps for itself."""


def counted(conn: Connection) -> dict[str, int]:
    """How many rows each table holds."""
    held = {
        table.name: conn.execute(select(func.count()).select_from(table)).scalar_one() for table in schema.metadata.sorted_tables
    }
    held["settings"] = len([name for name in settings_rows.load(conn) if name not in QUIET])
    return held


def real_business(conn: Connection) -> None:
    """A number, a customer with a lead, a message, a document and a name of somebody's own."""
    account_id = accounts.ensure(conn, "whatsapp", "100200300", "Real number")
    contact_id = contacts.resolve(conn, account_id, [("971501112233", "wa_id")], {"name": "Sara"})
    lead_id = leads.for_contact(conn, contact_id, "whatsapp")
    conversations.open_one(
        conn, contact_id=contact_id, account_id=account_id, lead_id=lead_id, address="971501112233", language="en"
    )
    arrival = Arrival(account_id, "wamid.1", "message", "971501112233", {"text": "hello"}, None)
    inbound.accept(conn, [Delivery("whatsapp", b'{"100200300": 1}', [arrival])])
    documents.add(conn, NewDocument("Ours", "faq", "question,answer\nWhen?,Now.\n", "csv"))


def test_loading_brings_documents_name_hours_and_leads_with_what_expires(db: Database, tmp_path: Path) -> None:
    box = SecretBox.open(tmp_path)

    db.write_now(load, box)

    held = db.read_now(counted)
    assert held["documents"] == len(business.documents())
    assert held["leads"] == len(business.prospects())
    assert held["expiries"] == sum(prospect.expiry_kind is not None for prospect in business.prospects())
    assert db.read_now(settings_rows.get, "business_name") == business.NAME
    assert db.read_now(loaded)


def test_loading_twice_changes_nothing(db: Database, tmp_path: Path) -> None:
    box = SecretBox.open(tmp_path)
    db.write_now(load, box)
    before = db.read_now(counted)

    db.write_now(load, box)

    assert db.read_now(counted) == before


def test_clearing_leaves_exactly_the_real_rows(db: Database, tmp_path: Path) -> None:
    box = SecretBox.open(tmp_path)
    db.write_now(real_business)
    before = db.read_now(counted)
    db.write_now(load, box)
    assert db.read_now(present)

    db.write_now(clear)

    assert db.read_now(counted) == before
    assert not db.read_now(present)


def test_a_name_of_ones_own_survives_loading_and_clearing(db: Database, tmp_path: Path) -> None:
    db.write_now(settings_rows.save, "business_name", "Our own name")

    db.write_now(load, SecretBox.open(tmp_path))
    named = db.read_now(settings_rows.get, "business_name")
    db.write_now(clear)

    assert named == "Our own name"
    assert db.read_now(settings_rows.get, "business_name") == "Our own name"
    assert db.read_now(settings_rows.get, "timezone") is None


def test_a_document_somebody_has_edited_stays(db: Database, tmp_path: Path) -> None:
    mark: dict[str, Any] = db.write_now(load, SecretBox.open(tmp_path))
    edited = mark["documents"][0]
    db.write_now(lambda conn: documents.update(conn, edited, content="question,answer\nOurs?,Yes.\n"))

    db.write_now(clear)

    assert [document.id for document in db.read_now(documents.list_all)] == [edited]


async def test_conversations_of_the_simulated_account_go_with_all_that_hangs_on_them(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        before = db.read_now(counted)
        await db.write(load, place.box)
        demo = await db.write(simulated.ensure, place.box, "http://provider")
        await place.idle()
        rows = await db.read(lambda conn: accounts.load(conn, place.box, demo))
        arrival = Arrival(demo, "wamid.demo", "message", "97160001001", message("Where is your office?"), None)
        await db.write_batch(inbound.accept, Delivery("whatsapp", rows.external_id.encode(), [arrival]))
        await place.idle()
        during = db.read_now(counted)

        await db.write(clear)

        assert during["decisions"] == before["decisions"] + 1
        assert during["messages"] > before["messages"]
        after = db.read_now(counted)
        ignored = {"automation_jobs", "workers", "job_minutes"}  # what ended in a minute has ended
        assert {name: after[name] for name in after if name not in ignored} == {
            name: before[name] for name in before if name not in ignored
        }


def message(text: str) -> dict[str, Any]:
    """The payload of an event as the channel stores it."""
    return {"field": "messages", "message": {"from": "97160001001", "id": "wamid.demo", "type": "text", "text": {"body": text}}}
