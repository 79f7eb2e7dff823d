"""Users from the command line."""

import json

import pytest

from leadkeeper.access import audit, users
from leadkeeper.access.roles import Role
from leadkeeper.errors import Conflict, Invalid, NotFound
from tests.cli.conftest import Terminal

PASSWORD = "correct horse battery"
TWICE = f"{PASSWORD}\n{PASSWORD}\n"


def add(terminal: Terminal, email: str = "sara@example.com", role: str = "owner") -> None:
    terminal.lines("user", "add", email, "--role", role, "--stdin", stdin=PASSWORD + "\n")


def test_a_user_is_added_with_a_password_typed_twice(terminal: Terminal) -> None:
    terminal.lines("user", "add", "Sara@Example.com", "--name", "Sara", "--role", "manager", stdin=TWICE)

    (user,) = terminal.db.read_now(users.listed)
    assert (user.email, user.name, user.role) == ("sara@example.com", "Sara", Role.ADMIN)
    assert terminal.db.read_now(users.stored_password, "sara@example.com") is not None


def test_a_weak_password_is_refused_with_the_reason(terminal: Terminal) -> None:
    with pytest.raises(Invalid, match="at least 12 characters"):
        terminal.run("user", "add", "sara@example.com", "--stdin", stdin="short\n")

    assert not terminal.db.read_now(users.anyone)


def test_an_unknown_role_is_refused_naming_the_known_ones(terminal: Terminal) -> None:
    with pytest.raises(Invalid, match=r"'boss' is not a role: must be one of .*viewer"):
        terminal.run("user", "add", "sara@example.com", "--role", "boss", "--stdin", stdin=PASSWORD)


def test_users_are_listed_with_role_and_state(terminal: Terminal) -> None:
    assert "nobody yet" in terminal.lines("user", "list")[0]
    add(terminal)
    add(terminal, "omar@example.com", "agent")
    terminal.lines("user", "disable", "omar@example.com")

    omar, sara = terminal.lines("user", "list")

    assert omar.split() == ["omar@example.com", "agent", "disabled"]
    assert sara.split()[:3] == ["sara@example.com", "owner", "never"]
    listed = json.loads("\n".join(terminal.lines("user", "list", "--json")))
    assert [(user["email"], user["disabled"]) for user in listed] == [("omar@example.com", True), ("sara@example.com", False)]


def test_a_disabled_user_can_be_let_in_again(terminal: Terminal) -> None:
    add(terminal)
    add(terminal, "omar@example.com", "agent")
    terminal.lines("user", "disable", "omar@example.com")

    terminal.lines("user", "enable", "omar@example.com")

    assert terminal.db.read_now(users.by_email, "omar@example.com").disabled_at is None


def test_a_new_password_replaces_the_old_one(terminal: Terminal) -> None:
    add(terminal)
    before = terminal.db.read_now(users.stored_password, "sara@example.com")

    terminal.lines("user", "password", "sara@example.com", "--stdin", stdin="another long password\n")

    assert terminal.db.read_now(users.stored_password, "sara@example.com") != before


def test_the_last_owner_keeps_the_role(terminal: Terminal) -> None:
    add(terminal)

    with pytest.raises(Conflict, match="last owner"):
        terminal.run("user", "role", "sara@example.com", "viewer")


def test_a_role_is_changed(terminal: Terminal) -> None:
    add(terminal)
    add(terminal, "omar@example.com", "agent")

    terminal.lines("user", "role", "omar@example.com", "owner")

    assert terminal.db.read_now(users.by_email, "omar@example.com").role is Role.OWNER


def test_every_act_is_written_down(terminal: Terminal) -> None:
    add(terminal)
    terminal.lines("user", "password", "sara@example.com", "--stdin", stdin="another long password\n")

    acts = terminal.db.read_now(audit.recent)

    assert [act.action for act in acts] == ["user.password", "user.added"]
    assert all(act.data["source"] == "command line" and "password" not in str(act.data) for act in acts)


def test_an_unknown_user_is_told_as_such(terminal: Terminal) -> None:
    with pytest.raises(NotFound, match="there is no user nobody"):
        terminal.run("user", "disable", "nobody@example.com")


def test_without_anybody_to_type_the_password_it_says_how_to_give_one(terminal: Terminal) -> None:
    with pytest.raises(Invalid, match="pipe it in with --stdin"):
        terminal.run("user", "add", "sara@example.com")
