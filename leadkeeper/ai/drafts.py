"""Drafts of replies: what was found, what was written, why or why not. One row per job and revision.

A draft that is stored is used again when its job is tried again: the model is not paid twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from leadkeeper import clock
from leadkeeper.store.given import IDS
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import reply_drafts as table
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


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft and what it was made for."""

    draft: Draft
    conversation_id: int
    job_id: int
    revision: int


def store(conn: Connection, kept: Sequence[Kept]) -> dict[int, int]:
    """Keep drafts; returns their ids by job. The first one of a job and revision stands."""
    new = insert_once(conn, table, [_row(each) for each in kept], table.c.id, table.c.job_id)
    ids = {row.job_id: int(row.id) for row in new}
    for each in kept:
        if each.job_id not in ids:
            ids[each.job_id] = int(_OF.one(conn, job=each.job_id, revision=each.revision).id)
    return ids


def earlier_of(conn: Connection, revisions: Mapping[int, int]) -> dict[int, tuple[Draft | None, int]]:
    """What earlier tries of jobs have left, by job, `revisions` being of their conversations: the draft made for that
    revision, and how many model calls the job has made in all."""
    found: dict[int, tuple[Draft | None, int]] = dict.fromkeys(revisions, (None, 0))
    for row in _OF_JOBS.all(conn, **IDS.values(conn.dialect.name, [(job_id,) for job_id in revisions])):
        draft, calls = found[row.job_id]
        if row.revision == revisions[row.job_id]:
            draft = _draft(row)
        found[row.job_id] = (draft, calls + int(row.checks.get("calls", 0)))
    return found


def _draft(row: Row) -> Draft:
    names = ("outcome", "reason", "question", "language", "text", "margin", "checks", "responder", "model", "tokens_in")
    cited = [Cited(**{_snake(name): value for name, value in each.items()}) for each in row.passages]
    return Draft(passages=cited, tokens_out=row.tokens_out, took_ms=row.took_ms, **{name: getattr(row, name) for name in names})


def _row(kept: Kept) -> dict[str, Any]:
    draft = kept.draft
    return {
        "conversation_id": kept.conversation_id, "job_id": kept.job_id, "revision": kept.revision, "question": draft.question,
        "language": draft.language, "responder": draft.responder, "model": draft.model and draft.model[:100],
        "passages": [_as_json(each) for each in draft.passages], "margin": draft.margin, "outcome": draft.outcome,
        "reason": draft.reason, "text": draft.text, "checks": dict(draft.checks), "tokens_in": draft.tokens_in,
        "tokens_out": draft.tokens_out, "took_ms": draft.took_ms, "created_at": clock.now(),
    }  # fmt: skip


def _as_json(cited: Cited) -> dict[str, Any]:
    return {"documentId" if name == "document_id" else name: value for name, value in asdict(cited).items()}


def _snake(name: str) -> str:
    return "document_id" if name == "documentId" else name


def _of_jobs(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    return select(table).where(table.c.job_id == ids.c.id)


_OF_JOBS = Prepared(_of_jobs)
_OF = Prepared(select(table.c.id).where(table.c.job_id == bindparam("job"), table.c.revision == bindparam("revision")))
