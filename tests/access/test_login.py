"""Logging in and the first owner, from the outside."""

import time
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from leadkeeper import clock
from leadkeeper.access import audit, login, passwords, sessions, setup_links, users
from leadkeeper.access.login import Visitor
from leadkeeper.access.roles import Role
from leadkeeper.config import Settings
from leadkeeper.errors import Conflict, Forbidden, Invalid, Misconfigured, TooMany, Unauthorized
from leadkeeper.store.database import Database

PASSWORD = "three green windows"
HERE = Visitor("192.0.2.7", "Firefox")


def sara(db: Database, stored: str | None = None) -> users.User:
    return db.write_now(users.add, "sara@example.com", "Sara", Role.OWNER, stored or passwords.hash_now(PASSWORD))


async def test_the_right_password_starts_a_session(db: Database) -> None:
    user = sara(db)

    entry = await login.log_in(db, " Sara@example.com", PASSWORD, HERE)

    session = await db.read(sessions.find, entry.token)
    assert session is not None
    assert session.user_id == user.id
    assert await db.read(audit.last_of, "login") is not None


async def test_wrong_password_unknown_and_disabled_users_hear_the_same(db: Database) -> None:
    user = sara(db)
    db.write_now(users.add, "owner@example.com", "Omar", Role.OWNER, "hash")
    said = []

    for email, password in [("sara@example.com", "wrong"), ("nobody@example.com", PASSWORD)]:
        with pytest.raises(Unauthorized) as error:
            await login.log_in(db, email, password, HERE)
        said.append(error.value.message)
    await db.write(users.disable, user.id)
    with pytest.raises(Unauthorized) as error:
        await login.log_in(db, "sara@example.com", PASSWORD, HERE)

    assert {*said, error.value.message} == {login.WRONG}


async def test_guessing_is_stopped_before_hashing_for_known_and_unknown_users_alike(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sara(db)
    hashed: list[str | None] = []
    real = passwords._check

    def counting(password: str, stored: str | None) -> passwords.Check:
        hashed.append(stored)
        return real(password, stored)

    monkeypatch.setattr(passwords, "_check", counting)
    outcomes = {}
    for email, address in [("sara@example.com", "192.0.2.1"), ("nobody@example.com", "192.0.2.2")]:
        outcomes[email] = []
        for _ in range(7):
            try:
                await login.log_in(db, email, "wrong", Visitor(address, None))
            except (Unauthorized, TooMany) as error:
                outcomes[email].append((type(error), error.message))

    assert outcomes["sara@example.com"] == outcomes["nobody@example.com"]
    assert [kind for kind, _ in outcomes["sara@example.com"]] == [Unauthorized] * 5 + [TooMany] * 2
    assert len(hashed) == 10


async def test_a_hash_with_older_parameters_is_renewed_at_log_in(db: Database) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    sara(db, old)

    await login.log_in(db, "sara@example.com", PASSWORD, HERE)

    stored = await db.read(users.stored_password, "sara@example.com")
    assert stored is not None
    assert "m=19456,t=2,p=1" in stored[1]


async def test_a_password_is_the_same_however_its_accents_are_typed(db: Database) -> None:
    sara(db, passwords.hash_now("café au lait noir"))

    assert await login.log_in(db, "sara@example.com", "cafe\u0301 au lait noir", HERE)


async def test_an_endless_password_is_wrong_and_holds_nobody_up(db: Database) -> None:
    sara(db)
    endless = "a" + "\u0301" * 60_000 + "\u0316" * 60_000
    began = time.process_time()

    with pytest.raises(Unauthorized):
        await login.log_in(db, "sara@example.com", endless, HERE)
    with pytest.raises(Invalid):
        passwords.strong(endless)

    assert time.process_time() - began < 5


@pytest.mark.parametrize("weak", ["short", "password1234", "aaaaaaaaaaaaaaaa", "SARA@example.com", "x" * 501])
def test_weak_passwords_are_refused_by_field(weak: str) -> None:
    with pytest.raises(Invalid) as error:
        passwords.strong(weak, "sara@example.com")

    assert "password" in error.value.fields


async def test_the_link_makes_one_owner_and_no_second(db: Database) -> None:
    link = login.invite(db)
    assert link is not None

    entry = await login.create_first_owner(db, link, "sara@example.com", "Sara", PASSWORD, HERE)

    assert entry.user.role is Role.OWNER
    assert await db.read(sessions.find, entry.token) is not None
    with pytest.raises(Conflict):
        await login.create_first_owner(db, link, "omar@example.com", "Omar", PASSWORD, HERE)
    assert login.invite(db) is None


async def test_a_link_that_is_unknown_replaced_or_old_opens_nothing(db: Database) -> None:
    first = login.invite(db)
    second = login.invite(db)
    assert first is not None and second is not None

    for link in ("", "made-up", first):
        with pytest.raises(Forbidden):
            await login.create_first_owner(db, link, "sara@example.com", "Sara", PASSWORD, HERE)
    later = clock.now() + setup_links.VALID_FOR
    with clock.use(lambda: later), pytest.raises(Forbidden):
        await login.create_first_owner(db, second, "sara@example.com", "Sara", PASSWORD, HERE)

    assert not await db.read(users.anyone)


async def test_a_bad_field_does_not_use_the_link_up(db: Database) -> None:
    link = login.invite(db)
    assert link is not None

    with pytest.raises(Invalid):
        await login.create_first_owner(db, link, "sara@example.com", "Sara", "short", HERE)

    assert await db.read(setup_links.valid, link)


def test_the_settings_can_make_the_first_owner(db: Database, tmp_path: Path) -> None:
    given = Settings(admin_email="Sara@example.com", admin_password=SecretStr(PASSWORD), data_dir=tmp_path)

    login.owner_of_settings(db, given)
    login.owner_of_settings(db, given)

    assert [(user.email, user.role) for user in db.read_now(users.listed)] == [("sara@example.com", Role.OWNER)]


@pytest.mark.parametrize(
    ("email", "password", "named"),
    [
        ("sara@example.com", "admin", "LEADKEEPER_ADMIN_PASSWORD"),
        ("sara@example.com", "", "LEADKEEPER_ADMIN_PASSWORD"),
        ("sara", PASSWORD, "LEADKEEPER_ADMIN_EMAIL"),
        ("", PASSWORD, "LEADKEEPER_ADMIN_EMAIL"),
    ],
)
def test_what_is_wrong_with_the_owner_of_the_settings_is_named(db: Database, email: str, password: str, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        login.owner_of_settings(db, Settings(admin_email=email, admin_password=SecretStr(password)))

    assert not db.read_now(users.anyone)
