"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, BindParameter, Dialect, Integer, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Id: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
Json: TypeEngine[Any] = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
AnyJson: TypeEngine[Any] = JSON().with_variant(JSONB(), "postgresql")
"""A JSON column in which null is a value of its own; `Json` stores None as SQL NULL."""


class Instant(TypeDecorator[datetime]):
    """A moment, stored as whole microseconds since 1970 in UTC.

    An integer compares, indexes and rounds alike on both engines, and needs no time zone of a
    session (docs/decisions/0002). Python sees aware UTC datetimes.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Whole microseconds since 1970; a naive datetime is a programming error (TypeError)."""
        return micros_of(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The aware UTC datetime of the stored microseconds."""
        return moment_of(value)


def micros_of(value: datetime | None) -> int | None:
    """What is stored of a moment; None stays None."""
    return None if value is None else (value - EPOCH) // _MICROSECOND


def moment_of(value: int | None) -> datetime | None:
    """The moment that was stored; None stays None."""
    return None if value is None else EPOCH + timedelta(0, 0, value)


def micros(value: datetime) -> int:
    """Whole microseconds since 1970, where a moment is handed over as a number."""
    return (value - EPOCH) // _MICROSECOND


def moment(value: datetime) -> BindParameter[datetime]:
    """`value` as a parameter of an expression (coalesce, case), where SQLAlchemy cannot know the column's type."""
    return literal(value, Instant())
