"""Training documents by JSON."""

import pytest

from leadkeeper.access.roles import Role
from leadkeeper.store.schema import jobs
from tests.web.api.conftest import Business
from tests.web.conftest import Desk

PATH = "/api/admin/ai-training"
TEXT = {"title": "Opening hours", "content": "We are open Monday to Friday.", "type": "guidance"}


async def test_a_document_is_added_changed_listed_and_deleted(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    made = (await admin.post(f"{PATH}/documents", json=TEXT)).json()["document"]
    changed = (await admin.put(f"{PATH}/documents", json={"id": made["id"], "title": "Hours"})).json()["document"]
    listed = (await open_desk.caller(Role.VIEWER).get(f"{PATH}/documents")).json()
    one = (await open_desk.caller(Role.VIEWER).get(f"{PATH}/documents/{made['id']}")).json()["document"]
    gone = (await admin.delete(f"{PATH}/documents/{made['id']}")).json()
    missing = await admin.delete(f"{PATH}/documents/{made['id']}")

    assert (made["title"], made["type"], made["state"], made["version"]) == ("Opening hours", "guidance", "queued", 1)
    assert {"id", "title", "type", "createdAt", "updatedAt"} <= set(made)
    assert (changed["title"], changed["content"], changed["version"]) == ("Hours", TEXT["content"], 2)
    assert (listed["ok"], listed["documents"], listed["next"]) == (True, [one], None)
    assert gone["success"] is True
    assert missing.status_code == 404


async def test_a_document_that_is_added_answers(business: Business) -> None:
    admin = business.caller(Role.ADMIN)
    csv = "question,answer\nDo you have parking?,Yes. There are forty places behind the building.\n"
    await admin.post(f"{PATH}/upload", files={"file": ("faq.csv", csv, "text/csv")}, data={"title": "Parking", "type": "faq"})
    await business.place.idle()

    await business.place.says("971500000001", "Do you have parking?")
    await business.place.idle()

    assert "forty places" in (await business.place.sent())[0]


@pytest.mark.parametrize(
    ("name", "kind", "form"),
    [
        ("notes.md", "application/octet-stream", "md"),
        ("notes.TXT", "text/plain", "txt"),
        ("faq.csv", "application/vnd.ms-excel", "csv"),
    ],
)
async def test_the_name_of_a_file_says_what_it_is(open_desk: Desk, name: str, kind: str, form: str) -> None:
    content = "question,answer\nOpen?,Yes.\n" if form == "csv" else "# Hours\n\nWe are open."

    answer = await open_desk.caller(Role.ADMIN).post(
        f"{PATH}/upload", files={"file": (name, content, kind)}, data={"title": "Notes", "type": "guidance"}
    )

    assert answer.status_code == 200
    assert answer.json()["document"]["format"] == form


@pytest.mark.parametrize(
    ("name", "content", "form", "field"),
    [
        ("a.pdf", b"%PDF-1.4", {"title": "A", "type": "faq"}, "file"),
        ("a.docx", b"PK\x03\x04", {"title": "A", "type": "faq"}, "file"),
        ("a.txt", b"", {"title": "A", "type": "faq"}, "file"),
        ("a.txt", b"text", {"type": "faq"}, "title"),
        ("a.txt", b"text", {"title": "A"}, "type"),
        ("a.txt", b"text", {"title": "A", "type": "poems"}, "type"),
        ("a.csv", b"one,two\n1,2\n", {"title": "A", "type": "faq"}, "file"),
        ("a.txt", b"x" * (5 * 2**20 + 1), {"title": "A", "type": "faq"}, "file"),
    ],
)
async def test_a_file_that_cannot_be_taken_is_refused_with_the_reason(
    open_desk: Desk, name: str, content: bytes, form: dict[str, str], field: str
) -> None:
    answer = await open_desk.caller(Role.ADMIN).post(f"{PATH}/upload", files={"file": (name, content)}, data=form)

    assert answer.status_code == 400
    assert field in answer.json()["fields"]


async def test_an_upload_without_a_file_or_without_a_form_is_refused(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    empty = await admin.post(f"{PATH}/upload", files={"title": (None, "A"), "file": (None, "text")})
    json = await admin.post(f"{PATH}/upload", json={"title": "A"})
    broken = await admin.post(f"{PATH}/upload", content=b"no boundary", headers={"content-type": "multipart/form-data"})

    assert (empty.status_code, set(empty.json()["fields"])) == (400, {"file"})
    assert (json.status_code, broken.status_code) == (415, 400)


async def test_all_documents_or_one_are_indexed_again(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    ids = [(await admin.post(f"{PATH}/documents", json=TEXT)).json()["document"]["id"] for _ in range(3)]

    every = (await admin.post(f"{PATH}/reindex")).json()
    one = (await admin.post(f"{PATH}/reindex", json={"id": ids[0]})).json()
    missing = await admin.post(f"{PATH}/reindex", json={"id": 4711})

    assert (every["queued"], one["queued"], missing.status_code) == (3, 1, 404)
    queued = open_desk.db.read_now(lambda conn: conn.execute(jobs.select().where(jobs.c.type == "index_document")).fetchall())
    assert len(queued) == 7


async def test_the_list_pages_by_next(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    for _ in range(3):
        await admin.post(f"{PATH}/documents", json=TEXT)

    first = (await admin.get(f"{PATH}/documents", params={"limit": 2})).json()
    second = (await admin.get(f"{PATH}/documents", params={"limit": 2, "next": first["next"]})).json()

    assert (len(first["documents"]), len(second["documents"]), second["next"]) == (2, 1, None)
    assert first["documents"][-1]["id"] > second["documents"][0]["id"]


async def test_a_page_of_the_list_is_never_larger_than_a_few_documents(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    for _ in range(4):
        await admin.post(f"{PATH}/documents", json={**TEXT, "content": "We are open. " * 300_000})

    pages, following = [], 0
    while following is not None:
        found = (await admin.get(f"{PATH}/documents", params={"next": following} if following else {})).json()
        pages.append([document["id"] for document in found["documents"]])
        following = found["next"]

    assert pages == [[4, 3], [2, 1]]


async def test_who_only_talks_teaches_nothing(open_desk: Desk) -> None:
    answers = [await open_desk.caller(role).post(f"{PATH}/documents", json=TEXT) for role in (None, Role.VIEWER, Role.AGENT)]

    assert [answer.status_code for answer in answers] == [401, 403, 403]
