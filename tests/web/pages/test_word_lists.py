"""The word lists' pages: what a message would be read as, words added, removed and brought back."""

import re

import pytest

from leadkeeper.access.roles import Role
from leadkeeper.rules import word_rows
from leadkeeper.rules import words as lexicon
from tests.web.conftest import Desk
from tests.web.pages.conftest import said, words

PAGE = "/rules/words"


def phrases(desk: Desk, name: str) -> set[str]:
    return {row.phrase for row in desk.db.read_now(word_rows.listed, name)}


async def test_a_message_is_read_as_the_rules_would_read_it(open_desk: Desk) -> None:
    viewer = open_desk.caller(Role.VIEWER)

    told = words(await viewer.get(f"{PAGE}?try=I+want+my+money+back"))
    nothing = words(await viewer.get(f"{PAGE}?try=xyzzy"))

    assert "Money back “" in told
    assert "No list knows any of these words" in nothing


async def test_a_phrase_is_added_removed_and_brought_back(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    added = await said(admin, await admin.post(f"{PAGE}/human/add", data={"language": "en", "phrase": "beam me  up"}))
    again = await said(admin, await admin.post(f"{PAGE}/human/add", data={"language": "en", "phrase": "beam me up"}))
    assert "“beam me up” is added." in added.replace("  ", " ")
    assert "was there already" in again
    assert open_desk.db.read_now(lambda conn: lexicon.current(conn).lists_in("please beam me up now")) == {"human": "beam me up"}

    row = next(row for row in open_desk.db.read_now(word_rows.listed, "human") if row.phrase == "beam me up")
    gone = await admin.post(f"{PAGE}/human/remove", data={"word": str(row.id)})
    page = await admin.get(gone.headers["location"])
    assert "“beam me up” is removed." in words(page)
    assert "beam me up" not in phrases(open_desk, "human")

    undo = dict(re.findall(r'<input type="hidden" name="(language|phrase|value)" value="([^"]*)"', page.text))
    await admin.post(f"{PAGE}/human/add", data=undo)
    assert "beam me up" in phrases(open_desk, "human")
    assert "is removed." not in words(await admin.get(gone.headers["location"]))


async def test_a_phrase_may_count_only_as_the_whole_message(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    await admin.post(f"{PAGE}/legal/add", data={"language": "en", "phrase": "dispute", "alone": "1"})

    assert "=dispute" in phrases(open_desk, "legal")


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("human", {"language": "en", "phrase": ""}, "Fill this in."),
        ("human", {"language": "en", "phrase": "!!"}, "must hold a word"),
        ("service", {"language": "en", "phrase": "a new service"}, "must say what the phrase stands for"),
    ],
)
async def test_a_bad_phrase_is_refused_beside_its_field(open_desk: Desk, name: str, given: dict[str, str], told: str) -> None:
    answer = await open_desk.caller(Role.ADMIN).post(f"{PAGE}/{name}/add", data=given)

    assert answer.status_code == 400
    assert told in words(answer)


async def test_a_list_is_searched_and_shown_by_language(open_desk: Desk) -> None:
    viewer = open_desk.caller(Role.VIEWER)

    found = await viewer.get(f"{PAGE}/human?q=robot")
    arabic = await viewer.get(f"{PAGE}/human?language=ar")
    long = await viewer.get(f"{PAGE}/service")

    assert set(re.findall(r"<span>([^<]*robot)</span>", found.text))
    assert "anyone there" not in found.text
    assert 'class="chips" lang="ar" dir="rtl"' in arabic.text
    assert len(long.text) < 60_000
    assert "No phrase is like this" in words(await viewer.get(f"{PAGE}/human?q=qqqq"))


async def test_only_admins_change_words(open_desk: Desk) -> None:
    agent = open_desk.caller(Role.AGENT)

    assert 'name="word"' not in (await agent.get(f"{PAGE}/human")).text
    assert (await agent.post(f"{PAGE}/human/add", data={"language": "en", "phrase": "x"})).status_code == 403
    assert (await agent.post(f"{PAGE}/human/remove", data={"word": "1"})).status_code == 403
    assert (await agent.get(f"{PAGE}/nothing")).status_code == 404
    assert (await open_desk.caller(Role.ADMIN).post(f"{PAGE}/human/remove", data={"word": "987654"})).status_code == 404
