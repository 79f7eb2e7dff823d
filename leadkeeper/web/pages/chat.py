"""The chat window a visitor of the business's website writes in. It may be framed by CHAT_ORIGINS and by ourselves."""

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.users import LANGUAGES
from leadkeeper.config import Settings
from leadkeeper.rules import business
from leadkeeper.web.access import Access
from leadkeeper.web.render import render
from leadkeeper.web.routes import page
from leadkeeper.web.shell import content_policy


@page("/chat", title="Chat", access=Access.PUBLIC)
async def chat(request: Request) -> Response:
    """The window; `?lang=` overrides the browser's language."""
    settings = request.state.settings
    wanted = request.query_params.get("lang", "")
    if wanted in LANGUAGES:
        request.state.lang = wanted
    name = await request.state.db.read(_name, settings)
    response = render(request, "pages/chat.html", {"business_name": name})
    response.headers["content-security-policy"] = content_policy(["'self'", *settings.chat_origins.split()])
    return response


def _name(conn: Connection, settings: Settings) -> str:
    return business.read(conn, settings).name
