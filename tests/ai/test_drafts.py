"""Drafts in the database: the first of a job and revision stands and comes back whole; calls are counted."""

from dataclasses import replace

from sqlalchemy import Connection

from leadkeeper.ai import drafts
from leadkeeper.ai.drafts import Cited, Draft
from leadkeeper.crm import accounts, contacts, conversations, leads
from leadkeeper.store.database import Database

CITED = [Cited(3, 1, "FAQ", "row 2", 0.9, True, "AED 4,200"), Cited(4, 1, "FAQ", "row 3", 0.2)]
CHECKS = {"calls": 2, "failed": [["promises something"]], "down": None}
DRAFT = Draft(
    "answer", "model", "how much", "en", "AED 4,200", CITED, 0.7, CHECKS, "openai_compatible", "tiny-1", 100, 20, 412
)  # fmt: skip


def conversation(conn: Connection) -> int:
    account = accounts.ensure(conn, "test", "x", "Test")
    contact = contacts.resolve(conn, account, [("customer-1", "unknown")])
    lead = leads.for_contact(conn, contact, "test")
    opened, _ = conversations.open_one(conn, contact_id=contact, account_id=account, lead_id=lead, address="x", language="en")
    return opened


def test_a_draft_comes_back_as_it_was_and_the_first_one_stands(db: Database) -> None:
    place = db.write_now(conversation)

    first = db.write_now(drafts.store, [drafts.Kept(DRAFT, place, 7, 1)])[7]
    again = db.write_now(drafts.store, [drafts.Kept(replace(DRAFT, text="another"), place, 7, 1)])[7]

    assert first == again
    assert db.read_now(drafts.earlier_of, {7: 1, 8: 1}) == {7: (DRAFT, 2), 8: (None, 0)}
    assert db.read_now(drafts.earlier_of, {7: 2}) == {7: (None, 2)}


def test_the_calls_of_a_job_are_those_of_all_its_drafts(db: Database) -> None:
    place = db.write_now(conversation)

    db.write_now(drafts.store, [drafts.Kept(DRAFT, place, 7, 1)])[7]
    db.write_now(drafts.store, [drafts.Kept(replace(DRAFT, checks={}), place, 7, 2)])[7]
    db.write_now(drafts.store, [drafts.Kept(DRAFT, place, 8, 1)])[8]

    calls = {job: made for job, (_, made) in db.read_now(drafts.earlier_of, {7: 1, 9: 1}).items()}
    assert calls == {7: 2, 9: 0}
