"""Fetch an inbound medium: its id gives an address that lives five minutes, the address gives the bytes.

The account's token goes to the provider's hosts alone. Redirects are followed by hand, and a
redirect to another host gets no token.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from leadkeeper.channels.base import Account, Media
from leadkeeper.channels.whatsapp import graph
from leadkeeper.channels.whatsapp.errors import failure_of
from leadkeeper.channels.whatsapp.reading import word
from leadkeeper.channels.whatsapp.sniff import extension, sniff

DESCRIBE = timedelta(seconds=15)
DOWNLOAD = timedelta(minutes=2)
MOST_REDIRECTS = 3
_CHUNK_BYTES = 256 * 1024
_META = (".facebook.com", ".fbsbx.com", ".whatsapp.net")
"""Hosts of Meta that hand out media and want the token (lookaside.fbsbx.com today)."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A stored medium. `file` is relative to the media folder; `mime_type` is what the bytes are."""

    file: str
    size_bytes: int
    mime_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NotFetched:
    """Why there is no file. `again` tells whether another try may help; `halt` that the token is refused.

    `code`: gone (expired or deleted), refused (token or rights), too_large, mismatch (not the bytes
    the provider named), busy (rate limit), unavailable (provider or network down), bad_answer.
    """

    code: str
    reason: str
    again: bool = False
    halt: bool = False


async def fetch(http: httpx2.AsyncClient, account: Account, media: Media, folder: Path, limit: int) -> Fetched | NotFetched:
    """Fetch `media` into `folder`, at most `limit` bytes. An address that has expired is asked for once more."""
    if not media.provider_id or not graph.has_token(account):
        return NotFetched("gone" if graph.has_token(account) else "refused", "nothing to fetch it by")
    result: Fetched | NotFetched = NotFetched("gone", "the address had expired")
    for _ in range(2):
        described = await _describe(http, account, media)
        if isinstance(described, NotFetched):
            return described
        result = await _download(http, account, described, folder, limit)
        if isinstance(result, Fetched) or result.code != "gone":
            return result
    return result


@dataclass(frozen=True, slots=True)
class _Described:
    url: str
    mime_type: str
    hashes: tuple[str, ...]
    size_bytes: int | None


async def _describe(http: httpx2.AsyncClient, account: Account, media: Media) -> _Described | NotFetched:
    provider_id = word(media.provider_id, 300)
    if not provider_id.replace("_", "").replace("-", "").isalnum():
        return NotFetched("bad_answer", "not a media id")
    outcome = await graph.get(http, account, provider_id, {"phone_number_id": account.external_id}, DESCRIBE)
    if not isinstance(outcome, graph.Answer):
        return NotFetched("unavailable", outcome.reason, again=True)
    data = outcome.data or {}
    url = word(data.get("url"), 4_000)
    if outcome.status == 200 and url:
        size = data.get("file_size")
        size_bytes = int(word(size)) if word(size).isdecimal() and len(word(size)) < 16 else None
        hashes = tuple(one for one in (word(data.get("sha256"), 100), media.sha256 or "") if one)
        return _Described(url, word(data.get("mime_type"), 100) or media.mime_type or "", hashes, size_bytes)
    return _refusal(outcome, account)


def _refusal(answer: graph.Answer, account: Account) -> NotFetched:
    code, reason = failure_of(answer, account.credentials.get("token", ""))
    if code in ("0", "190") or answer.status == 401:
        return NotFetched("refused", reason, halt=True)
    if answer.status == 429 or code in ("4", "80007", "130429"):
        return NotFetched("busy", reason, again=True)
    if answer.status in (404, 410) or code in ("100", "131052"):
        return NotFetched("gone", reason)
    if answer.status == 403 or code in ("3", "10", "131005"):
        return NotFetched("refused", reason)
    return NotFetched("unavailable" if answer.status >= 500 else "bad_answer", reason, again=answer.status >= 500)


