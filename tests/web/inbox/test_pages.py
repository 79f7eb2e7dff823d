"""What the inbox shows: views in their order, each message with its why, files that harm nobody, small pages."""

import re
from collections.abc import Mapping

import httpx2
import pytest
from sqlalchemy import Connection

from leadkeeper.access.roles import Role
from leadkeeper.web import filters
from tests.web import talks
from tests.web.conftest import Desk
from tests.web.inbox.conftest import names


async def test_what_needs_a_person_comes_first_and_the_longest_waiting_first(desk: Desk, shown: Mapping[str, int]) -> None:
    page = (await desk.caller(Role.VIEWER).get("/inbox")).text

    assert names(page) == ["Daniel Okoro", "Rafael Torres", "Priya Nambiar"]
    assert re.findall(r"<span class=\"count\">(\d+)</span></a>", page) == ["3", "0", "3", "11", "4", "16", "1"]
    assert page.index("Needs a human") < page.index(">Mine")
    assert "they asked for a person" in page


@pytest.mark.parametrize(
    ("view", "listed"),
    [("closed", ["Wei Zhang"]), ("unanswered", ["Daniel Okoro", "Rafael Torres", "Priya Nambiar", "فاطمة الزهراني"])],
)
async def test_a_view_holds_its_own_only(desk: Desk, shown: Mapping[str, int], view: str, listed: list[str]) -> None:
    assert names((await desk.caller(Role.VIEWER).get(f"/inbox?view={view}")).text) == listed


async def test_mine_are_those_of_the_reader(desk: Desk, shown: Mapping[str, int]) -> None:
    mine = names((await desk.caller(Role.OWNER).get("/inbox?view=mine")).text)
    nobodys = (await desk.caller(Role.AGENT).get("/inbox?view=mine")).text

    assert mine == ["Anita Gurung", "Lucia Fernandes"]
    assert names(nobodys) == []
    assert "Nothing is yours" in nobodys


async def test_search_keeps_the_view_and_says_when_nobody_is_found(desk: Desk, shown: Mapping[str, int]) -> None:
    viewer = desk.caller(Role.VIEWER)

    found = (await viewer.get("/inbox?view=all&q=priya")).text
    nobody = (await viewer.get("/inbox?view=closed&q=priya")).text

    assert names(found) == ["Priya Nambiar"]
    assert "Nobody is found" in nobody


async def test_pages_of_a_list_follow_each_other(desk: Desk) -> None:
    desk.token(Role.OWNER)
    desk.db.write_now(lambda conn: [talks.Talk(conn, f"C{at}", f"+9715550{at:04}").hears("Hi", at) for at in range(30)])
    viewer = desk.caller(Role.VIEWER)

    first = (await viewer.get("/inbox?view=all")).text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = (await viewer.get(following.group(1).replace("&amp;", "&"))).text

    assert names(first) + names(second) == [f"C{at}" for at in range(30)]
    assert 'rel="next"' not in second


async def test_a_place_that_is_none_is_refused(desk: Desk, shown: Mapping[str, int]) -> None:
    viewer = desk.caller(Role.VIEWER)

    assert (await viewer.get("/inbox?next=nowhere")).status_code == 400
    assert (await viewer.get("/inbox/987654")).status_code == 404


async def test_each_message_says_what_was_decided_why_and_from_which_source(desk: Desk, shown: Mapping[str, int]) -> None:
    page = (await desk.caller(Role.VIEWER).get(f"/inbox/{shown['rich']}")).text

    assert "a document answers it" in page
    assert "no document answers it well enough" in page
    assert "it is only thanks" in page
    assert ("Visa guide" in page, "row 12" in page) == (True, True)
    assert "Answer from the training documents" in page
    assert re.search(r'href="/admin/automation/jobs/\d+">Why', page)
    assert "👍" in page
    assert re.search(r'class="quoted" href="#m\d+"', page)
    assert 'class="day-mark is-new"' in page


async def test_states_of_sending_are_said_with_what_a_person_may_do(desk: Desk, shown: Mapping[str, int]) -> None:
    page = (await desk.caller(Role.AGENT).get(f"/inbox/{shown['doubt']}")).text
    seen = (await desk.caller(Role.VIEWER).get(f"/inbox/{shown['doubt']}")).text

    for words in ("Queued", "Failed", "Recipient cannot be reached", "131026", "In doubt", "Try again", "It arrived"):
        assert words in page
    assert "/retry" not in seen
    assert "It arrived" not in seen


