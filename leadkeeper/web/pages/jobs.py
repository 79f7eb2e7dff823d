"""The list of jobs: what it shows is held in the address; retry and cancel in each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import subjects
from leadkeeper.crm.subjects import Subject
from leadkeeper.errors import Conflict
from leadkeeper.queue import listing, stats
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.listing import JobView
from leadkeeper.web import forms, job_filter
from leadkeeper.web.access import Access
from leadkeeper.web.api.jobs import cancel_job, retry_job
from leadkeeper.web.job_filter import Asked
from leadkeeper.web.refused import told
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

PATH = "/admin/automation/jobs"
PAGE = 50


@dataclass(frozen=True, slots=True)
class JobsView:
    """One page of the list. `matches`: leads a searched name may mean, when it is not exactly one."""

    asked: Asked
    jobs: Sequence[JobView]
    following: int | None
    counts: Mapping[str, int]
    subjects: Mapping[int, Subject]
    lead: Subject | None
    matches: Sequence[Subject] | None
    types: Sequence[str]


@page(PATH, title="Jobs", access=Access.VIEWER)
async def jobs(request: Request) -> Response:
    """The page. A searched name that means one lead leads to that lead's jobs."""
    asked = job_filter.of(request.query_params)
    view: JobsView = await request.state.db.read(read, asked)
    if view.matches is not None and len(view.matches) == 1:
        return redirect(request, PATH + asked.query(lead=view.matches[0].lead_id))
    admin = request.state.user.role.may(Role.ADMIN)
    return render(request, "pages/jobs.html", {"view": view, "now": clock.now(), "admin": admin, "most": listing.COUNTED})


@page.post(PATH + "/{job_id:int}/retry", access=Access.ADMIN, name="retry_job")
async def retry(request: Request) -> Response:
    """Put a failed job back into the queue."""
    return await act(request, retry_job, "Job {id} is queued again.")


@page.post(PATH + "/{job_id:int}/cancel", access=Access.ADMIN, name="cancel_job")
async def cancel(request: Request) -> Response:
    """Take back a job that has not ended; one that runs is asked to stop."""
    return await act(request, cancel_job, "Job {id} is cancelled.")


async def act(request: Request, what: Any, words: str) -> Response:
    """Do it, or say why not, and go back to where the button stood."""
    form = await forms.read(request)
    job_id = request.path_params["job_id"]
    back = forms.local(form.values.get("back"), f"{PATH}/{job_id}")
    try:
        await request.state.db.write(what, job_id, request.state.user.id)
    except Conflict as error:
        return told(request, back, error)
    return redirect(request, back, words, id=job_id)


def read(conn: Connection, asked: Asked) -> JobsView:
    """One reading of the rows."""
    wanted = job_filter.wanted(conn, asked)
    page_, following = listing.list_jobs(conn, wanted, asked.before, PAGE)
    return JobsView(
        asked=asked,
        jobs=page_,
        following=following,
        counts=listing.count_by_status(conn, wanted) if asked.filtered else stats.by_status(conn),
        subjects=subjects.of_data(conn, {job.id: job.data for job in page_}),
        lead=subjects.of_lead(conn, asked.lead) if asked.lead is not None else None,
        matches=subjects.search(conn, asked.search) if asked.search else None,
        types=sorted(job_types.all()),
    )
