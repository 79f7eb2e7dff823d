"""Files customers sent: with ranges, safe names, and for logged-in people alone."""

from typing import Any

import pytest
from sqlalchemy import Connection, update

from leadkeeper.access.roles import Role
from leadkeeper.store.schema import messages
from leadkeeper.web.media import safe_name
from tests.web.api.conftest import new_thread
from tests.web.conftest import Desk

BYTES = bytes(range(256)) * 4


def stored(desk: Desk, content: bytes = BYTES, file: str = "ab/voice.ogg", **about: Any) -> str:
    """The address of a message whose medium is in the media folder."""
    _, message_id = new_thread(desk.db)
    path = desk.settings.data_dir / "media" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    media = {"state": "stored", "file": file, "mimeType": "audio/ogg; codecs=opus", "filename": "voice.ogg", **about}
    desk.db.write_now(_set, message_id, media)
    return f"/media/{message_id}"


def _set(conn: Connection, message_id: int, media: dict[str, Any]) -> None:
    conn.execute(update(messages).where(messages.c.id == message_id).values(media=media))


async def test_a_file_is_played_from_any_place(desk: Desk) -> None:
    address = stored(desk)
    viewer = desk.caller(Role.VIEWER)

    whole = await viewer.get(address)
    middle = await viewer.get(address, headers={"range": "bytes=100-199"})
    rest = await viewer.get(address, headers={"range": "bytes=1000-"})
    last = await viewer.get(address, headers={"range": "bytes=-24"})
    beyond = await viewer.get(address, headers={"range": "bytes=5000-"})

    assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, BYTES, "bytes")
    assert (whole.headers["content-length"], whole.headers["content-type"]) == ("1024", "audio/ogg")
    assert (middle.status_code, middle.content) == (206, BYTES[100:200])
    assert middle.headers["content-range"] == "bytes 100-199/1024"
    assert rest.content == last.content == BYTES[1000:]
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */1024")


async def test_only_logged_in_people_hear_it(desk: Desk) -> None:
    address = stored(desk)
    desk.token(Role.OWNER)

    answer = await desk.caller().get(address)

    assert answer.status_code in (303, 401)
    assert BYTES[:20] not in answer.content


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/javascript", "application/zip", ""])
async def test_what_a_browser_might_run_is_only_a_download(desk: Desk, kind: str) -> None:
    answer = await desk.caller(Role.VIEWER).get(stored(desk, b"<script>alert(1)</script>", mimeType=kind, filename="page.html"))

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_picture_is_shown_and_can_be_saved(desk: Desk) -> None:
    address = stored(desk, mimeType="image/jpeg", filename="صورة.jpg")
    viewer = desk.caller(Role.VIEWER)

    shown = (await viewer.get(address)).headers["content-disposition"]
    saved = (await viewer.get(address, params={"download": ""})).headers["content-disposition"]

    assert shown.startswith("inline; filename*=utf-8''%D8%B5")
    assert saved.startswith("attachment")


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "etc_passwd.ogg"),
        ("a\r\nset-cookie: x=1", "a_set-cookie_ x=1.ogg"),
        ('x".ogg', "x_.ogg"),
        ("invoice\u202egpj.exe", "invoice_gpj.exe.ogg"),
        ("\ud800.ogg", "ogg.ogg"),
        ("", "message-7.ogg"),
        (None, "message-7.ogg"),
        (12, "message-7.ogg"),
        ("Voice.OGG", "Voice.OGG"),
    ],
)
def test_a_name_can_harm_nobody(given: object, safe: str) -> None:
    assert safe_name(given, 7, "audio/ogg") == safe


@pytest.mark.parametrize("file", ["../secret.key", "/etc/passwd", "", None, 3, "ab", "nothing.ogg", "..", "x" * 5000])
async def test_nothing_outside_the_media_folder_is_ever_served(desk: Desk, file: Any) -> None:
    address = stored(desk)
    (desk.settings.data_dir / "secret.key").touch()
    desk.db.write_now(_set, int(address.rsplit("/", 1)[1]), {"state": "stored", "file": file})

    assert (await desk.caller(Role.VIEWER).get(address)).status_code == 404


async def test_a_link_out_of_the_media_folder_is_not_followed(desk: Desk) -> None:
    address = stored(desk, file="real.ogg")
    link = desk.settings.data_dir / "media" / "link.ogg"
    link.symlink_to(desk.settings.data_dir / "secret.key")
    desk.db.write_now(_set, int(address.rsplit("/", 1)[1]), {"state": "stored", "file": "link.ogg"})

    assert (await desk.caller(Role.VIEWER).get(address)).status_code == 404


async def test_what_the_provider_no_longer_had_is_told_apart_from_what_never_was(desk: Desk) -> None:
    address = stored(desk, state="failed", reason="expired: gone")
    viewer = desk.caller(Role.VIEWER)

    gone = await viewer.get(address)
    never = await viewer.get("/media/987654")
    absurd = await viewer.get("/media/" + "9" * 5000)

    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    assert (never.status_code, absurd.status_code) == (404, 404)