async def test_media_are_shown_from_their_own_address_and_never_tell_where_they_lie(desk: Desk, shown: Mapping[str, int]) -> None:
    page = (await desk.caller(Role.VIEWER).get(f"/inbox/{shown['media']}")).text

    assert re.search(r'<img src="/media/\d+"', page)
    assert re.search(r'<audio controls preload="none" src="/media/\d+"', page)
    assert re.search(r'href="/media/\d+\?download"', page)
    assert "Tenancy contract.pdf" in page
    assert "The file is being fetched" in page
    assert "The file could not be fetched." in page
    assert "openstreetmap.org" in page
    assert "971505556677" in page
    assert ("The customer deleted this message." in page, ">Sorry, wrong chat</p>" in page) == (True, False)
    assert not any(secret in page for secret in ("shop.png", "v.ogg", "secret-provider-id"))


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "video/quicktime", ""])
async def test_what_a_browser_might_run_is_offered_as_a_download_only(desk: Desk, kind: str) -> None:
    desk.token(Role.OWNER)

    def told(conn: Connection) -> int:
        talk = talks.Talk(conn, "Mallory", "+971500000999")
        talk.hears("", 1, kind="document", media={"state": "stored", "file": "x.bin", "mimeType": kind, "filename": "<b>.html"})
        return talk.id

    page = (await desk.caller(Role.VIEWER).get(f"/inbox/{desk.db.write_now(told)}")).text

    assert "?download" in page
    assert not re.search(r"<(img|audio|video|iframe)", page)
    assert "<b>.html" not in page


async def test_what_customers_write_is_never_markup(desk: Desk) -> None:
    desk.token(Role.OWNER)

    def told(conn: Connection) -> int:
        talk = talks.Talk(conn, "<script>alert(1)</script>", "+971500000998")
        talk.hears("<img src=x onerror=alert(1)>", 1)
        talk.line("note", 0.5, None, text="<i>note</i>")
        return talk.id

    page = (await desk.caller(Role.VIEWER).get(f"/inbox/{desk.db.write_now(told)}")).text

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<i>note" not in page


async def test_older_messages_are_a_page_of_their_own_with_their_own_lines(desk: Desk) -> None:
    desk.token(Role.OWNER)

    def long(conn: Connection) -> int:
        talk = talks.Talk(conn, "Long", "+971500000997")
        for at in range(40):
            talk.hears(f"Message {at:02}", 100 - at)
        talk.line("note", 99.5, None, text="an early note")
        talk.line("note", 60.5, None, text="a late note")
        return talk.id

    path = f"/inbox/{desk.db.write_now(long)}"
    viewer = desk.caller(Role.VIEWER)

    newest = (await viewer.get(path)).text
    older = re.search(r'href="([^"]*before=\d+[^"]*)"', newest)
    assert older is not None
    first = (await viewer.get(older.group(1).replace("&amp;", "&"))).text

    assert ("Message 39" in newest, "Message 00" in newest, "a late note" in newest, "an early note" in newest) == (
        True, False, True, False,
    )  # fmt: skip
    assert ("Message 00" in first, ">Message 39" in first.split('id="thread"')[1], "an early note" in first) == (
        True,
        False,
        True,
    )
    assert "a late note" not in first


@pytest.mark.parametrize("path", ["list", "rich", "media", "doubt", "closed_window", "opted_out", "mine", "closed"])
async def test_pages_stay_small_and_have_one_heading_in_both_languages(desk: Desk, shown: Mapping[str, int], path: str) -> None:
    address = "/inbox" if path == "list" else f"/inbox/{shown[path]}"
    for language in ("en", "ar"):
        caller: httpx2.AsyncClient = desk.caller(Role.OWNER)
        await caller.post("/look", data={"language": language})

        page = (await caller.get(address)).text

        assert len(page.encode()) <= 60_000
        assert page.count("<h1") == 1
        assert f'dir="{"rtl" if language == "ar" else "ltr"}" data-theme' in page


async def test_nobody_says_the_ai_answers_whom_it_may_not_write_to(desk: Desk, shown: Mapping[str, int]) -> None:
    page = (await desk.caller(Role.VIEWER).get(f"/inbox/{shown['opted_out']}?view=ai")).text

    head = page.split('id="talk-head"', 1)[1].split("</header>", 1)[0]
    assert "Wants no messages" in head
    assert "AI is answering" not in head


async def test_an_address_breaks_behind_its_sign_and_is_never_markup() -> None:
    assert filters.breakable("sara@example.com") == "sara@<wbr>example.com"
    assert filters.breakable('<b>"@x') == "&lt;b&gt;&#34;@<wbr>x"
