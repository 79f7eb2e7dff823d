"""What a serving process is made of, before anybody is let in."""

from pathlib import Path

from pydantic import SecretStr

from leadkeeper.access import users
from leadkeeper.cli.parts import Parts
from leadkeeper.config import Settings
from leadkeeper.store.database import Database


def test_the_owner_of_the_settings_can_log_in_at_the_first_request(db: Database, database_url: str, tmp_path: Path) -> None:
    settings = Settings(
        database_url=database_url,
        data_dir=tmp_path / "data",
        admin_email="sara@example.com",
        admin_password=SecretStr("three green windows"),
    )

    parts = Parts.load(settings, web=True, worker=False, upgrade=False)

    assert [user.email for user in parts.db.read_now(users.listed)] == ["sara@example.com"]
    parts.close()
