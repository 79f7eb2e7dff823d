"""The tables, one module per stretch of a message's life (SQLAlchemy Core).

`jobs` the queue · `channels` what comes in · `people` who writes · `talk` what is said ·
`rules` what decides · `knowledge` what we answer from · `access` who may come in
"""

from leadkeeper.store.schema.access import (
    audit_log,
    chat_visitors,
    idempotency_keys,
    sessions,
    setup_links,
    throttles,
    users,
)
from leadkeeper.store.schema.base import metadata
from leadkeeper.store.schema.channels import CHANGES, channel_accounts, inbound_events, webhook_deliveries
from leadkeeper.store.schema.jobs import job_errors, job_minutes, jobs, schedules, settings, workers
from leadkeeper.store.schema.knowledge import documents, passages, reply_drafts
from leadkeeper.store.schema.people import (
    CLOSED_STAGES,
    STAGES,
    contacts,
    conversations,
    expiries,
    identities,
    leads,
)
from leadkeeper.store.schema.rules import dry_run_items, lexicon, rule_runs, rule_versions, rules, run_rules, runs
from leadkeeper.store.schema.talk import (
    SEND_STATES,
    buckets,
    decisions,
    messages,
    receipts,
    tasks,
    templates,
    timeline,
)

__all__ = [
    "CHANGES",
    "CLOSED_STAGES",
    "SEND_STATES",
    "STAGES",
    "audit_log",
    "buckets",
    "channel_accounts",
    "chat_visitors",
    "contacts",
    "conversations",
    "decisions",
    "documents",
    "dry_run_items",
    "expiries",
    "idempotency_keys",
    "identities",
    "inbound_events",
    "job_errors",
    "job_minutes",
    "jobs",
    "leads",
    "lexicon",
    "messages",
    "metadata",
    "passages",
    "receipts",
    "reply_drafts",
    "rule_runs",
    "rule_versions",
    "rules",
    "run_rules",
    "runs",
    "schedules",
    "sessions",
    "settings",
    "setup_links",
    "tasks",
    "templates",
    "throttles",
    "timeline",
    "users",
    "webhook_deliveries",
    "workers",
]
