"""
LeadkeeperError       `status` = what HTTP answers; `code` = stable word for machines
  NotFound            404
  Unauthorized        401  nobody is logged in
  Forbidden           403
    BadSignature      403  not from the provider: store nothing
  Invalid             400  carries {field: message}
  Conflict            409  the state of the row does not allow it
  TooLarge            413
  UnsupportedType     415
  TooMany             429  carries the seconds to wait
  Unavailable         503  the database cannot be written now
    CommitUnknown     503  the connection broke in COMMIT: it may or may not have happened
    Damaged           503  the database file is not whole: only a backup helps
  SchemaMismatch      503  database and code are of different versions
    SchemaNewer       503  the database is ahead: no migration of ours helps
  ClaimLost           409  this worker no longer owns the job: stop, write nothing
  NoGround            422  no grounded answer: hand over to a person
  Misconfigured       500  a setting is wrong; says which and what to do

Expected ends of a job or a send are values (`queue.outcomes`), not errors.
"""

from collections.abc import Mapping


class LeadkeeperError(Exception):
    """Root of everything this product raises on purpose."""

    status = 500
    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(LeadkeeperError):
    """The thing named by an id or name does not exist."""

    status = 404
    code = "not_found"


class Unauthorized(LeadkeeperError):
    """Nobody is logged in, or the session has ended."""

    status = 401
    code = "unauthorized"

    def __init__(self, message: str = "Unauthorized") -> None:
        super().__init__(message)


class Forbidden(LeadkeeperError):
    """The caller is known, or needs no login, but may not do this."""

    status = 403
    code = "forbidden"

    def __init__(self, message: str = "Forbidden") -> None:
        super().__init__(message)


class BadSignature(Forbidden):
    """The request was not signed by the provider. Raised by a channel's `verify`, shown to nobody."""

    code = "bad_signature"

    def __init__(self, channel: str) -> None:
        super().__init__(f"{channel}: signature does not match")
        self.channel = channel


class Invalid(LeadkeeperError):
    """Input that cannot be taken; `fields` names each bad field and says what is wrong with it."""

    status = 400
    code = "invalid"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class Conflict(LeadkeeperError):
    """The row's state does not allow this, for example retrying a send of unknown outcome."""

    status = 409
    code = "conflict"


class TooLarge(LeadkeeperError):
    """The body is over the limit of its route."""

    status = 413
    code = "too_large"


class UnsupportedType(LeadkeeperError):
    """The content type is not what this route takes."""

    status = 415
    code = "unsupported_type"


class TooMany(LeadkeeperError):
    """A rate limit; `retry_after` is in seconds."""

    status = 429
    code = "too_many"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(LeadkeeperError):
    """The database cannot be written now; the provider may deliver again later."""

    status = 503
    code = "unavailable"


class CommitUnknown(Unavailable):
    """The connection broke while committing: the transaction may or may not have happened."""

    code = "commit_unknown"


class Damaged(Unavailable):
    """The SQLite file is no database, or no longer a whole one: only a backup helps."""


class SchemaMismatch(LeadkeeperError):
    """The database's schema is older or newer than this code; the message says what to run."""

    status = 503
    code = "schema_mismatch"


class SchemaNewer(SchemaMismatch):
    """The database was migrated by a newer program: only that one can work on it."""


class ClaimLost(LeadkeeperError):
    """Another worker owns the job now: the late result must not be written."""

    status = 409
    code = "claim_lost"


class NoGround(LeadkeeperError):
    """The business's documents do not hold an answer that passes the checks."""

    status = 422
    code = "no_ground"


class Misconfigured(LeadkeeperError):
    """A setting is missing or wrong."""

    code = "misconfigured"
