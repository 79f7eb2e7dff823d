"""What the business taught us: the documents, adding to them, and the box to ask them something."""

from dataclasses import dataclass, field

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit
from leadkeeper.access.roles import Role
from leadkeeper.errors import Invalid
from leadkeeper.knowledge import documents
from leadkeeper.knowledge.documents import Document, NewDocument
from leadkeeper.knowledge.uploads import TYPES
from leadkeeper.web import asked, forms
from leadkeeper.web.access import Access
from leadkeeper.web.asked import LANGUAGES, Asked
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

MB = 2**20
UPLOAD_LIMIT = 102 * MB
"""Above this a body is not even read; the setting MAX_UPLOAD_MB refuses earlier, with its reason."""
PER_PAGE = 30
KINDS = tuple(zip(TYPES, ("Guidance", "Examples", "Policies", "Scripts", "Questions and answers"), strict=True))


@dataclass(frozen=True, slots=True)
class KnowledgeView:
    """What the page shows. `next` is the id the following page begins after."""

    documents: list[Document]
    next: int | None
    before: int | None
    may: bool
    may_ask: bool
    upload_mb: int
    form: forms.Form = field(default_factory=forms.Form)
    ask: forms.Form = field(default_factory=forms.Form)
    asked: Asked | None = None
    kinds: tuple[tuple[str, str], ...] = KINDS
    languages: tuple[tuple[str, str], ...] = LANGUAGES


@page("/knowledge", title="Knowledge", access=Access.VIEWER, menu=50, icon="knowledge")
async def knowledge(request: Request) -> Response:
    """The list, the ask box and the form to add something."""
    return await _show(request)


@page("/knowledge/ask", access=Access.VIEWER, name="knowledge_asked")
async def knowledge_asked(request: Request) -> Response:
    """The address an answer was shown at: opened anew, it is the page itself."""
    return redirect(request, "/knowledge")


@page.post("/knowledge/ask", title="Knowledge", access=Access.AGENT)
async def ask_knowledge(request: Request) -> Response:
    """Answer a question as a customer would be answered; nothing is stored or sent."""
    form = await forms.read(request)
    question = form.text("question", longest=2000, missing="Write a question.")
    language = form.choice("language", [name for name, _ in LANGUAGES])
    if form.errors:
        return await _show(request, ask=form, status=400)
    return await _show(request, ask=form, told=await asked.ask(request, question, language))


@page.post("/knowledge", title="Knowledge", access=Access.ADMIN, limit=UPLOAD_LIMIT)
async def add_document(request: Request) -> Response:
    """Keep a pasted text or a file; it is cut into passages in the background."""
    form = await forms.read(request)
    limit = request.state.settings.max_upload_mb * MB
    try:
        new = await given(form, limit)
        await request.state.db.write(_add, new, request.state.user.id, limit)
    except Invalid as error:
        return await _show(request, form=form.failed(error), status=400)
    return redirect(request, "/knowledge", "Added: {title}", title=new.title)


@page.post("/knowledge/reindex", access=Access.ADMIN)
async def reindex_everything(request: Request) -> Response:
    """Cut every document into passages again."""
    queued = await request.state.db.write(_reindex_all, request.state.user.id)
    return redirect(request, "/knowledge", "{n} documents are read again.", n=queued)


async def given(form: forms.Form, limit_bytes: int) -> NewDocument:
    """The document of a form: its file if there is one, else its text. Raises Invalid, naming the field."""
    title, kind = form.text("title", longest=300, required=False), form.values.get("type") or TYPES[0]
    content, file = form.values.get("content", ""), form.files.get("file")
    form.check()
    if file is not None and file.filename:
        data = await file.read(limit_bytes + 1)
        await file.close()
        named = title or file.filename.rpartition(".")[0] or file.filename
        return documents.from_upload(file.filename, data, named, kind, limit_bytes)
    if not content.strip():
        raise Invalid("nothing to learn", {"content": "Paste a text or choose a file."})
    first_line = content.strip().splitlines()[0].strip("# ")[:80]
    return NewDocument(title or first_line or "–", kind, content, "md")


async def _show(
    request: Request,
    form: forms.Form | None = None,
    ask: forms.Form | None = None,
    told: Asked | None = None,
    status: int = 200,
) -> Response:
    before = request.query_params.get("before", "")
    after = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    found = await request.state.db.read(documents.summaries, after, PER_PAGE + 1)
    role = request.state.user.role
    view = KnowledgeView(
        found[:PER_PAGE],
        found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        after,
        role.may(Role.ADMIN),
        role.may(Role.AGENT),
        request.state.settings.max_upload_mb,
        form or forms.Form(),
        ask or forms.Form(),
        told,
    )
    return render(request, "pages/knowledge.html", view, status=status)


def _add(conn: Connection, new: NewDocument, user_id: int, limit_bytes: int) -> None:
    made = documents.add(conn, new, user_id, limit_bytes)
    audit.record(conn, "document_added", user_id, subject=f"document:{made.id}")


def _reindex_all(conn: Connection, user_id: int) -> int:
    queued = documents.reindex_all(conn)
    audit.record(conn, "documents_reindexed", user_id, documents=queued)
    return queued
