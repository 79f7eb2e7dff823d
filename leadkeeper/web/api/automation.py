"""The worker by JSON: is it running, how much is waiting, start, stop, and a job to try it with."""

from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import Field, StringConstraints
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.access import audit
from leadkeeper.errors import Invalid
from leadkeeper.jobs import test_message
from leadkeeper.queue import control, stats
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import Shape, router
from leadkeeper.web.json_shape import LARGEST_ID, as_json

PATH = "/api/admin/automation"

readers = router(PATH, access=Access.VIEWER, tag="Automation")
admins = router(PATH, access=Access.ADMIN, tag="Automation")


class WorkerAction(Shape):
    """What the worker should do."""

    action: Literal["start", "stop"] = "start"


class TestJob(Shape):
    """A job to try the machine with: a made-up message of a lead on the built-in test account, or any other type."""

    __test__ = False
    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = "inbound_message"
    lead_id: int = Field(1, ge=1, le=LARGEST_ID)
    message: str | dict[str, Any] | None = None
    priority: int = Field(Lane.INBOUND, ge=0, le=100)
    max_retries: int | None = Field(None, ge=0, le=20)
    data: dict[str, Any] | None = None


@readers.get("/worker")
async def worker(request: Request) -> dict[str, Any]:
    """The queue in numbers, all from one reading of the rows."""
    view: dict[str, Any] = await request.state.db.read(worker_view)
    return view


@admins.post("/worker")
async def choose(request: Request, given: WorkerAction | None = None) -> dict[str, Any]:
    """Start or stop every worker, for good; the same again is harmless."""
    state: control.State = "stopped" if given is not None and given.action == "stop" else "running"
    await request.state.db.write(choose_state, state, request.state.user.id, request.state.address)
    running = state == "running"
    return {"ok": True, "message": "Worker started" if running else "Worker stopped", "running": running}


@admins.post("/test-job")
async def test_job(request: Request, given: TestJob | None = None) -> dict[str, Any]:
    """Enqueue a job and say which."""
    job_id = await request.state.db.write(enqueue, _job(given or TestJob()))
    return {"ok": True, "jobId": job_id, "message": f"Job {job_id} is queued"}


def worker_view(conn: Connection) -> dict[str, Any]:
    """What GET .../worker says: known keys at top level, always."""
    live = control.live_workers(conn)
    return {
        "ok": True,
        "isRunning": control.is_running(conn),
        "desired": control.desired(conn),
        "pausedBecause": control.paused_because(conn),
        **stats.counts(conn).as_json(),
        "workers": as_json(live),
        "timestamp": clock.iso(clock.now()),
    }


def choose_state(conn: Connection, state: control.State, user_id: int, address: str | None) -> None:
    """A person starts or stops every worker."""
    control.choose(conn, state, user_id)
    audit.record(conn, "worker_started" if state == "running" else "worker_stopped", user_id, address=address)


def _job(given: TestJob) -> Job:
    data = given.data
    if given.type == "inbound_message" and data is None:
        data = {"leadId": given.lead_id, "message": _message(given.message)}
    if data is not None and len(str(data)) > 10_000:
        raise Invalid("the data is too long", {"data": "at most 10,000 characters"})
    return Job(given.type, data or {}, priority=given.priority, max_retries=given.max_retries)


def _message(given: str | dict[str, Any] | None) -> dict[str, Any]:
    if isinstance(given, dict):
        given = given.get("body") or given.get("text")
    text = given if isinstance(given, str) and given.strip() else test_message.TEXT
    return {"direction": "inbound", "channel": test_message.CHANNEL, "body": text[:4000], "createdAt": clock.iso(clock.now())}
