"""Job types: what a worker may run, found by folder in `leadkeeper/jobs/`.

The colour of a handler says what it may touch. A `def` handler gets a connection and runs inside
the transaction that finishes its job: no network. An `async def` handler gets no connection; it
reads and writes in short transactions of `ctx.db` and waits with nothing open.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic.alias_generators import to_camel
from sqlalchemy import Connection

from leadkeeper.errors import Invalid
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.outcomes import Outcome
from leadkeeper.registry import Registry

Handler = Callable[..., Outcome] | Callable[..., Awaitable[Outcome]]
Together = Callable[[Connection, Sequence[tuple[Any, Mapping[str, Any]]]], Sequence[Outcome]]
WhenFailed = Callable[[Connection, Claimed, str], None]
WhenRedriven = Callable[[Connection, Claimed], None]


@dataclass(frozen=True, slots=True)
class JobType:
    """One kind of work. `at_once`: tried again without back-off (jobs that hold an inbound key)."""

    name: str
    run: Handler
    waits: bool
    together: Together | None
    retries: int
    deadline: timedelta
    at_once: bool
    when_failed: WhenFailed | None
    when_redriven: WhenRedriven | None
    parameters: Mapping[str, inspect.Parameter]
    classes: Mapping[str, tuple[type, ...]]
    """What each parameter takes, where its annotation says so."""
    needed: frozenset[str]
    """Parameters without a default."""

    def arguments(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The handler's keyword arguments from a job's camelCase data. Raises Invalid on bad data."""
        if not data and not self.needed:
            return {}
        given = {_snake(name): value for name, value in data.items()}
        unknown = given.keys() - self.parameters.keys()
        missing = self.needed - given.keys()
        wrong = dict.fromkeys(unknown, "unknown") | dict.fromkeys(missing, "missing") | self._of_another_type(given)
        if wrong:
            told = {to_camel(name): words for name, words in sorted(wrong.items())}
            raise Invalid(f"bad data for {self.name}: " + ", ".join(f"{name} is {words}" for name, words in told.items()), told)
        return given

    def _of_another_type(self, given: Mapping[str, Any]) -> dict[str, str]:
        wanted = ((name, self.classes.get(name), value) for name, value in given.items())
        return {name: f"not {classes[0].__name__}" for name, classes, value in wanted if classes and not _is_one(value, classes)}


job_types: Registry[JobType] = Registry("job type", "leadkeeper.jobs")


def job(
    name: str,
    *,
    retries: int = 3,
    deadline: timedelta = timedelta(seconds=120),
    at_once: bool = False,
    together: Together | None = None,
    when_failed: WhenFailed | None = None,
    when_redriven: WhenRedriven | None = None,
) -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of jobs of type `name`.

    `def handler(conn, ctx, **data)` or `async def handler(ctx, **data)`; the job's data gives the
    keyword arguments, camelCase becoming snake_case. `deadline` ends an `async def` handler.
    `together(conn, jobs)` does many jobs of a `def` handler in one go: (context, arguments) in, their outcomes out.
    `when_failed` runs in the transaction that marks a job failed (or cancels it by a person),
    `when_redriven` in the one that puts a failed job back into the queue.
    """

    def register(run: Handler) -> Handler:
        waits = inspect.iscoroutinefunction(run)
        skipped = 1 if waits else 2
        parameters = dict(list(inspect.signature(run).parameters.items())[skipped:])
        classes = {name: found for name, spec in parameters.items() if (found := _classes(spec.annotation))}
        needed = frozenset(name for name, spec in parameters.items() if spec.default is inspect.Parameter.empty)
        known = (parameters, classes, needed)
        job_types.add(name, JobType(name, run, waits, together, retries, deadline, at_once, when_failed, when_redriven, *known))
        return run

    return register


def _classes(annotation: object) -> tuple[type, ...]:
    """The classes of an annotation: those of `int | None` and `dict[str, Any]` too; none where it is not made of classes."""
    parts = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    found = tuple(get_origin(part) or part for part in parts)
    return found if all(isinstance(each, type) for each in found) else ()


def _is_one(value: object, classes: tuple[type, ...]) -> bool:
    """True for a value of these classes; a boolean is no number, and what no column holds is none either."""
    if isinstance(value, bool) or not isinstance(value, classes):
        return isinstance(value, bool) and bool in classes
    return not isinstance(value, int) or value.bit_length() < 64


@cache
def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
