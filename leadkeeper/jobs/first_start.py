"""What every start makes sure of: built-in accounts, the environment's WhatsApp number, first rules, recurring work.

Each part does nothing when it is there already; what an operator changed or deleted stays so.
"""

from sqlalchemy import Connection, update

from leadkeeper.channels.webchat import ACCOUNT as CHAT
from leadkeeper.config import Settings
from leadkeeper.crm import accounts
from leadkeeper.jobs.test_message import CHANNEL as TEST
from leadkeeper.queue.timers import Schedule, ensure
from leadkeeper.rules import book
from leadkeeper.rules.word_rows import seed as seed_lexicon
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import channel_accounts

SCHEDULES = (
    Schedule("follow-ups", "*/10 * * * *", "followup_due"),
    Schedule("unanswered", "5 * * * *", "run_rules", {"triggers": ["team.silent", "customer.silent"]}),
    Schedule("expiries", "0 9 * * *", "expiry_reminder"),
    Schedule("audit", "0 3 * * *", "audit"),
    Schedule("purge", "30 3 * * *", "purge"),
)


def prepare(conn: Connection, settings: Settings, box: SecretBox) -> None:
    """Make a migrated database ready to work. Run at every start, in one transaction."""
    accounts.ensure(conn, TEST, TEST, "Test account")
    accounts.ensure(conn, CHAT, CHAT, "Web chat")
    _environment_account(conn, settings, box)
    seed_lexicon(conn)
    book.seed_first(conn)
    ensure(conn, SCHEDULES, settings_rows.current(conn, settings).zone)


def _environment_account(conn: Connection, settings: Settings, box: SecretBox) -> None:
    """The WhatsApp number of LEADKEEPER_WHATSAPP_*; one that is no longer named there is switched off."""
    number = settings.whatsapp_phone_number_id
    others = (
        update(channel_accounts)
        .where(channel_accounts.c.source == "environment", channel_accounts.c.external_id != number)
        .values(state="off")
    )
    conn.execute(others)
    if not number:
        return
    account_id = accounts.ensure(
        conn, "whatsapp", number, f"WhatsApp {number}", source="environment", base_url=settings.graph_url
    )
    credentials = {
        "token": settings.whatsapp_token.get_secret_value(),
        "app_secret": settings.whatsapp_app_secret.get_secret_value(),
        "verify_token": settings.whatsapp_verify_token.get_secret_value(),
    }
    if dict(accounts.load(conn, box, account_id).credentials) != credentials:
        accounts.save_credentials(conn, box, account_id, credentials)
        accounts.resume(conn, account_id)  # new credentials are how an operator answers a refused token
    back = update(channel_accounts).where(channel_accounts.c.id == account_id, channel_accounts.c.state == "off")
    conn.execute(back.values(state="active"))
