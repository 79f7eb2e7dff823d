"""The site map: every route of the web app, with who may call it.

machine     webhooks.py            /api/webhooks/*            plain Starlette: verify, store, 200
            streams.py             /events                    one live stream per tab
            health.py, media.py    /healthz /readyz /media/*  probes; files customers sent
            assets.py              /static/{hash}/{path}      style, scripts, icons
people      pages/*.py             /login /inbox /admin/...   HTML, found by folder
programs    api/*.py               /api/*                     JSON by FastAPI, found by folder; /api/openapi.json
"""

import re
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from threading import Thread
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from leadkeeper import __version__
from leadkeeper.config import Settings
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import hints
from leadkeeper.store.database import Database
from leadkeeper.web import assets, chat, frame, health, media, render, streams, watch, webhooks
from leadkeeper.web.access import Access
from leadkeeper.web.errors import HANDLERS
from leadkeeper.web.guard import guarded_routes, refuse_unguarded
from leadkeeper.web.json_api import ROUTERS, GuardedApiRoute
from leadkeeper.web.routes import hook
from leadkeeper.web.shell import Shell
from leadkeeper.web.simulated import Simulated
from leadkeeper.web.site import Site

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

PLAIN = (webhooks, chat, streams, watch, health, media)
"""Modules that register plain routes, banners and figures by being imported."""

hook("/static/{version}/{path:path}", method="GET", access=Access.PUBLIC)(assets.static)


def build(
    db: Database, settings: Settings, box: SecretBox, *, worker: object = None, lifespan: Lifespan | None = None
) -> Starlette:
    """The whole web app. `lifespan` runs inside ours: the database is open and the streams are live.

    Raises Misconfigured when a route has no access.
    """
    site = Site(db, settings, box, worker)
    api = _api()
    routes: list[BaseRoute] = [*guarded_routes(), _schema_route(site)]
    refuse_unguarded([*routes, *api.router.routes])
    site.describe = partial(_schema, api)

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        site.live.start(partial(frame.take_for, site))
        deaf = hints.start(db)
        Thread(target=render.prepare, name="templates", daemon=True).start()
        try:
            async with AsyncExitStack() as stack:
                if lifespan is not None:
                    await stack.enter_async_context(lifespan(app))
                yield
        finally:
            deaf()
            await app.state.simulated.stop()
            site.close()

    app = Starlette(
        routes=[*routes, _ApiDoor(api)],
        middleware=[Middleware(Shell, site=site)],
        exception_handlers=HANDLERS,
        lifespan=living,
    )
    app.router.redirect_slashes = False
    app.state.site, app.state.api = site, api
    app.state.simulated = Simulated(app)
    return app


def _api() -> FastAPI:
    api = FastAPI(
        title="Leadkeeper", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, exception_handlers=HANDLERS
    )
    api.router.redirect_slashes = False
    for made in ROUTERS.all().values():
        api.router.routes.extend(made.routes)
    return api


class _ApiDoor(BaseRoute):
    """Everything below /api/ that no plain route has taken goes to FastAPI, under its full path."""

    access = Access.PUBLIC

    def __init__(self, api: FastAPI) -> None:
        self.api = api

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A full match for every path of the API."""
        inside = scope["type"] == "http" and scope["path"].startswith("/api/")
        return (Match.FULL if inside else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to FastAPI."""
        await self.api(scope, receive, send)


class _OpenRoute(Route):
    access = Access.PUBLIC


def _schema_route(site: Site) -> Route:
    async def openapi(request: Request) -> Response:
        return JSONResponse(site.schema)

    return _OpenRoute("/api/openapi.json", openapi, methods=["GET"], name="openapi")


def _schema(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI document with each call's access; bad input is answered with 400, so no 422 is promised."""
    with warnings.catch_warnings():
        # FastAPI gives one id to a route of two methods and complains about it; ours below have the method in them.
        warnings.filterwarnings("ignore", "Duplicate Operation ID")
        document = api.openapi()
    access = {
        (route.path, method): route.access
        for route in api.router.routes
        if isinstance(route, GuardedApiRoute)
        for method in route.methods or ()
    }
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            operation.get("responses", {}).pop("422", None)
            operation["operationId"] = re.sub(r"\W+", "_", f"{method}{path}").strip("_")
            operation["x-access"] = access[path, method.upper()].value
    return document