async def _download(
    http: httpx2.AsyncClient, account: Account, described: _Described, folder: Path, limit: int
) -> Fetched | NotFetched:
    if described.size_bytes is not None and described.size_bytes > limit:
        return NotFetched("too_large", f"{described.size_bytes} bytes; at most {limit} are fetched")
    url = described.url
    try:
        async with asyncio.timeout(DOWNLOAD.total_seconds()):
            for _ in range(1 + MOST_REDIRECTS):
                if not _may_visit(account, url):
                    return NotFetched("bad_answer", "the provider named an address that is not safe to visit")
                headers = graph.authorization(account) if may_see_token(account, url) else {}
                async with http.stream("GET", url, headers=headers, follow_redirects=False) as response:
                    if response.is_redirect and "location" in response.headers:
                        url = str(response.url.join(response.headers["location"]))
                        continue
                    if response.status_code != 200:
                        return _bad_download(response.status_code)
                    return await _store(response, described, folder, limit)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        return NotFetched("unavailable", f"{type(error).__name__}: {error}".rstrip(": ")[:300], again=True)
    return NotFetched("bad_answer", f"more than {MOST_REDIRECTS} redirects")


def may_see_token(account: Account, url: str) -> bool:
    """True where the account's token may go: the provider's own origin and, for Meta, its media hosts over https."""
    ours, there = urlsplit(account.base_url), urlsplit(url)
    if (there.scheme, there.hostname, _port(there.scheme, there.port)) == (
        ours.scheme,
        ours.hostname,
        _port(ours.scheme, ours.port),
    ):
        return True
    meta = (ours.hostname or "").endswith(_META)
    return meta and there.scheme == "https" and _port("https", there.port) == 443 and (there.hostname or "").endswith(_META)


def _may_visit(account: Account, url: str) -> bool:
    """No step down from https, no other scheme, no user name in the address."""
    try:
        there = urlsplit(url)
        _ = there.port
    except ValueError:
        return False
    schemes = ("https",) if account.base_url.startswith("https://") else ("http", "https")
    return there.scheme in schemes and bool(there.hostname) and "@" not in there.netloc


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)


def _bad_download(status: int) -> NotFetched:
    reason = f"HTTP {status} for the bytes"
    if status in (404, 410):
        return NotFetched("gone", reason)
    if status in (401, 403):
        return NotFetched("refused", reason)
    if status == 429:
        return NotFetched("busy", reason, again=True)
    return NotFetched("unavailable" if status >= 500 else "bad_answer", reason, again=status >= 500)


async def _store(response: httpx2.Response, described: _Described, folder: Path, limit: int) -> Fetched | NotFetched:
    """Write the body under a random name of our own; nothing stays behind when it is refused."""
    name = secrets.token_hex(16)
    target = folder / name[:2]
    await asyncio.to_thread(target.mkdir, parents=True, exist_ok=True)
    part = target / f"{name}.part"
    kept = False
    try:
        got = await _write(response.aiter_bytes(_CHUNK_BYTES), part, limit)
        if got is None:
            return NotFetched("too_large", f"more than {limit} bytes")
        head, size, digest = got
        if not all(_same(digest, named) for named in described.hashes):
            return NotFetched("mismatch", "the bytes are not those the provider named", again=True)
        mime_type = sniff(head, described.mime_type)
        final = target / f"{name}{extension(mime_type)}"
        await asyncio.to_thread(part.rename, final)
        kept = True
        return Fetched(final.relative_to(folder).as_posix(), size, mime_type, digest.hex())
    finally:
        if not kept:
            await asyncio.to_thread(part.unlink, missing_ok=True)


async def _write(chunks: AsyncIterator[bytes], part: Path, limit: int) -> tuple[bytes, int, bytes] | None:
    """(first bytes, size, sha256), or None when there are more than `limit`."""
    digest, head, size = hashlib.sha256(), b"", 0
    file = await asyncio.to_thread(part.open, "xb")
    close: Callable[[], None] = file.close
    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                return None
            head = (head + chunk)[:256] if len(head) < 256 else head
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(close)
    return head, size, digest.digest()


def _same(digest: bytes, named: str) -> bool:
    """True when `named`, in hex or base64, is this digest. The two steps name it differently."""
    forms = (digest.hex(), base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode())
    return any(hmac.compare_digest(form.rstrip("=").encode(), named.rstrip("=").encode()) for form in (*forms, forms[0].upper()))
