"""The `Idempotency-Key` header: a caller that heard no answer asks again, and nothing is done twice.

    return await answer_once(request, key, ("say", conversation_id, given.model_dump(exclude_defaults=True)), act, refused)

`act(conn)` returns the body of a 200. A refusal (4xx) is an answer too and is kept like one; an error of ours
(5xx) is not: nothing was done, and the same key may come again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import Connection

from leadkeeper.access import idempotency
from leadkeeper.access.idempotency import Answer
from leadkeeper.errors import LeadkeeperError
from leadkeeper.store.savepoint import Savepoint

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$",
        description="any text of your own, new for each message; kept for 8 days",
    ),
]  # fmt: skip
Act = Callable[[Connection], Mapping[str, Any]]
Refused = Callable[[LeadkeeperError], Mapping[str, Any]]


async def answer_once(request: Request, key: str | None, asked: object, act: Act, refused: Refused) -> Response:
    """Do `act` in one transaction and answer with what it returns; under a key, once. Raises KeyReused (409)."""
    attempt = partial(_attempt, act, refused)
    db, user = request.state.db, request.state.user
    if key is None:
        answer = await db.write(attempt)
    else:
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        answer = await db.write(idempotency.once, user.id, key, digest, attempt)
    headers = {"idempotent-replayed": "true"} if answer.again else None
    return Response(answer.body, answer.status, headers, "application/json")


def _attempt(act: Act, refused: Refused, conn: Connection) -> Answer:
    savepoint, done = Savepoint(conn), False
    try:
        body = act(conn)
        done = True
    except LeadkeeperError as error:
        if error.status >= 500:
            raise
        return Answer(error.status, _text(refused(error)))
    finally:  # whatever was raised: ours is the innermost savepoint, and it must not stay
        (savepoint.keep if done else savepoint.undo)()
    return Answer(200, _text(body))


def _text(body: Mapping[str, Any]) -> str:
    return bytes(JSONResponse(body).body).decode()
