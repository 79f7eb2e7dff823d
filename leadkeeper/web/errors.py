"""What goes wrong, told in one shape: JSON `{ok: false, error, code, fields?}` for machines, a page for people.

A page says what happened and what to do; an unforeseen error carries an id that is also in the log.
"""

import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from leadkeeper.errors import Invalid, LeadkeeperError, NotFound, TooMany, Unauthorized, Unavailable
from leadkeeper.web import render
from leadkeeper.web.csrf import SAFE
from leadkeeper.web.shell import protect
from leadkeeper.web.words import t

log = logging.getLogger("leadkeeper.web")

MACHINE_PATHS = ("/api/", "/events", "/healthz", "/readyz", "/metrics", "/static/")

AWAY = "The database does not answer just now. Try again in a moment."

WHAT_TO_DO = {
    400: "Go back, correct what is marked, and send it again.",
    403: "Ask an owner of this installation if you need this.",
    404: "Check the address, or go to the start page.",
    409: "Something has changed in the meantime. Go back and look again.",
    413: "Send something smaller.",
    429: "Wait a little and try again.",
    503: "Nothing you have done is lost.",
}

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


async def known(request: Request, error: LeadkeeperError) -> Response:
    """An error we raise on purpose. Where the database lives and what its driver said is for the log alone."""
    if isinstance(error, Unauthorized) and not _for_machine(request):
        return _to_login(request)
    if error.status >= 500:
        about = {"method": request.method, "path": request.url.path, "code": error.code}
        log.warning("a request could not be served", exc_info=error, extra=about)
    fields = error.fields if isinstance(error, Invalid) else None
    message = AWAY if isinstance(error, Unavailable) else error.message
    response = _answer(request, error.status, message, error.code, fields)
    if isinstance(error, TooMany):
        response.headers["retry-after"] = str(max(1, round(error.retry_after)))
    return response


async def http(request: Request, error: HTTPException) -> Response:
    """An error of the framework: no such path, wrong method, a body it could not read."""
    words = {404: NotFound("There is nothing at this address.").message, 405: "This address does not take that method."}
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status_code, "invalid")
    response = _answer(request, error.status_code, words.get(error.status_code, str(error.detail)), code, None)
    response.headers.update(error.headers or {})
    return response


async def bad_body(request: Request, error: RequestValidationError) -> Response:
    """A body or query that does not fit the route's model: 400, naming each field."""
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return _answer(request, 400, "Invalid JSON body", "invalid_json", None)
    if any(problem["type"] == "model_attributes_type" and problem["loc"] == ("body",) for problem in problems):
        return _answer(request, 400, "The body must be a JSON object.", "invalid", None)
    fields = {_field(problem["loc"]): str(problem["msg"]).removeprefix("Value error, ") for problem in problems}
    first = next(iter(fields.items()))
    return _answer(request, 400, f"{first[0]}: {first[1]}", "invalid", fields)


async def gone(request: Request, error: ClientDisconnect) -> Response:
    """The caller has left in the middle of their request: nobody hears this, and it is no fault of ours."""
    return Response(status_code=400)


async def unforeseen(request: Request, error: Exception) -> Response:
    """A fault of ours: logged with an id, shown with the same id, without its inside."""
    mark = secrets.token_hex(4)
    log.error("unforeseen error", exc_info=error, extra={"mark_id": mark, "method": request.method, "path": request.url.path})
    response = _answer(request, 500, "Something went wrong on our side (error {mark}).", "error", None, mark=mark)
    # Starlette answers this outside of every middleware, the one that adds the headers included.
    settings = getattr(request.state, "settings", None)
    protect(response.headers, secure=settings is not None and settings.secure)
    return response


def refusal(error: LeadkeeperError) -> dict[str, Any]:
    """What machines are told of an error we raise on purpose."""
    return _shape(error.message, error.code, error.fields if isinstance(error, Invalid) else None)


HANDLERS: dict[Any, Handler] = {
    LeadkeeperError: known,
    HTTPException: http,
    RequestValidationError: bad_body,
    ClientDisconnect: gone,
    Exception: unforeseen,
}


def _answer(request: Request, status: int, message: str, code: str, fields: dict[str, str] | None, **values: str) -> Response:
    if _for_machine(request) or not hasattr(request.state, "lang"):
        words = message.format(**values) if values else message
        return JSONResponse(_shape(words, code, fields), status_code=status)
    view = {
        "status": status,
        "message": t(request.state.lang, message, **values),
        "advice": WHAT_TO_DO.get(status, WHAT_TO_DO[404]),
        "fields": fields or {},
    }
    if status == 500:
        view["advice"] = "Try again. If it stays, search the log for the number of this error."
    return render.render(request, "pages/error.html", view, status=status)


def _shape(words: str, code: str, fields: dict[str, str] | None) -> dict[str, Any]:
    body: dict[str, Any] = {"ok": False, "error": words, "code": code}
    return {**body, "fields": fields} if fields else body


def _for_machine(request: Request) -> bool:
    return request.url.path.startswith(MACHINE_PATHS) and request.url.path != "/api/docs"


def _to_login(request: Request) -> Response:
    """To the login page and back again; a form that was refused leads back to the page it stood on."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = path if request.method in SAFE else "/"
    return RedirectResponse(f"/login?redirect={quote(back, safe='/')}" if back != "/" else "/login", status_code=303)


def _field(place: tuple[Any, ...]) -> str:
    """`("body", "leadId")` is shown as `leadId`."""
    named = [str(step) for step in place if step not in ("body", "query", "path", "header")]
    return ".".join(named) or "body"
