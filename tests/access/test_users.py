"""Users: one address each, roles that hold, and always an owner left."""

import pytest
from sqlalchemy import Connection

from leadkeeper.access import sessions, users
from leadkeeper.access.roles import Role, parse
from leadkeeper.errors import Conflict, Invalid, NotFound
from leadkeeper.store.database import Database


def add(conn: Connection, email: str, role: Role = Role.OWNER) -> users.User:
    return users.add(conn, email, "Sara", role, "hash")


async def test_an_address_is_stored_trimmed_and_in_lower_case(db: Database) -> None:
    user = await db.write(add, "  Sara@Example.COM ")

    assert user.email == "sara@example.com"
    assert (await db.read(users.by_email, "SARA@example.com")).id == user.id


async def test_one_address_has_one_user(db: Database) -> None:
    await db.write(add, "sara@example.com")

    with pytest.raises(Conflict):
        await db.write(add, "Sara@example.com")


@pytest.mark.parametrize("bad", ["", "sara", "sara@", "@example.com", "sara@host", "sa ra@example.com"])
async def test_what_is_no_address_is_refused_by_field(db: Database, bad: str) -> None:
    with pytest.raises(Invalid) as error:
        await db.write(add, bad)

    assert "email" in error.value.fields


async def test_the_last_owner_can_neither_be_disabled_nor_lowered(db: Database) -> None:
    owner = await db.write(add, "sara@example.com")
    await db.write(add, "omar@example.com", Role.ADMIN)

    with pytest.raises(Conflict):
        await db.write(users.disable, owner.id)
    with pytest.raises(Conflict):
        await db.write(users.set_role, owner.id, Role.ADMIN)

    await db.write(add, "amina@example.com", Role.OWNER)
    await db.write(users.disable, owner.id)
    assert (await db.read(users.get, owner.id)).disabled_at is not None


async def test_a_new_password_role_or_lock_ends_the_sessions(db: Database) -> None:
    await db.write(add, "owner@example.com")
    user = await db.write(add, "sara@example.com", Role.AGENT)

    for change in (
        lambda conn: users.set_password(conn, user.id, "other"),
        lambda conn: users.set_role(conn, user.id, Role.ADMIN),
        lambda conn: users.disable(conn, user.id),
    ):
        token = await db.write(sessions.begin, user.id, None, None)
        assert await db.read(sessions.find, token)
        await db.write(change)
        assert await db.read(sessions.find, token) is None
        await db.write(users.enable, user.id)
        assert await db.read(sessions.find, token) is None


async def test_a_disabled_user_has_no_password_to_compare(db: Database) -> None:
    await db.write(add, "owner@example.com")
    user = await db.write(add, "sara@example.com", Role.AGENT)
    assert await db.read(users.stored_password, "SARA@example.com ") == (user.id, "hash")

    await db.write(users.disable, user.id)

    assert await db.read(users.stored_password, "sara@example.com") is None


async def test_unknown_users_and_unknown_tastes_are_refused(db: Database) -> None:
    user = await db.write(add, "sara@example.com")

    with pytest.raises(NotFound):
        await db.write(users.rename, user.id + 1, "Omar")
    with pytest.raises(Invalid):
        await db.write(users.prefer, user.id, "xx", None)
    with pytest.raises(Invalid):
        await db.write(users.prefer, user.id, None, "pink")


def test_roles_hold_what_those_below_them_hold() -> None:
    order = [Role.VIEWER, Role.AGENT, Role.ADMIN, Role.OWNER]

    assert [[role.may(least) for least in order] for role in order] == [[at >= need for need in range(4)] for at in range(4)]


@pytest.mark.parametrize(
    ("word", "role"), [("ADMIN", Role.ADMIN), ("MANAGER", Role.ADMIN), ("Agent", Role.AGENT), ("owner ", Role.OWNER)]
)
def test_known_words_of_roles_are_understood(word: str, role: Role) -> None:
    assert parse(word) is role

    with pytest.raises(Invalid):
        parse("root")
