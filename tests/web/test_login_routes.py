"""Logging in over HTTP: the shapes people know, the cookie, where one is sent afterwards."""

import pytest

from leadkeeper.access import login, sessions
from leadkeeper.access.roles import Role
from leadkeeper.example.load import load
from leadkeeper.secretbox import SecretBox
from tests.web.conftest import PASSWORD, Desk

OWNER = {"email": "owner@example.com", "password": PASSWORD}


async def test_the_api_logs_in_and_tells_who_is_there(desk: Desk) -> None:
    desk.token(Role.OWNER)
    caller = desk.caller()

    answer = await caller.post("/api/auth/login?redirect=/inbox", json=OWNER)

    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert answer.json()["redirect"] == "/inbox"
    me = await caller.get("/api/auth/me")
    assert me.json() == {"ok": True, "user": {"id": 1, "email": "owner@example.com", "name": "Owner", "role": "owner"}}


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb", "inbox", ""]
)
async def test_only_local_redirects_are_followed(desk: Desk, target: str) -> None:
    desk.token(Role.OWNER)

    api = await desk.caller().post("/api/auth/login", params={"redirect": target}, json=OWNER)
    form = await desk.caller().post("/login", params={"redirect": target}, data=OWNER)

    assert api.json()["redirect"] == "/"
    assert form.headers["location"] == "/"


async def test_the_form_logs_in_without_scripts_and_goes_where_one_wanted(desk: Desk) -> None:
    desk.token(Role.OWNER)
    caller = desk.caller()

    asked = await caller.get("/profile?tab=1")
    answer = await caller.post(asked.headers["location"], data=OWNER)

    assert asked.headers["location"] == "/login?redirect=/profile%3Ftab%3D1"
    assert (answer.status_code, answer.headers["location"]) == (303, "/profile?tab=1")
    assert (await caller.get("/profile")).status_code == 200


async def test_wrong_passwords_are_told_in_the_form_and_in_json(desk: Desk) -> None:
    desk.token(Role.OWNER)

    form = await desk.caller().post("/login", data={**OWNER, "password": "wrong"})
    api = await desk.caller().post("/api/auth/login", json={**OWNER, "password": "wrong"})

    assert form.status_code == 401
    assert "Invalid email or password" in form.text
    assert "owner@example.com" in form.text
    assert "wrong" not in form.text
    assert (api.status_code, api.json()["error"], api.json()["code"]) == (401, "Invalid email or password", "unauthorized")


async def test_the_sixth_guess_is_told_to_wait(desk: Desk) -> None:
    desk.token(Role.OWNER)
    caller = desk.caller()

    answers = [await caller.post("/api/auth/login", json={**OWNER, "password": "wrong"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_the_cookie_is_kept_from_scripts_and_other_sites(desk: Desk) -> None:
    desk.token(Role.OWNER)

    cookie = (await desk.caller().post("/api/auth/login", json=OWNER)).headers["set-cookie"]

    assert cookie.startswith("leadkeeper_session=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


async def test_over_https_the_cookie_is_bound_to_this_host(secure_desk: Desk) -> None:
    secure_desk.token(Role.OWNER)

    answer = await secure_desk.caller().post("/api/auth/login", json=OWNER)

    assert answer.headers["set-cookie"].startswith("__Host-leadkeeper_session=")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"]


async def test_logging_out_ends_the_session_itself(desk: Desk) -> None:
    caller = desk.caller(Role.OWNER)
    token = caller.cookies["leadkeeper_session"]

    assert (await caller.post("/api/auth/logout", json={})).json()["success"] is True

    assert await desk.db.read(sessions.find, token) is None
    assert (await desk.caller().post("/logout")).headers["location"] == "/login"


async def test_logging_in_again_ends_the_old_session(desk: Desk) -> None:
    caller = desk.caller(Role.OWNER)
    before = caller.cookies["leadkeeper_session"]

    await caller.post("/api/auth/login", json=OWNER)

    assert await desk.db.read(sessions.find, before) is None


async def test_set_up_goes_by_the_link_and_then_closes(desk: Desk) -> None:
    caller = desk.caller()
    assert (await caller.get("/login")).headers["location"] == "/setup"
    assert "not set up yet" in (await caller.get("/setup")).text
    link = login.invite(desk.db)

    page = await caller.get(f"/setup?token={link}")
    bad = await caller.post("/setup", data={"token": link, "name": "Sara", "email": "sara@example.com", "password": "short"})
    done = await caller.post("/setup", data={"token": link, "name": "Sara", "email": "sara@example.com", "password": PASSWORD})

    assert "Create the owner" in page.text
    assert bad.status_code == 400
    assert "Use at least 12 characters." in bad.text
    assert done.status_code == 303
    assert (await caller.get("/api/auth/me")).json()["user"]["role"] == "owner"
    again = await desk.caller().post("/api/auth/setup", json={"token": link, "email": "o@example.com", "password": PASSWORD})
    assert again.status_code == 409


async def test_set_up_by_json_with_a_spent_link_is_refused(desk: Desk) -> None:
    answer = await desk.caller().post("/api/auth/setup", json={"token": "x", "email": "sara@example.com", "password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_new_password_needs_the_old_one_and_logs_the_others_out(desk: Desk) -> None:
    here, elsewhere = desk.caller(Role.AGENT), desk.caller(Role.AGENT)

    wrong = await here.post("/profile/password", data={"current": "guess", "password": "six red doors here"})
    right = await here.post("/profile/password", data={"current": PASSWORD, "password": "six red doors here"})

    assert wrong.status_code == 400
    assert "not your current password" in wrong.text
    assert right.status_code == 303
    assert (await here.get("/profile")).status_code == 200
    assert (await elsewhere.get("/profile")).status_code == 303


async def test_guessing_the_current_password_is_as_slow_as_logging_in(desk: Desk) -> None:
    caller = desk.caller(Role.AGENT)
    form = {"current": "guess", "password": "six red doors here"}

    guesses = [await caller.post("/profile/password", data=form) for _ in range(6)]
    right = await caller.post("/profile/password", data={**form, "current": PASSWORD})

    assert [answer.status_code for answer in guesses] == [400] * 5 + [429]
    assert right.status_code == 429
    assert "Too many attempts" in right.text


async def test_language_and_theme_are_kept_and_painted_by_the_server(desk: Desk) -> None:
    caller = desk.caller(Role.VIEWER)

    await caller.post("/look", data={"language": "ar", "back": "/profile"})
    await caller.post("/look", data={"theme": "dark", "back": "//evil"})
    page = await caller.get("/profile")
    logged_out = desk.caller()
    logged_out.cookies.update({name: value for name, value in caller.cookies.items() if "session" not in name})

    assert '<html lang="ar" dir="rtl" data-theme="dark">' in page.text
    assert "ملفك الشخصي" in page.text
    assert '<html lang="ar" dir="rtl" data-theme="dark">' in (await logged_out.get("/login")).text


async def test_a_message_is_shown_once_on_the_next_page(desk: Desk) -> None:
    caller = desk.caller(Role.VIEWER)

    await caller.post("/profile/name", data={"name": "Amina"})

    assert "Your name is saved." in (await caller.get("/profile")).text
    assert "Your name is saved." not in (await caller.get("/profile")).text


async def test_the_first_owner_of_a_demo_goes_straight_to_the_customers_who_write(desk: Desk) -> None:
    link = login.invite(desk.db)
    desk.db.write_now(load, SecretBox.open(desk.settings.data_dir))

    form = {"token": link, "name": "Sara", "email": "sara@example.com", "password": PASSWORD}
    answer = await desk.caller().post("/setup", data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox?view=all")
