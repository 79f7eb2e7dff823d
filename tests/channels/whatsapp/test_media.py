"""Fetching a medium: two steps, the token for the provider alone, the bytes capped, checked and named by us."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from leadkeeper.channels.base import Media
from leadkeeper.channels.whatsapp import media
from leadkeeper.channels.whatsapp.media import Fetched, NotFetched, may_see_token
from tests.channels.whatsapp import wire

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 50
GRAPH = "https://graph.facebook.com"
CDN = "https://lookaside.fbsbx.com/whatsapp/1?x=y"
MEDIUM = Media("778899", "image/png", sha256=base64.b64encode(hashlib.sha256(PNG).digest()).decode())
LIMIT = 100_000

Answering = Callable[[httpx2.Request], httpx2.Response]


class Provider:
    """Answers the first step itself; the bytes come from `downloads`, one answer after the other."""

    def __init__(self, *downloads: httpx2.Response, url: str = CDN, **described: object) -> None:
        self.requests: list[httpx2.Request] = []
        self._downloads = list(downloads)
        digest = hashlib.sha256(PNG).hexdigest()
        self._described = {
            "url": url,
            "mime_type": "image/png",
            "sha256": digest,
            "file_size": len(PNG),
            "id": "778899",
            **described,
        }

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.url.path == "/v26.0/778899":
            return httpx2.Response(200, json=self._described)
        return self._downloads.pop(0) if len(self._downloads) > 1 else self._downloads[0]

    def tokens(self) -> list[tuple[str, bool]]:
        """(host, whether it saw the token) of every request."""
        return [(request.url.host, wire.TOKEN in repr(request.headers.raw)) for request in self.requests]


async def fetched(
    answering: Answering, folder: Path, medium: Media = MEDIUM, limit: int = LIMIT, base: str = GRAPH
) -> Fetched | NotFetched:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answering)) as client:
        return await media.fetch(client, wire.account(base), medium, folder, limit)


def bytes_of(content: bytes = PNG) -> httpx2.Response:
    return httpx2.Response(200, content=content)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def code(result: Fetched | NotFetched) -> str:
    assert isinstance(result, NotFetched), result
    return result.code


async def test_the_bytes_are_stored_under_a_name_of_our_own(tmp_path: Path) -> None:
    result = await fetched(Provider(bytes_of()), tmp_path)

    assert isinstance(result, Fetched)
    assert (tmp_path / result.file).read_bytes() == PNG
    assert (result.size_bytes, result.mime_type, result.sha256) == (len(PNG), "image/png", hashlib.sha256(PNG).hexdigest())
    assert result.file.endswith(".png")
    assert "778899" not in result.file
    assert len(files(tmp_path)) == 1


async def test_two_fetches_have_two_names(tmp_path: Path) -> None:
    first, second = await fetched(Provider(bytes_of()), tmp_path), await fetched(Provider(bytes_of()), tmp_path)
    assert isinstance(first, Fetched)
    assert isinstance(second, Fetched)
    assert first.file != second.file


async def test_the_token_goes_to_the_provider_and_its_media_host(tmp_path: Path) -> None:
    provider = Provider(bytes_of())
    await fetched(provider, tmp_path)
    assert provider.tokens() == [("graph.facebook.com", True), ("lookaside.fbsbx.com", True)]


async def test_the_token_is_not_shown_to_another_host_on_a_redirect(tmp_path: Path) -> None:
    moved = httpx2.Response(302, headers={"location": "https://elsewhere.example/file"})
    provider = Provider(moved, bytes_of())

    assert isinstance(await fetched(provider, tmp_path), Fetched)

    assert provider.tokens()[-1] == ("elsewhere.example", False)
    assert str(provider.requests[-1].url) == "https://elsewhere.example/file"


async def test_the_token_is_not_shown_to_a_foreign_first_address(tmp_path: Path) -> None:
    provider = Provider(bytes_of(), url="https://elsewhere.example/file")
    await fetched(provider, tmp_path)
    assert provider.tokens() == [("graph.facebook.com", True), ("elsewhere.example", False)]


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://lookaside.fbsbx.com/x", True),
        ("https://graph.facebook.com/x", True),
        ("https://mmg.whatsapp.net/x", True),
        ("http://lookaside.fbsbx.com/x", False),
        ("https://lookaside.fbsbx.com:8443/x", False),
        ("https://fbsbx.com.evil.example/x", False),
        ("https://evilfbsbx.com/x", False),
        ("https://graph.facebook.com@evil.example/x", False),
        ("https://evil.example/lookaside.fbsbx.com", False),
    ],
)
def test_where_the_token_may_go(url: str, seen: bool) -> None:
    assert may_see_token(wire.account(GRAPH), url) is seen


def test_another_providers_token_stays_on_its_own_origin() -> None:
    account = wire.account("http://127.0.0.1:9001")
    assert may_see_token(account, "http://127.0.0.1:9001/sim-media/1")
    assert not may_see_token(account, "http://127.0.0.1:9002/sim-media/1")
    assert not may_see_token(account, "https://127.0.0.1:9001/sim-media/1")
    assert not may_see_token(account, "https://lookaside.fbsbx.com/x")


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/x",
        "file:///etc/passwd",
        "ftp://x.example/",
        "https://a@b.example/",
        "https://",
        "https://x:99999/",
    ],
)
async def test_an_address_that_is_not_safe_is_not_visited(url: str, tmp_path: Path) -> None:
    provider = Provider(bytes_of(), url=url)
    assert code(await fetched(provider, tmp_path)) == "bad_answer"
    assert len(provider.requests) == 1


async def test_a_redirect_down_from_https_is_not_followed(tmp_path: Path) -> None:
    provider = Provider(httpx2.Response(302, headers={"location": "http://lookaside.fbsbx.com/x"}), bytes_of())
    assert code(await fetched(provider, tmp_path)) == "bad_answer"


async def test_a_redirect_in_a_ring_ends(tmp_path: Path) -> None:
    provider = Provider(httpx2.Response(302, headers={"location": CDN}))
    assert code(await fetched(provider, tmp_path)) == "bad_answer"
    assert len(provider.requests) == 5


async def test_an_expired_address_is_asked_for_once_more(tmp_path: Path) -> None:
    provider = Provider(httpx2.Response(404), bytes_of())
    assert isinstance(await fetched(provider, tmp_path), Fetched)
    assert len(provider.requests) == 4


async def test_an_address_that_stays_expired_is_gone_after_two(tmp_path: Path) -> None:
    provider = Provider(httpx2.Response(404))
    assert code(await fetched(provider, tmp_path)) == "gone"
    assert len(provider.requests) == 4


async def test_a_medium_said_to_be_too_large_is_not_begun(tmp_path: Path) -> None:
    provider = Provider(bytes_of(), file_size=LIMIT + 1)
    assert code(await fetched(provider, tmp_path)) == "too_large"
    assert len(provider.requests) == 1


async def test_a_medium_larger_than_said_is_cut_off_and_removed(tmp_path: Path) -> None:
    provider = Provider(bytes_of(PNG * 400), file_size=10)
    assert code(await fetched(provider, tmp_path)) == "too_large"
    assert not files(tmp_path)


async def test_a_medium_without_a_size_is_capped_too(tmp_path: Path) -> None:
    assert code(await fetched(Provider(bytes_of(PNG * 400), file_size=None), tmp_path)) == "too_large"


async def test_bytes_other_than_those_named_are_refused(tmp_path: Path) -> None:
    result = await fetched(Provider(bytes_of(PNG + b"!")), tmp_path)
    assert code(result) == "mismatch"
    assert not files(tmp_path)


async def test_the_hash_of_the_webhook_counts_as_well_as_that_of_the_first_step(tmp_path: Path) -> None:
    lying = Media("778899", "image/png", sha256=base64.b64encode(b"0" * 32).decode())
    assert code(await fetched(Provider(bytes_of()), tmp_path, lying)) == "mismatch"
    assert isinstance(await fetched(Provider(bytes_of(), sha256=None), tmp_path, Media("778899", None)), Fetched)


@pytest.mark.parametrize(
    ("status", "body", "expected", "again", "halt"),
    [
        (401, {"error": {"code": 190, "message": "expired"}}, "refused", False, True),
        (401, {}, "refused", False, True),
        (403, {"error": {"code": 10, "message": "no right"}}, "refused", False, False),
        (404, {}, "gone", False, False),
        (400, {"error": {"code": 100, "error_subcode": 33, "message": "not there"}}, "gone", False, False),
        (429, {}, "busy", True, False),
        (400, {"error": {"code": 80007, "message": "slowly"}}, "busy", True, False),
        (500, {}, "unavailable", True, False),
        (200, {}, "bad_answer", False, False),
    ],
)
async def test_reasons_are_told_apart(status: int, body: object, expected: str, again: bool, halt: bool, tmp_path: Path) -> None:
    result = await fetched(lambda request: httpx2.Response(status, json=body), tmp_path)
    assert isinstance(result, NotFetched)
    assert (result.code, result.again, result.halt) == (expected, again, halt)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, "refused"), (403, "refused"), (410, "gone"), (429, "busy"), (503, "unavailable"), (418, "bad_answer")],
)
async def test_a_download_that_fails_says_why(status: int, expected: str, tmp_path: Path) -> None:
    assert code(await fetched(Provider(httpx2.Response(status)), tmp_path)) == expected


async def test_a_broken_network_may_be_tried_again(tmp_path: Path) -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "graph.facebook.com":
            return httpx2.Response(200, json={"url": CDN})
        raise httpx2.ReadError("gone")

    result = await fetched(broken, tmp_path)
    assert isinstance(result, NotFetched)
    assert (result.code, result.again) == ("unavailable", True)
    assert not files(tmp_path)


@pytest.mark.parametrize("provider_id", [None, "", "../../etc/passwd", "a/b", "1?fields=x"])
async def test_an_id_that_is_none_is_not_asked_for(provider_id: str | None, tmp_path: Path) -> None:
    provider = Provider(bytes_of())
    assert isinstance(await fetched(provider, tmp_path, Media(provider_id, None)), NotFetched)
    assert not provider.requests


async def test_a_page_is_never_stored_as_one(tmp_path: Path) -> None:
    page = b"<html><script>alert(1)</script></html>"
    digest = hashlib.sha256(page).hexdigest()
    result = await fetched(Provider(bytes_of(page), sha256=digest, mime_type="text/html"), tmp_path, Media("778899", "text/html"))
    assert isinstance(result, Fetched)
    assert result.mime_type == "application/octet-stream"
    assert result.file.endswith(".bin")
