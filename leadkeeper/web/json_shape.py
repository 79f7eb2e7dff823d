"""What we hold, as JSON says it: camelCase names, moments in UTC as ISO texts.

Names of our own columns and fields are turned (`run_at` -> `runAt`); keys of stored JSON are data
and stay as they are.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime
from pydantic.alias_generators import to_camel
from sqlalchemy import Row

from leadkeeper import clock
from leadkeeper.channels.storable import storable_text

LARGEST_ID = 2**63 - 1
MOST_LISTED = 200

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
"""An id in a path."""
Wanted = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]
"""An id in a query, to look for."""
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED)]
"""Most entries of one page of a list."""
Word = Annotated[str, Query(max_length=200), AfterValidator(storable_text)]
"""A text in a query."""
Since = Annotated[AwareDatetime | None, Query()]
"""A moment in a query, with its time zone."""


def as_json(value: Any) -> Any:
    """`value` in JSON types: dataclasses and rows become objects with camelCase names."""
    if isinstance(value, Row):
        return {to_camel(name): as_json(held) for name, held in value._mapping.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {to_camel(each.name): as_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_json(held) for name, held in value.items()}
    if isinstance(value, list | tuple | AbstractSet):
        return [as_json(held) for held in value]
    if isinstance(value, datetime):
        return clock.iso(value)
    return value.isoformat() if isinstance(value, date) else value
