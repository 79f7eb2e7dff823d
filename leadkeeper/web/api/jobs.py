"""Jobs by JSON: the list, one job with each try's error and its whole story, retry and cancel."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from leadkeeper.access import audit
from leadkeeper.crm import order_keys
from leadkeeper.jobs import chain, redrive
from leadkeeper.jobs.person import InDoubt
from leadkeeper.queue import listing
from leadkeeper.queue.listing import JobFilter
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import router
from leadkeeper.web.json_shape import LARGEST_ID, Id, Limit, Since, Wanted, Word, as_json
from leadkeeper.web.said_json import message_json

PATH = "/api/admin/automation/jobs"

readers = router(PATH, access=Access.VIEWER, tag="Jobs")
admins = router(PATH, access=Access.ADMIN, tag="Jobs")

Status = Literal["pending", "processing", "completed", "failed", "cancelled"]
Next = Annotated[int | None, Query(alias="next", ge=1, le=LARGEST_ID)]


@readers.get("")
async def list_jobs(
    request: Request,
    status: Status | None = None,
    type: Word | None = None,
    lead: Wanted = None,
    since: Since = None,
    before: Next = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Jobs, the newest first; `next` leads to the following page."""
    page, following = await request.state.db.read(_page, JobFilter(status=status, type=type, since=since), lead, before, limit)
    return {"ok": True, "jobs": [job.as_json() for job in page], "next": following}


@readers.get("/{job_id}")
async def job(request: Request, job_id: Id) -> dict[str, Any]:
    """One job: why each try did not work out, and what it is part of."""
    view: dict[str, Any] = await request.state.db.read(job_view, job_id)
    return view


@admins.post("/{job_id}/retry")
async def retry(request: Request, job_id: Id) -> JSONResponse:
    """Put a failed job back; 409 for a send of unknown outcome, with the link that settles it."""
    try:
        view = await request.state.db.write(retry_job, job_id, request.state.user.id)
    except InDoubt as error:
        settle = f"/api/messages/{error.message_id}/settle"
        body = {"ok": False, "error": error.message, "code": error.code, "messageId": error.message_id, "settle": settle}
        return JSONResponse(body, status_code=error.status)
    return JSONResponse({"ok": True, "message": f"Job {job_id} is queued again", "job": view})


@admins.post("/{job_id}/cancel")
async def cancel(request: Request, job_id: Id) -> dict[str, Any]:
    """Cancel a job that has not ended; one that runs is asked to stop."""
    became, view = await request.state.db.write(cancel_job, job_id, request.state.user.id)
    return {"ok": True, "result": became, "job": view}


def job_view(conn: Connection, job_id: int) -> dict[str, Any]:
    """What GET .../jobs/{id} says."""
    found = listing.job(conn, job_id)
    story = chain.of_job(conn, found.id, found.type, found.data, found.span)
    told = as_json(story) | {
        "inbound": [message_json(each) for each in story.inbound],
        "outbound": [message_json(each) for each in story.outbound],
    }
    return {"ok": True, "job": found.as_json() | {"errors": as_json(found.tries)}, "chain": told}


def _page(
    conn: Connection, wanted: JobFilter, lead: int | None, before: int | None, limit: int
) -> tuple[list[listing.JobView], int | None]:
    if lead is not None:
        keys = order_keys.of_lead(conn, lead)
        wanted = replace(wanted, keys=keys, about=("leadId", lead))
    return listing.list_jobs(conn, wanted, before, limit)


def retry_job(conn: Connection, job_id: int, user_id: int) -> dict[str, Any]:
    """A person puts a failed job back. Raises NotFound, InDoubt, Conflict."""
    redrive.retry(conn, job_id, user_id)
    audit.record(conn, "job_retried", user_id, subject=f"job:{job_id}")
    return listing.job(conn, job_id).as_json()


def cancel_job(conn: Connection, job_id: int, user_id: int) -> tuple[str, dict[str, Any]]:
    """A person takes a job back: (cancelled or stopping, the job). Raises NotFound, Conflict."""
    became = redrive.cancel(conn, job_id, user_id)
    audit.record(conn, "job_cancelled", user_id, subject=f"job:{job_id}")
    return became, listing.job(conn, job_id).as_json()
