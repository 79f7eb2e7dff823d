"""Secrets at rest: encrypted with keys from `<data>/secret.key`, which is made at first start, mode 0600.

The file holds one Fernet key a line; the first one encrypts, all of them decrypt, so a key is
changed by putting a new one on top. There is no default key anywhere.
"""

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from leadkeeper.errors import Misconfigured

REMEMBERED = 100
"""Opened secrets one process keeps at hand."""


class SecretBox:
    """Encrypts JSON values, and signs short texts with a key derived from the same file."""

    def __init__(self, keys: list[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._opened: dict[bytes, Any] = {}
        self._signing = hashlib.sha256(b"leadkeeper.sign" + keys[0]).digest()

    @classmethod
    def open(cls, data_dir: Path) -> "SecretBox":
        """The box of a data folder; makes its key file when there is none. Raises Misconfigured on a bad one."""
        path = data_dir / "secret.key"
        data_dir.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"{path} can be read by others; run: chmod 600 {path}")
        keys = _lines(path)
        try:
            return cls(keys)
        except (ValueError, IndexError) as error:
            raise Misconfigured(f"{path} does not hold a key; restore it from your backup") from error

    def seal(self, value: Any) -> bytes:
        """Encrypted JSON of `value`."""
        return self._fernet.encrypt(json.dumps(value).encode())

    def unseal(self, sealed: bytes) -> Any:
        """The value again; the last ones are remembered, since every send asks for its account's.

        Raises Misconfigured when it was sealed with a key we do not have.
        """
        if sealed not in self._opened:
            if len(self._opened) >= REMEMBERED:
                self._opened.clear()
            self._opened[sealed] = self._decrypted(sealed)
        return self._opened[sealed]

    def _decrypted(self, sealed: bytes) -> Any:
        try:
            return json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise Misconfigured("a stored secret cannot be decrypted: secret.key is not the one it was saved with") from error

    def sign(self, purpose: str, text: str) -> str:
        """A hex HMAC-SHA256 of `text`, bound to `purpose`."""
        return hmac.new(self._signing, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def signed(self, purpose: str, text: str, signature: str) -> bool:
        """True when `signature` is ours; takes the same time either way."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode())


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split() if line]
    except PermissionError as error:
        raise Misconfigured(f"{path} cannot be read by this user; run: chown $(id -u) {path}") from error
