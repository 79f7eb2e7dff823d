"""Under which order keys the work of one lead runs, so that its jobs can be found."""

from sqlalchemy import Connection, select

from leadkeeper.crm.conversations import out_key, reply_key
from leadkeeper.crm.inbound import in_key
from leadkeeper.store.schema import conversations, identities, leads


def of_lead(conn: Connection, lead_id: int) -> list[str]:
    """The keys of what a lead's contact writes, and of what we answer in the lead's conversations."""
    senders = (
        select(identities.c.account_id, identities.c.external_id)
        .join(leads, leads.c.contact_id == identities.c.contact_id)
        .where(leads.c.id == lead_id)
    )
    keys = [in_key(row.account_id, row.external_id) for row in conn.execute(senders)]
    threads = conn.execute(select(conversations.c.id).where(conversations.c.lead_id == lead_id)).scalars()
    return [*keys, *(key(thread) for thread in threads for key in (reply_key, out_key))]
