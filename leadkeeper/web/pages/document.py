"""One training document: its passages as they are quoted, changing it, reading it again, deleting it."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit
from leadkeeper.access.roles import Role
from leadkeeper.errors import Invalid
from leadkeeper.knowledge import documents, stored
from leadkeeper.knowledge.documents import Document
from leadkeeper.web import forms, passages_view
from leadkeeper.web.access import Access
from leadkeeper.web.pages.knowledge import KINDS, MB, UPLOAD_LIMIT
from leadkeeper.web.passages_view import Piece
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

PATH = "/knowledge/{document_id:int}"
EDITABLE_BYTES = 36_000
"""A longer text makes a page too heavy to be edited in: it is replaced by a file."""


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document (its content is not in the page) and one part of its passages."""

    document: Document
    pieces: list[Piece]
    first: int
    """The number of the part's first passage, from 0."""
    next: int | None
    may: bool
    kinds: tuple[tuple[str, str], ...] = KINDS


@page(PATH, title="Knowledge", access=Access.VIEWER)
async def document_page(request: Request) -> Response:
    """The document with its passages marked; `?from=` or `?passage=` chooses the part."""
    view = await request.state.db.read(
        _view,
        request.path_params["document_id"],
        _whole(request.query_params.get("from", "")),
        _whole(request.query_params.get("passage", "")),
        request.state.user.role.may(Role.ADMIN),
    )
    return render(request, "pages/document.html", view)


@page(PATH + "/edit", title="Edit the document", access=Access.ADMIN)
async def edit_document(request: Request) -> Response:
    """Title, kind and text; a very long text is replaced by a file."""
    document = await request.state.db.read(documents.get, request.path_params["document_id"])
    values = {"title": document.title, "type": document.type, "content": document.content}
    return _form(request, document, forms.Form(values))


@page.post(PATH + "/edit", title="Edit the document", access=Access.ADMIN, limit=UPLOAD_LIMIT)
async def save_document(request: Request) -> Response:
    """Keep the changes; the present passages answer until the new ones are ready."""
    document = await request.state.db.read(documents.get, request.path_params["document_id"])
    form = await forms.read(request)
    limit = request.state.settings.max_upload_mb * MB
    try:
        title, content = form.text("title", longest=300), await _content(form, document, limit)
        form.check()
        await request.state.db.write(_save, document.id, title, content, form.values.get("type"), limit, request.state.user.id)
    except Invalid as error:
        return _form(request, document, form.failed(error), status=400)
    return redirect(request, f"/knowledge/{document.id}", "Saved. It is being read again.")


@page.post(PATH + "/reindex", access=Access.ADMIN)
async def reindex_document(request: Request) -> Response:
    """Cut it into passages again."""
    document_id = request.path_params["document_id"]
    await request.state.db.write(_reindex, document_id, request.state.user.id)
    return redirect(request, f"/knowledge/{document_id}", "It is being read again.")


@page.post(PATH + "/delete", access=Access.ADMIN)
async def delete_document(request: Request) -> Response:
    """Delete it: it answers no more from now on."""
    await request.state.db.write(_delete, request.path_params["document_id"], request.state.user.id)
    return redirect(request, "/knowledge", "The document is deleted.")


async def _content(form: forms.Form, document: Document, limit_bytes: int) -> str | None:
    """The new text: of the file if there is one, else of the field; None where neither was sent. Raises Invalid."""
    file = form.files.get("file")
    if file is None or not file.filename:
        return form.values.get("content")
    data = await file.read(limit_bytes + 1)
    await file.close()
    new = documents.from_upload(file.filename, data, document.title, document.type, limit_bytes)
    if (new.format == "csv") != (document.format == "csv"):
        raise Invalid("another kind of file", {"file": "Choose a file of the same kind, or add it as a new document."})
    return new.content


def _form(request: Request, document: Document, form: forms.Form, status: int = 200) -> Response:
    editable = len(document.content.encode()) <= EDITABLE_BYTES
    view = {"document": document, "form": form, "kinds": KINDS, "editable": editable}
    return render(request, "pages/document_edit.html", view, status=status)


def _view(conn: Connection, document_id: int, first: int, passage_id: int, may: bool) -> DocumentView:
    document = documents.get(conn, document_id)
    if passage_id:
        first = stored.place_of(conn, document_id, passage_id)
    found = stored.part(conn, document_id, first, passages_view.MOST + 1)
    shown = passages_view.fitting(found)
    following = first + len(shown) if len(shown) < len(found) else None
    cut = passages_view.pieces(document, shown, first)
    return DocumentView(replace(document, content=""), cut, first, following, may)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _save(
    conn: Connection, document_id: int, title: str, content: str | None, kind: str | None, limit_bytes: int, user_id: int
) -> None:
    documents.update(conn, document_id, title, content, kind, limit_bytes)
    audit.record(conn, "document_changed", user_id, subject=f"document:{document_id}")


def _reindex(conn: Connection, document_id: int, user_id: int) -> None:
    documents.reindex(conn, document_id)
    audit.record(conn, "documents_reindexed", user_id, subject=f"document:{document_id}")


def _delete(conn: Connection, document_id: int, user_id: int) -> None:
    documents.delete(conn, document_id)
    audit.record(conn, "document_deleted", user_id, subject=f"document:{document_id}")
