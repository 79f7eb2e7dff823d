"""Reading a JSON body on a plain route: one object, or a clear refusal."""

import json
from typing import Any

from starlette.requests import Request

from leadkeeper.channels.storable import storable
from leadkeeper.errors import Invalid, UnsupportedType


async def json_object(request: Request) -> dict[str, Any]:
    """The body's JSON object, without what no database stores.

    Raises UnsupportedType (415) for another type, Invalid (400) for bad JSON.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedType("The body must be application/json.")
    try:
        read = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Invalid("Invalid JSON body") from error
    if not isinstance(read, dict):
        raise Invalid("The body must be a JSON object.")
    return dict(storable(read))
