"""How the provider behaves: in general, and on the next calls to one recipient."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from leadkeeper.errors import Invalid

MODES = ("answer", "error", "close", "reset", "hang", "truncate", "html")
"""
answer     the ordinary one                     hang      the connection stays open, no answer ever
error      a Graph error body                   truncate  a 200 whose JSON breaks off in the middle
close      the connection ends without answer   html      a page instead of JSON (status 502 unless given)
reset      the same, hard
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What the next `times` calls to a recipient meet (None: all of them).

    `accept` tells whether the message is taken all the same: it is delivered and its statuses
    come, whatever the caller got to see. None: taken by every mode but `error` and `html`.
    """

    mode: str = "answer"
    times: int | None = 1
    accept: bool | None = None
    status: int | None = None
    code: int | None = None
    subcode: int | None = None
    message: str = ""
    details: str = ""
    transient: bool | None = None
    retry_after: int | None = None
    latency_ms: float = 0
    statuses: tuple[str, ...] | None = None
    status_delay_ms: int | float | None = None
    fail_code: int | None = None

    @property
    def takes(self) -> bool:
        """True when the message reaches its recipient."""
        return self.accept if self.accept is not None else self.mode not in ("error", "html")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What holds for every call that no script step changes. Times in milliseconds.

    statuses          the statuses of each taken message, in order
    status_delay_ms   from our answer to the first, and between them
    shuffle           statuses of a message leave in any order
    duplicates        every webhook leaves this many more times
    before_response   the first status is delivered before the call is answered
    batch_max/_ms     statuses gathered into one webhook: at most so many, at most so long
    retry_ms          a webhook not answered 200 is sent again after this, doubling up to 5 s
    retries           so many times, then it is given up
    redeliver_ms      every webhook leaves once more this much later (0: not)
    window_hours      free text later than this after the customer's last message is refused (0: never)
    """

    latency_ms: float = 0
    statuses: tuple[str, ...] = ("sent", "delivered", "read")
    status_delay_ms: float = 0
    shuffle: bool = False
    duplicates: int = 0
    before_response: bool = False
    batch_max: int = 100
    batch_ms: float = 20
    retry_ms: float = 500
    retries: int = 10_000
    redeliver_ms: float = 0
    window_hours: float = 0


Shape = TypeVar("Shape", Step, Behaviour)


def step_from(given: Mapping[str, Any]) -> Step:
    """A step of its JSON (camelCase). Raises Invalid, naming the field."""
    step = _changed(Step(), given, "step")
    if "mode" not in given and (step.code is not None or (step.status or 200) >= 400):
        step = replace(step, mode="error")
    if step.mode not in MODES:
        raise Invalid("no such mode", {"mode": f"one of {', '.join(MODES)}"})
    return step


def behaviour_from(before: Behaviour, given: Mapping[str, Any]) -> Behaviour:
    """`before` with the fields of the JSON (camelCase) changed. Raises Invalid, naming the field."""
    return _changed(before, given, "behaviour")


def _changed(before: Shape, given: Mapping[str, Any], what: str) -> Shape:
    known = {camel(field.name): field for field in fields(before)}
    changes: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise Invalid(f"no such field of a {what}", {name: f"one of {', '.join(known)}"})
        changes[known[name].name] = _fitting(name, known[name].type, value)
    return replace(before, **changes)


def _fitting(name: str, kind: Any, value: Any) -> Any:
    if name == "statuses":
        if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            raise Invalid("not a list of statuses", {name: "a list of words"})
        return None if value is None else tuple(value)
    if not isinstance(value, (int, float) if kind is float else kind):
        raise Invalid(f"not a value of {name}", {name: str(getattr(kind, "__name__", kind))})
    return value


def camel(name: str) -> str:
    """snake_case as camelCase."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
