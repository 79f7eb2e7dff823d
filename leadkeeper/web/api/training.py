"""Training documents by JSON: list, add, change, delete, upload, index again."""

from typing import Annotated, Any

from fastapi import File, Form, Query, Request, UploadFile
from pydantic import Field
from sqlalchemy import Connection

from leadkeeper.access import audit
from leadkeeper.errors import Invalid
from leadkeeper.knowledge import documents
from leadkeeper.knowledge.documents import Document, NewDocument
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import Shape, router
from leadkeeper.web.json_shape import LARGEST_ID, Id, as_json

PATH = "/api/admin/ai-training"
MB = 2**20
LARGEST_BODY = 102 * MB
"""Above this a body is not even read; the setting MAX_UPLOAD_MB (at most 100) refuses earlier, with its reason."""

readers = router(PATH, access=Access.VIEWER, tag="Training")
admins = router(PATH, access=Access.ADMIN, tag="Training")
writers = router(PATH, access=Access.ADMIN, tag="Training", limit=LARGEST_BODY)
uploads = router(PATH, access=Access.ADMIN, tag="Training", takes="multipart/form-data", limit=LARGEST_BODY)

Next = Annotated[int | None, Query(alias="next", ge=1, le=LARGEST_ID)]
PageSize = Annotated[int, Query(ge=1, le=100)]


class NewText(Shape):
    """A document written by hand."""

    title: str = ""
    content: str = ""
    type: str = "guidance"


class ChangedText(Shape):
    """What changes in a document; names that are not given stay."""

    id: int = Field(ge=1, le=LARGEST_ID)
    title: str | None = None
    content: str | None = None
    type: str | None = None


class Which(Shape):
    """Which document to index again; none given: all of them."""

    id: int | None = Field(None, ge=1, le=LARGEST_ID)


@readers.get("/documents")
async def list_documents(request: Request, before: Next = None, limit: PageSize = 50) -> dict[str, Any]:
    """Documents, the newest first; `next` leads to the following page."""
    shown, following = await request.state.db.read(documents.page, before, limit)
    return {"ok": True, "documents": as_json(shown), "next": following}


@readers.get("/documents/{document_id}")
async def document(request: Request, document_id: Id) -> dict[str, Any]:
    """One document."""
    return _told(await request.state.db.read(documents.get, document_id))


@writers.post("/documents")
async def add(request: Request, given: NewText) -> dict[str, Any]:
    """Add a document; its passages answer once it is indexed."""
    new = NewDocument(given.title, given.type, given.content)
    return _told(await request.state.db.write(_add, new, request.state.user.id, _limit(request)))


@writers.put("/documents")
async def change(request: Request, given: ChangedText) -> dict[str, Any]:
    """Change a document; the old version answers until the new one is indexed."""
    return _told(await request.state.db.write(_change, given, request.state.user.id, _limit(request)))


@admins.delete("/documents/{document_id}")
async def delete(request: Request, document_id: Id) -> dict[str, Any]:
    """Delete a document; it answers no more from now on."""
    await request.state.db.write(_delete, document_id, request.state.user.id)
    return {"ok": True, "success": True}


@uploads.post("/upload")
async def upload(
    request: Request,
    file: Annotated[UploadFile | str | None, File()] = None,
    title: Annotated[str, Form()] = "",
    type: Annotated[str, Form()] = "",
) -> dict[str, Any]:
    """Add a file: text, Markdown, or CSV with question and answer columns. 400 says why another one is refused."""
    if file is None or isinstance(file, str):
        raise Invalid("No file was given.", {"file": "choose a file"})
    limit = _limit(request)
    data = await file.read(limit + 1)
    new = documents.from_upload(file.filename or "", data, title, type, limit)
    return _told(await request.state.db.write(_add, new, request.state.user.id, limit))


@admins.post("/reindex")
async def reindex(request: Request, given: Which | None = None) -> dict[str, Any]:
    """Cut documents into passages again."""
    queued = await request.state.db.write(_reindex, given.id if given is not None else None)
    return {"ok": True, "queued": queued, "message": f"{queued} documents are being indexed again"}


def _told(found: Document) -> dict[str, Any]:
    return {"ok": True, "document": as_json(found)}


def _limit(request: Request) -> int:
    return int(request.state.settings.max_upload_mb) * MB


def _add(conn: Connection, new: NewDocument, user_id: int, limit: int) -> Document:
    made = documents.add(conn, new, user_id, limit)
    audit.record(conn, "document_added", user_id, subject=f"document:{made.id}")
    return made


def _change(conn: Connection, given: ChangedText, user_id: int, limit: int) -> Document:
    changed = documents.update(conn, given.id, given.title, given.content, given.type, limit)
    audit.record(conn, "document_changed", user_id, subject=f"document:{given.id}")
    return changed


def _delete(conn: Connection, document_id: int, user_id: int) -> None:
    documents.delete(conn, document_id)
    audit.record(conn, "document_deleted", user_id, subject=f"document:{document_id}")


def _reindex(conn: Connection, document_id: int | None) -> int:
    if document_id is not None:
        documents.reindex(conn, document_id)
        return 1
    return documents.reindex_all(conn)
