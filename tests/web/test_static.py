"""Static files: hashed addresses, caching, compression, budgets, and what our own style and script may contain."""

import gzip
import re
from pathlib import Path

import pytest

from leadkeeper.access.roles import Role
from leadkeeper.errors import NotFound
from leadkeeper.web import assets
from leadkeeper.web.render import TEMPLATES
from tests.web.conftest import Desk

CSS = sorted((assets.FOLDER / "css").rglob("*.css"))
JS = sorted((assets.FOLDER / "js").rglob("*.js"))
HTML = sorted(TEMPLATES.rglob("*.html"))


async def test_a_hashed_address_is_kept_for_a_year_and_sent_small(desk: Desk) -> None:
    answer = await desk.caller().get(assets.url("app.css"), headers={"accept-encoding": "gzip"})

    assert answer.headers["cache-control"] == assets.FOREVER
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(answer.content) / 2


async def test_an_old_address_gets_todays_file_and_is_not_kept(desk: Desk) -> None:
    answer = await desk.caller().get("/static/0123456789ab/app.css")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_file_one_has_already_is_not_sent_again(desk: Desk) -> None:
    first = await desk.caller().get(assets.url("icons.svg"))

    again = await desk.caller().get(assets.url("icons.svg"), headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["../app.py", "css/../../app.py", "nothing.css", "%2e%2e/app.py"])
async def test_nothing_outside_the_folder_is_served(desk: Desk, path: str) -> None:
    assert (await desk.caller().get(f"/static/x/{path}")).status_code == 404


def test_a_template_that_names_a_missing_file_fails() -> None:
    with pytest.raises(NotFound):
        assets.url("nothing.css")


def test_our_own_style_and_script_stay_within_their_budgets() -> None:
    css, js = (sum(len(path.read_text().splitlines()) for path in paths) for paths in (CSS, JS))
    swap = len((assets.FOLDER / "js" / "swap.js").read_text().splitlines())

    assert css <= 1500
    assert js <= 800
    assert swap <= 150
    assert len(gzip.compress((assets.FOLDER / "js" / "swap.js").read_bytes())) < 4000


@pytest.mark.parametrize("path", CSS, ids=lambda path: path.name)
def test_style_uses_logical_properties_only(path: Path) -> None:
    rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)

    physical = re.findall(
        r"(?<![\w-])(?:(?:margin|padding|border)-(?:left|right)|left|right|text-align:\s*(?:left|right)|float)\s*[:;]", rules
    )

    assert physical == []


@pytest.mark.parametrize("path", HTML, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_templates_hold_no_inline_style_script_or_handler(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "| safe" not in text
    loaded = re.sub(r'placeholder="[^"]*"', "", text)  # an example of what to write loads nothing
    assert not re.search(r"https?://(?!desk\.example\.com|www\.w3\.org)", loaded)


def test_scripts_never_build_markup_from_text() -> None:
    for path in JS:
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()), path.name


def test_every_icon_a_template_names_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (assets.FOLDER / "icons.svg").read_text()))
    named = {name for path in HTML for name in re.findall(r'icon\("([\w-]+)"', path.read_text())}

    assert named <= drawn


async def test_a_page_is_sent_small_to_whom_can_unpack_it(desk: Desk) -> None:
    desk.token(Role.OWNER)

    packed = await desk.caller().get("/login", headers={"accept-encoding": "gzip, br"})
    plain = await desk.caller().get("/login", headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(packed.content) / 2
    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
