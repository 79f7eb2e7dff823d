"""Drafts of replies: what was found, what was written, why or why not. One row per job and revision.

A draft that is stored is used again when its job is tried again: the model is not paid twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select

from leadkeeper import clock
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import reply_drafts
from leadkeeper.store.upsert import insert_once


@dataclass(frozen=True, slots=True)
class Cited:
    """A passage that was found. `cited`: the text rests on it. `quote` is what it is quoted for."""

    id: int
    document_id: int
    title: str
    place: str
    score: float
    cited: bool = False
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a question came to. `outcome` is answer or handover.

    `reason` of an answer: documents, model, greeting; of a hand-over: no_passage, low_score,
    close_rivals, other_language, already_said, thanks, or model_handover. `checks` holds the model calls made and
    what each of their texts failed; `responder` is extractive, fixed, or the provider's name, and
    `model` is set whenever a model was asked, also when its text was not used.
    """

    outcome: str
    reason: str
    question: str
    language: str
    text: str | None = None
    passages: Sequence[Cited] = ()
    margin: float | None = None
    checks: Mapping[str, Any] = field(default_factory=dict)
    responder: str = "extractive"
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    took_ms: int = 0


def store(conn: Connection, draft: Draft, conversation_id: int, job_id: int, revision: int) -> int:
    """Keep a draft; returns its id. The first one of a job and revision stands."""
    row = {
        "conversation_id": conversation_id, "job_id": job_id, "revision": revision, "question": draft.question,
        "language": draft.language, "responder": draft.responder, "model": draft.model and draft.model[:100],
        "passages": [_as_json(each) for each in draft.passages], "margin": draft.margin, "outcome": draft.outcome,
        "reason": draft.reason, "text": draft.text, "checks": dict(draft.checks), "tokens_in": draft.tokens_in,
        "tokens_out": draft.tokens_out, "took_ms": draft.took_ms, "created_at": clock.now(),
    }  # fmt: skip
    new = insert_once(conn, reply_drafts, [row], reply_drafts.c.id)
    return int(new[0].id if new else _OF.one(conn, job=job_id, revision=revision).id)


def stored(conn: Connection, job_id: int, revision: int) -> Draft | None:
    """The draft an earlier try of this job made for this revision; None when there is none."""
    row = _OF.first(conn, job=job_id, revision=revision)
    if row is None:
        return None
    names = ("outcome", "reason", "question", "language", "text", "margin", "checks", "responder", "model", "tokens_in")
    cited = [Cited(**{_snake(name): value for name, value in each.items()}) for each in row.passages]
    return Draft(passages=cited, tokens_out=row.tokens_out, took_ms=row.took_ms, **{name: getattr(row, name) for name in names})


def calls(conn: Connection, job_id: int) -> int:
    """How many model calls a job has made so far, in all its tries and revisions."""
    return sum(int(checks.get("calls", 0)) for checks in _CHECKS.scalars(conn, job=job_id))


def _as_json(cited: Cited) -> dict[str, Any]:
    return {"documentId" if name == "document_id" else name: value for name, value in asdict(cited).items()}


def _snake(name: str) -> str:
    return "document_id" if name == "documentId" else name


_OF = Prepared(
    select(reply_drafts).where(reply_drafts.c.job_id == bindparam("job"), reply_drafts.c.revision == bindparam("revision"))
)
_CHECKS = Prepared(select(reply_drafts.c.checks).where(reply_drafts.c.job_id == bindparam("job")))
