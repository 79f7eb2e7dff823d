"""Training documents and their indexing: one transaction for the change and its job; the newest version wins."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.errors import Invalid, NotFound
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.index_document import index_document, mark_failed
from leadkeeper.knowledge import documents, stored
from leadkeeper.knowledge.documents import NewDocument
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Outcome
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs

FAQ = NewDocument("Hours", "faq", "Q: When do you open?\nA: At nine.")


def waiting(db: Database) -> list[dict[str, Any]]:
    query = select(jobs.c.data, jobs.c.key).where(jobs.c.type == "index_document").order_by(jobs.c.id)
    return db.read_now(lambda conn: [{**row.data, "key": row.key} for row in conn.execute(query)])


async def run(db: Database, folder: Path, document_id: int, version: int) -> Outcome:
    """The job as a worker runs it: the handler, then what it wants written with its end."""
    data = {"documentId": document_id, "version": version}
    claimed = Claimed(1, "index_document", data, None, 50, 1, 1, 3, 0, None, clock.now(), clock.now())
    async with httpx2.AsyncClient() as http:
        ctx = JobContext(db, claimed, Settings(data_dir=folder), http, SecretBox.open(folder), SearchIndex(), lambda _: True)
        outcome = await index_document(ctx, document_id=document_id, version=version)
    if outcome.then is not None:
        await db.write(outcome.then)
    if isinstance(outcome, Fail):
        await db.write(mark_failed, claimed, outcome.reason)
    return outcome


def test_a_new_document_waits_and_its_job_is_in_the_same_transaction(db: Database) -> None:
    document = db.write_now(documents.add, FAQ)

    assert (document.state, document.version, document.passages) == ("queued", 1, 0)
    assert waiting(db) == [{"documentId": document.id, "version": 1, "key": f"doc:{document.id}"}]


def test_a_bad_document_is_refused_by_field_and_nothing_is_stored(db: Database) -> None:
    with pytest.raises(Invalid) as refused:
        db.write_now(documents.add, NewDocument(" ", "poem", ""))

    assert set(refused.value.fields) == {"title", "type", "content"}
    assert db.read_now(documents.list_all) == []
    assert waiting(db) == []


async def test_an_indexed_document_has_its_passages(db: Database, tmp_path: Path) -> None:
    document = await db.write(documents.add, FAQ)

    outcome = await run(db, tmp_path, document.id, 1)

    assert isinstance(outcome, Done)
    done = await db.read(documents.get, document.id)
    assert (done.state, done.error, done.passages) == ("indexed", None, 1)
    (passage,) = await db.read(stored.of_document, document.id)
    assert (passage.question, passage.text, passage.title) == ("When do you open?", "At nine.", "Hours")


async def test_an_edit_is_a_new_version_and_the_old_passages_answer_until_it_is_indexed(db: Database, tmp_path: Path) -> None:
    document = await db.write(documents.add, FAQ)
    await run(db, tmp_path, document.id, 1)

    def edit(conn: Any) -> documents.Document:
        return documents.update(conn, document.id, content="Q: When do you open?\nA: At ten.")

    edited = await db.write(edit)

    assert (edited.version, edited.state, edited.title, edited.passages) == (2, "queued", "Hours", 1)
    assert isinstance(await run(db, tmp_path, document.id, 1), Cancel)
    assert [each.text for each in await db.read(stored.of_document, document.id)] == ["At nine."]
    assert isinstance(await run(db, tmp_path, document.id, 2), Done)
    assert [each.text for each in await db.read(stored.of_document, document.id)] == ["At ten."]


async def test_a_document_edited_while_it_is_cut_is_left_to_the_next_job(db: Database, tmp_path: Path) -> None:
    document = await db.write(documents.add, FAQ)
    async with httpx2.AsyncClient() as http:
        claimed = Claimed(1, "index_document", {}, None, 50, 1, 1, 3, 0, None, clock.now(), clock.now())
        box = SecretBox.open(tmp_path)
        ctx = JobContext(db, claimed, Settings(data_dir=tmp_path), http, box, SearchIndex(), lambda _: True)
        outcome = await index_document(ctx, document_id=document.id, version=1)
    await db.write(documents.reindex, document.id)

    assert outcome.then is not None
    await db.write(outcome.then)

    assert (await db.read(documents.get, document.id)).state == "queued"
    assert await db.read(stored.of_document, document.id) == []


async def test_a_document_without_a_passage_is_failed_with_the_reason(db: Database, tmp_path: Path) -> None:
    document = await db.write(documents.add, NewDocument("Empty", "faq", "# Only a heading"))

    outcome = await run(db, tmp_path, document.id, 1)

    assert isinstance(outcome, Fail)
    failed = await db.read(documents.get, document.id)
    assert (failed.state, failed.error) == ("failed", "no passage was found in the document")


async def test_the_failure_of_an_old_version_does_not_mark_the_new_one(db: Database) -> None:
    document = await db.write(documents.add, FAQ)
    await db.write(documents.reindex, document.id)
    data = {"documentId": document.id, "version": 1}
    claimed = Claimed(1, "index_document", data, None, 50, 1, 1, 3, 0, None, clock.now(), clock.now())

    await db.write(mark_failed, claimed, "too late")

    assert (await db.read(documents.get, document.id)).state == "queued"


async def test_a_deleted_document_leaves_nothing_and_its_job_is_cancelled(db: Database, tmp_path: Path) -> None:
    document = await db.write(documents.add, FAQ)
    await run(db, tmp_path, document.id, 1)

    await db.write(documents.delete, document.id)

    assert await db.read(stored.everything) == []
    assert isinstance(await run(db, tmp_path, document.id, 1), Cancel)
    with pytest.raises(NotFound):
        await db.write(documents.delete, document.id)
    with pytest.raises(NotFound):
        await db.read(documents.get, document.id)
