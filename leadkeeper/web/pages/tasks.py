"""What is to do: the tasks rules and the machine have made for people, ticked off one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import inbox, tasks
from leadkeeper.crm.tasks import Task
from leadkeeper.web import forms
from leadkeeper.web.access import Access
from leadkeeper.web.inbox_words import TASKS
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

PATH = "/tasks"
PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class TasksView:
    """One page of tasks. `waiting`: customers who wait for a person, whom the inbox shows; `next`: where it goes on."""

    tasks: Sequence[Task]
    next: int | None
    paged: bool
    are_done: bool
    open: int
    waiting: int


def to_do(conn: Connection) -> int:
    """The number beside the page in the rail."""
    return tasks.count_open(conn)


@page(PATH, title="To do", access=Access.VIEWER, menu=15, icon="todo", count=to_do, name="tasks")
async def listed(request: Request) -> Response:
    """The list: open ones, or with `?done=1` those that are done."""
    place = request.query_params.get("from", "")
    start = int(place) if place.isascii() and place.isdigit() and len(place) < 19 else None
    view = await request.state.db.read(read, request.query_params.get("done") == "1", start)
    may = request.state.user.role.may(Role.AGENT)
    return render(request, "pages/tasks.html", {"view": view, "task_kinds": TASKS, "may": may, "now": clock.now()})


@page.post(PATH + "/{task_id:int}/done", access=Access.AGENT, name="tick_task")
async def tick(request: Request) -> Response:
    """It is done."""
    return await _act(request, "Done.", tasks.tick, request.state.user.id)


@page.post(PATH + "/{task_id:int}/open", access=Access.AGENT, name="untick_task")
async def untick(request: Request) -> Response:
    """It is to do again."""
    return await _act(request, "It is to do again.", tasks.untick)


async def _act(request: Request, words: str, act: Any, *args: int) -> Response:
    form = await forms.read(request)
    await request.state.db.write(act, request.path_params["task_id"], *args)
    request.state.site.snapshot = None
    return redirect(request, forms.local(form.values.get("back"), PATH), words)


def read(conn: Connection, are_done: bool, start: int | None) -> TasksView:
    """One reading of the rows."""
    found = tasks.done(conn, start, PER_PAGE + 1) if are_done else tasks.to_do(conn, start or 0, PER_PAGE + 1)
    following = found[PER_PAGE - 1].id if len(found) > PER_PAGE else None
    shown = found[:PER_PAGE]
    return TasksView(shown, following, start is not None, are_done, tasks.count_open(conn), inbox.waiting(conn))
