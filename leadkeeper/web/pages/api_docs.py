"""The API's documentation, drawn from its own schema."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.web.access import Access
from leadkeeper.web.render import render
from leadkeeper.web.routes import page


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one path: what it takes and what it does."""

    method: str
    path: str
    summary: str
    access: str
    fields: tuple[tuple[str, str, bool], ...]


@page("/api/docs", title="API", access=Access.VIEWER)
async def api_docs(request: Request) -> Response:
    """Every call by group."""
    app = request.app
    return render(request, "pages/api_docs.html", {"groups": groups(app.state.site.schema)})


def groups(document: dict[str, Any]) -> list[tuple[str, list[Call]]]:
    """The calls of an OpenAPI document by their first tag."""
    found: dict[str, list[Call]] = {}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            call = Call(
                method.upper(), path, operation.get("description") or operation.get("summary", ""),
                operation.get("x-access", ""), _fields(document, operation),
            )  # fmt: skip
            found.setdefault(operation.get("tags", ["Other"])[0], []).append(call)
    return sorted(found.items())


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> tuple[tuple[str, str, bool], ...]:
    """(name, type, required) of the query and of the JSON body."""
    listed = [
        (given["name"], _kind(given.get("schema", {})), bool(given.get("required"))) for given in operation.get("parameters", [])
    ]
    content = operation.get("requestBody", {}).get("content", {})
    body: dict[str, Any] = next((kind.get("schema", {}) for kind in content.values()), {})
    if "$ref" in body:
        body = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    needed = body.get("required", [])
    listed += [(name, _kind(schema), name in needed) for name, schema in body.get("properties", {}).items()]
    return tuple(listed)


def _kind(schema: dict[str, Any]) -> str:
    """A short word for a JSON type; `|` between alternatives."""
    if "anyOf" in schema:
        return " | ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    return str(schema.get("type") or schema.get("$ref", "object").rpartition("/")[2])
