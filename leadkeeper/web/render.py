"""Pages out of templates: one call, the same names in every template.

Every template sees: `t`, `lang`, `dir`, `theme`, `user`, `settings`, `zone`, `title`, `page` (its route), `frame`
(menu, worker, banners), `said` (messages for the reader), `url_for(name, **params)`, `static(path)`,
`here` (path and query), and what the handler gave: a mapping's names, or a dataclass's fields and the whole as `view`.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from leadkeeper.web import assets, cookies, filters, frame
from leadkeeper.web.forms import Form, local
from leadkeeper.web.words import direction, t

PACKED = 5
"""How hard pages are packed, of 9: more costs time and saves little."""
TEMPLATES = Path(__file__).parent / "templates"

environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.do"],
)
environment.filters.update(filters.ALL)
environment.globals["static"] = assets.url
environment.globals["Form"] = Form
environment.policies["json.dumps_function"] = partial(json.dumps, ensure_ascii=False)


def prepare() -> None:
    """Compile every template ahead of its first reader: about a second of work, 4 MB."""
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)


def render(request: Request, template: str, view: object = None, *, status: int = 200) -> Response:
    """The template as an answer. `view` is a mapping, a dataclass or nothing; keep it small: it runs on the web loop."""
    said = cookies.said(request)
    body = environment.get_template(template).render(_context(request, view, said)).encode()
    headers = {"cache-control": "no-store", "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        # A fifth of the bytes for less than a millisecond. What a page repeats is no secret a reader could fish for.
        body = gzip.compress(body, PACKED, mtime=0)
        headers["content-encoding"] = "gzip"
    response = HTMLResponse(body, status_code=status, headers=headers)
    if said is not None:
        cookies.drop_said(request, response)
    return response


def redirect(request: Request, target: str, said: str = "", *, kind: str = "ok", **values: object) -> Response:
    """After a form: go to a page of ours (303), leaving a message there. `kind` is `ok` or `bad`."""
    response = RedirectResponse(local(target), status_code=303)
    if said:
        cookies.put_said(request, response, said, kind, values)
    return response


def wants_part(request: Request) -> bool:
    """True when a script asks for parts of the page: the rest of it will not be looked at."""
    return "x-swap" in request.headers


def _context(request: Request, view: object, said: tuple[str, str, dict[str, object]] | None) -> dict[str, Any]:
    state = request.state
    lang = state.lang
    entry = state.entry
    context: dict[str, Any] = {
        "request": request,
        "lang": lang,
        "dir": direction(lang),
        "theme": state.theme,
        "user": state.user,
        "settings": state.settings,
        "zone": state.settings.zone,
        "t": partial(t, lang),
        "page": entry,
        "title": t(lang, entry.title) if entry is not None and entry.title else "Leadkeeper",
        "frame": frame.for_reader(state.frame, state.user),
        "said": [{"text": t(lang, said[0], **said[2]), "kind": said[1]}] if said else [],
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "url_for": partial(_path, request),
    }
    context.update(_names(view))
    return context


def _names(view: object) -> Mapping[str, Any]:
    if view is None:
        return {}
    if isinstance(view, Mapping):
        return view
    if is_dataclass(view):
        return {"view": view, **{field.name: getattr(view, field.name) for field in fields(view)}}
    raise TypeError(f"a view is a mapping or a dataclass, not {type(view).__name__}")


def _path(request: Request, name: str, **params: Any) -> str:
    """The path of a page or hook by name; the query is written after it by hand."""
    return str(request.app.url_path_for(name, **params))
