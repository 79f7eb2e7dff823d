"""How a route comes into being: `page` for HTML, `hook` for plain machine routes, both with their access.

    @page("/admin/automation", title="Automation", access=Access.ADMIN, menu=10, icon="automation")
    async def automation(request: Request) -> Response: ...

    @page.post("/admin/automation/jobs/{job_id:int}/retry", access=Access.ADMIN)
    async def retry(request: Request) -> Response: ...

The route's name is the function's name (or `name=`); templates reach it with `url_for('retry', job_id=1)`.
Modules of `leadkeeper/web/pages/` are found by folder: adding a page is adding a file.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.registry import Registry
from leadkeeper.web import bodies
from leadkeeper.web.access import Access


class _Id(IntegerConvertor):
    """`{id:int}` in a path: what a database can hold as an id; longer ones are no address of ours."""

    regex = "[0-9]{1,18}"


register_url_convertor("int", _Id())

Handler = Callable[[Request], Awaitable[Response]]
Count = Callable[[Connection], int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One registered route. `menu` is its place in the rail (small first), None: not in the rail."""

    path: str
    method: str
    access: Access
    handler: Handler
    name: str
    title: str = ""
    menu: int | None = None
    icon: str = "dot"
    count: Count | None = None
    limit: int = bodies.LIMIT
    html: bool = True


PAGES: Registry[Entry] = Registry("page", "leadkeeper.web.pages")
HOOKS: dict[str, Entry] = {}


class _Pages:
    """Registers HTML pages: `page(...)` for GET, `page.post(...)` for forms."""

    def __call__(
        self,
        path: str,
        *,
        access: Access,
        title: str = "",
        menu: int | None = None,
        icon: str = "dot",
        count: Count | None = None,
        name: str = "",
    ) -> Callable[[Handler], Handler]:
        """A page to look at. `count` feeds the number beside its name in the rail."""

        def register(handler: Handler) -> Handler:
            entry = Entry(path, "GET", access, handler, name or _name(handler), title, menu, icon, count)
            PAGES.add(entry.name, entry)
            return handler

        return register

    def post(
        self, path: str, *, access: Access, title: str = "", name: str = "", limit: int = bodies.LIMIT
    ) -> Callable[[Handler], Handler]:
        """A form's target. `title` is shown when it answers with a page; `limit` is in bytes."""

        def register(handler: Handler) -> Handler:
            entry = Entry(path, "POST", access, handler, name or _name(handler), title, limit=limit)
            PAGES.add(entry.name, entry)
            return handler

        return register


page = _Pages()


def hook(path: str, *, method: str, access: Access, name: str = "", limit: int = bodies.LIMIT) -> Callable[[Handler], Handler]:
    """A plain route for machines: webhooks, health, files. It pays for nothing it does not use."""

    def register(handler: Handler) -> Handler:
        entry = Entry(path, method, access, handler, name or _name(handler), limit=limit, html=False)
        if entry.name in HOOKS:
            raise ValueError(f"hook {entry.name!r} is registered twice")
        HOOKS[entry.name] = entry
        return handler

    return register


def menu() -> list[Entry]:
    """The pages of the rail, in their order."""
    listed = [(entry.menu, entry) for entry in PAGES.all().values() if entry.menu is not None]
    return [entry for _, entry in sorted(listed, key=lambda pair: pair[0])]


def _name(handler: Handler) -> str:
    return getattr(handler, "__name__", type(handler).__name__)
