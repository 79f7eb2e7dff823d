"""The inbox: what needs a person first; a conversation with why each message was answered, and the lead beside it."""

from functools import partial

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.crm import inbox as conversations
from leadkeeper.rules.labels import nationality
from leadkeeper.store.schema import STAGES
from leadkeeper.web import inbox_asked, inbox_view, inbox_words
from leadkeeper.web.access import Access
from leadkeeper.web.filters import humanise
from leadkeeper.web.inbox_asked import PATH, SHOWN_VIEWS, Asked
from leadkeeper.web.inbox_view import Forms, InboxView
from leadkeeper.web.reasons import because
from leadkeeper.web.render import render
from leadkeeper.web.routes import page
from leadkeeper.web.words import t


def waiting(conn: Connection) -> int:
    """The number beside the inbox in the rail."""
    return conversations.waiting(conn)


@page(PATH, title="Inbox", access=Access.VIEWER, menu=10, icon="inbox", count=waiting)
async def inbox(request: Request) -> Response:
    """The list alone."""
    return await show(request, inbox_asked.of(request.query_params), None)


@page(PATH + "/{conversation_id:int}", title="Inbox", access=Access.VIEWER, name="conversation")
async def conversation(request: Request) -> Response:
    """A conversation beside its list."""
    return await show(request, inbox_asked.of(request.query_params), request.path_params["conversation_id"])


async def show(
    request: Request, asked: Asked, conversation_id: int | None, forms: Forms | None = None, status: int = 200
) -> Response:
    """The page, with the forms as they were sent when one was refused."""
    state, lang = request.state, request.state.lang
    user = state.user
    view: InboxView = await state.db.read(
        inbox_view.read, state.settings, asked, user.id, user.role, conversation_id, forms or Forms()
    )
    words = {
        "because": partial(because, lang),
        "line_words": partial(inbox_words.line, lang),
        "service": partial(inbox_words.service, lang),
        "expiry": partial(inbox_words.expiry, lang),
        "preview": partial(inbox_words.preview, lang),
        "brief": partial(inbox_words.brief, lang),
        "on": partial(inbox_words.on, lang),
        "staged": [(stage, t(lang, humanise(stage))) for stage in STAGES],
        "size": partial(inbox_words.size, lang),
        "nationality": lambda name: nationality(name, lang),
        "kinds": inbox_words.KINDS,
        "icons": inbox_words.ICONS,
        "task_kinds": inbox_words.TASKS,
        "handler": lambda card: inbox_view.handler(card, user.id),
        "waited": lambda card: inbox_view.waited(card, view.now),
        "now": view.now,
        "long": inbox_view.LONG,
        "views": SHOWN_VIEWS,
    }
    more = {"view": view, "asked": view.asked, "opened": view.opened, "forms": view.forms, "may": view.may}
    back = view.asked.thread(conversation_id, before=asked.before, pane=asked.pane) if conversation_id else view.asked.listed()
    return render(request, "pages/inbox.html", {**words, **more, "back": back}, status=status)
