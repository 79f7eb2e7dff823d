"""Pages over a real database, read as HTML without a browser."""

import re
from html import unescape

import httpx2

from tests.web.api.conftest import business as business
from tests.web.api.conftest import open_desk as open_desk
from tests.web.api.conftest import quiet as quiet


def words(answer: httpx2.Response) -> str:
    """What a page says, without its tags, with single spaces."""
    assert answer.status_code < 500, answer.text[:500]
    body = re.sub(r"<(script|style|svg).*?</\1>", " ", answer.text, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


async def said(caller: httpx2.AsyncClient, answer: httpx2.Response) -> str:
    """Follow a form's answer to the page it leads to, and read that."""
    assert answer.status_code == 303, words(answer)[:300]
    return words(await caller.get(answer.headers["location"]))
