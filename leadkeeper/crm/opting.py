"""A customer wants no more messages: from that moment nothing automatic leaves, in any of their threads."""

from datetime import datetime

from sqlalchemy import Connection

from leadkeeper.crm import contacts, conversations, waiting


def opt_out(conn: Connection, contact_id: int, by: str, said_at: datetime | None = None) -> bool:
    """Opt a contact out and take back what was about to be said; False when they had opted out already.

    What waited for an answer closes `silent`: nobody is called, and no confirmation is sent.
    """
    changed = contacts.opt_out(conn, contact_id, by, said_at)
    for conversation_id in contacts.conversation_ids(conn, contact_id):
        conversations.silence(conn, conversation_id, "opted_out", "silent")
        waiting.asks_nothing(conn, conversation_id)
    return changed
