"""How a JSON route comes into being: a FastAPI router with one access for all its routes.

    api = router("/api/admin/automation", access=Access.ADMIN, tag="Automation")

    @api.get("/worker")
    async def worker(request: Request) -> dict[str, object]: ...

    class TestJob(Shape):                # camelCase outside, snake_case inside
        lead_id: int = 1

A module may make several routers, one per access. Modules of `leadkeeper/web/api/` are found by folder.
Bodies are `application/json`; `router(..., takes="multipart/form-data")` for uploads.
"""

from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from leadkeeper.channels.storable import storable
from leadkeeper.errors import UnsupportedType
from leadkeeper.registry import Registry
from leadkeeper.web import bodies
from leadkeeper.web.access import Access, permit

JSON = "application/json"

_numbers = count(1)

ROUTERS: Registry[APIRouter] = Registry("API router", "leadkeeper.web.api")


class Shape(BaseModel):
    """A body or an answer of the API: camelCase in JSON; names it does not know are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, given: Any) -> Any:
        """NUL, lone surrogates, NaN and endless nesting never get past the door."""
        return storable(given)


class GuardedApiRoute(APIRoute):
    """A FastAPI route that checks access, content type and size before the body is parsed."""

    access = Access.OWNER
    takes = JSON
    limit = bodies.LIMIT

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, behind the checks."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await permit(request, self.access)
            bodies.allow(request, self.limit)
            if await request.body():
                _refuse_other_type(request, self.takes)
            return await handle(request)

        return guarded


def router(prefix: str, *, access: Access, tag: str, takes: str = JSON, limit: int = bodies.LIMIT) -> APIRouter:
    """A router of the app whose routes all need `access`. `prefix` is the full path; `limit` is in bytes."""
    made = guarded_router(prefix, access=access, tag=tag, takes=takes, limit=limit)
    return ROUTERS.add(f"{prefix} {access} {takes} {next(_numbers)}", made)


def guarded_router(prefix: str, *, access: Access, tag: str, takes: str = JSON, limit: int = bodies.LIMIT) -> APIRouter:
    """The same, not yet part of the app."""
    guarded = type("Guarded", (GuardedApiRoute,), {"access": access, "takes": takes, "limit": limit})
    return APIRouter(prefix=prefix, route_class=guarded, tags=[tag], redirect_slashes=False)


def _refuse_other_type(request: Request, takes: str) -> None:
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != takes:
        raise UnsupportedType(f"Send {takes} here.")
