"""Job types: what a worker may run, found by folder in `leadkeeper/jobs/`.

The colour of a handler says what it may touch. A `def` handler gets a connection and runs inside
the transaction that finishes its job: no network. An `async def` handler gets no connection; it
reads and writes in short transactions of `ctx.db` and waits with nothing open.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from leadkeeper.errors import Invalid
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.outcomes import Outcome
from leadkeeper.registry import Registry

Handler = Callable[..., Outcome] | Callable[..., Awaitable[Outcome]]
WhenFailed = Callable[[Connection, Claimed, str], None]
WhenRedriven = Callable[[Connection, Claimed], None]


@dataclass(frozen=True, slots=True)
class JobType:
    """One kind of work. `at_once`: tried again without back-off (jobs that hold an inbound key)."""

    name: str
    run: Handler
    waits: bool
    retries: int
    deadline: timedelta
    at_once: bool
    when_failed: WhenFailed | None
    when_redriven: WhenRedriven | None
    parameters: Mapping[str, inspect.Parameter]

    def arguments(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The handler's keyword arguments from a job's camelCase data. Raises Invalid on bad data."""
        given = {_snake(name): value for name, value in data.items()}
        unknown = given.keys() - self.parameters.keys()
        missing = {
            name for name, spec in self.parameters.items() if spec.default is inspect.Parameter.empty and name not in given
        }
        if unknown or missing:
            fields = dict.fromkeys(unknown, "unknown") | dict.fromkeys(missing, "missing")
            raise Invalid(f"bad data for {self.name}: {fields}", fields)
        for name, value in given.items():
            wanted = self.parameters[name].annotation
            if isinstance(wanted, type) and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
                raise Invalid(f"bad data for {self.name}: {name} is not {wanted.__name__}", {name: f"not {wanted.__name__}"})
        return given


job_types: Registry[JobType] = Registry("job type", "leadkeeper.jobs")


def job(
    name: str,
    *,
    retries: int = 3,
    deadline: timedelta = timedelta(seconds=120),
    at_once: bool = False,
    when_failed: WhenFailed | None = None,
    when_redriven: WhenRedriven | None = None,
) -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of jobs of type `name`.

    `def handler(conn, ctx, **data)` or `async def handler(ctx, **data)`; the job's data gives the
    keyword arguments, camelCase becoming snake_case. `deadline` ends an `async def` handler.
    `when_failed` runs in the transaction that marks a job failed (or cancels it by a person),
    `when_redriven` in the one that puts a failed job back into the queue.
    """

    def register(run: Handler) -> Handler:
        waits = inspect.iscoroutinefunction(run)
        skipped = 1 if waits else 2
        parameters = dict(list(inspect.signature(run).parameters.items())[skipped:])
        job_types.add(name, JobType(name, run, waits, retries, deadline, at_once, when_failed, when_redriven, parameters))
        return run

    return register


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
