"""Passwords: argon2id, hashed in threads of their own, at most two at once.

m = 19 MiB, t = 2, p = 1 is OWASP's minimum and takes about 0.1 s of one core here; two at once
keep the web loop and the worker alive under a flood. Callers throttle before they come here.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from leadkeeper.errors import Invalid, TooMany

R = TypeVar("R")
Ts = TypeVarTuple("Ts")

SHORTEST = 12
LONGEST = 500
"""Characters as they were typed: composing them (NFC) costs the square of a run of accents and holds up every thread."""
MOST_WAITING = 32
"""Log-ins that may wait for a hashing thread; more are told to come back."""

_COMMON_WORDS = """
    123456789012 1234567890123 12345678901234 123123123123 111111111111 000000000000 123456123456 1q2w3e4r5t6y
    qwertyuiop12 qwertyuiop123 qwerty123456 qwerty1234567 qwertyuiop[] asdfghjkl123 1qaz2wsx3edc zaq12wsxcde3
    password1234 password12345 password123456 passwordpassword password123! iloveyou1234 administrator
    administrator1 adminadmin12 adminadminadmin admin1234567 welcome12345 welcome123456 changeme1234
    changemechangeme letmein12345 letmeinletmein abcdefghijkl abc123abc123 leadkeeper12 leadkeeper123
    leadkeeper1234 football1234 superman1234 sunshine1234 princess1234 dragon123456 monkey123456
"""
_COMMON = frozenset(_COMMON_WORDS.split())
"""Long passwords that lists of leaked ones begin with."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_threads = ThreadPoolExecutor(2, "leadkeeper-hash")
_waiting = 0


@dataclass(frozen=True, slots=True)
class Check:
    """What a password came to; `rehash` is the new hash when the stored one has older parameters."""

    right: bool
    rehash: str | None = None


def strong(password: str, email: str = "", field: str = "password") -> str:
    """The password as it is hashed (NFC). Raises Invalid, naming `field`, for a weak one.

    Length is what counts; there are no rules about kinds of characters (NIST SP 800-63B).
    """
    if len(password) > LONGEST:
        raise Invalid("the password is too long", {field: "Use at most 500 characters."})
    text = unicodedata.normalize("NFC", password)
    if len(text) < SHORTEST:
        raise Invalid("the password is too short", {field: "Use at least 12 characters."})
    if text.lower() in _COMMON or len(set(text)) < 4 or (email and text.lower() == email.lower()):
        raise Invalid("the password is easy to guess", {field: "This password is easy to guess. Choose another one."})
    return text


def hash_now(password: str) -> str:
    """The argon2id hash; blocks for about 0.1 s (command line, start-up)."""
    return _hasher.hash(unicodedata.normalize("NFC", password))


async def hash_password(password: str) -> str:
    """`hash_now` in a hashing thread. Raises TooMany when too many wait."""
    return await _in_thread(hash_now, password)


async def check(password: str, stored: str | None) -> Check:
    """Whether `password` has the hash `stored`; None (unknown user) takes the same time and is wrong.

    Raises TooMany when too many wait for a thread.
    """
    return await _in_thread(_check, password, stored)


def _check(password: str, stored: str | None) -> Check:
    known = stored if len(password) <= LONGEST else None
    text = unicodedata.normalize("NFC", password[:LONGEST])
    nobody = _nobody()
    try:
        _hasher.verify(known or nobody, text)
    except (VerifyMismatchError, InvalidHashError):
        return Check(False)
    if known is None:
        return Check(False)
    return Check(True, _hasher.hash(text) if _hasher.check_needs_rehash(known) else None)


async def _in_thread(fn: Callable[[*Ts], R], *args: *Ts) -> R:
    global _waiting
    if _waiting >= MOST_WAITING:
        raise TooMany("too many people are logging in", retry_after=5)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, fn, *args)
    finally:
        _waiting -= 1


@cache
def _nobody() -> str:
    """A hash for unknown users to be checked against."""
    return _hasher.hash("nobody has this password")
