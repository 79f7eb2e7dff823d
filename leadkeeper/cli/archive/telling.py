"""What a person at the terminal sees of something that takes a while; machines see nothing of it."""

import sys

from leadkeeper import clock

EVERY_SECONDS = 0.2


class Telling:
    """Steps on standard error, each with its seconds when it is done; on a terminal also how far it is."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._live = not quiet and sys.stderr.isatty()
        self._began = self._told = clock.monotonic()
        self._doing = ""
        self._bytes = self._of = 0

    def begin(self, doing: str, of: int = 0) -> None:
        """A step begins; `of`: its bytes, where they are known."""
        self._doing, self._of, self._bytes = doing, of, 0
        self._began = clock.monotonic()
        self._draw()

    def more(self, size: int) -> None:
        """So many bytes more are done."""
        self._bytes += size
        if self._live and clock.monotonic() - self._told > EVERY_SECONDS:
            self._draw()

    def done(self, what: str) -> None:
        """The step has ended, and came to this."""
        if not self._quiet:
            clear = "\r\033[K" if self._live else ""
            sys.stderr.write(f"{clear}  ✓ {what:<56} {clock.monotonic() - self._began:6.1f} s\n")
            sys.stderr.flush()

    def _draw(self) -> None:
        if not self._live:
            return
        self._told = clock.monotonic()
        how = f"{min(99, 100 * self._bytes // self._of)} %" if self._of else megabytes(self._bytes) if self._bytes else ""
        sys.stderr.write(f"\r\033[K  … {self._doing} {how}")
        sys.stderr.flush()


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1_000_000:,.1f} MB"
