"""A private PostgreSQL cluster in a temporary folder, run as `postgres` when we are root: for benches, faults and tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from leadkeeper.errors import Misconfigured, Unavailable

FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
}


def find_binaries() -> Path | None:
    """The folder of initdb and postgres, newest version first; None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    folders += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def binaries() -> Path:
    """The same where it must be there. Raises Misconfigured."""
    found = find_binaries()
    if found is None:
        raise Misconfigured("no PostgreSQL here: install it, or name a server in LEADKEEPER_DATABASE_URL")
    return found


class Cluster:
    """One server on loopback. Without `fsync` it forgets when the machine dies and does nothing by itself: for tests.

    `made_from`: a running cluster of which it becomes a standby; `inside`: where its folder is made; `more`: further settings.
    Raises Unavailable when it cannot be made.
    """

    def __init__(
        self,
        binaries: Path,
        *,
        fsync: bool = False,
        made_from: "Cluster | None" = None,
        inside: Path | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="leadkeeper-pg-", dir=inside))
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.folder, self.user)
        self.data = self.folder / "data"
        self.port = _free_port()
        self._settings = {**({} if fsync else FORGETFUL), **(more or {})}
        if made_from is None:
            self.run("initdb", "-D", str(self.data), "-U", "leadkeeper", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
            self.configure({"max_connections": "200"})
        else:
            self.follow(made_from)
        self.start()

    def url(self, database: str = "postgres") -> str:
        """The database's URL, as settings want it."""
        return f"postgresql://leadkeeper@127.0.0.1:{self.port}/{database}"

    def configure(self, more: Mapping[str, str]) -> None:
        """Write the settings for the next start."""
        settings = {"port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder)}
        lines = [f"{name} = '{value}'" for name, value in {**settings, **self._settings, **more}.items()]
        (self.data / "postgresql.auto.conf").write_text("\n".join(lines) + "\n")

    def follow(self, primary: "Cluster") -> None:
        """Become a stopped standby of `primary`; what was here before is gone."""
        shutil.rmtree(self.data, ignore_errors=True)
        origin = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "leadkeeper")
        self.run("pg_basebackup", *origin, "-D", str(self.data), "-X", "stream", "-c", "fast", "--no-sync")
        (self.data / "standby.signal").touch()
        if self.user:
            shutil.chown(self.data / "standby.signal", self.user)
        line = f"host=127.0.0.1 port={primary.port} user=leadkeeper application_name=standby"
        self.configure({"max_connections": "200", "primary_conninfo": line})

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        self.run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "start")

    def halt(self, mode: str) -> None:
        """Stop the server: fast, or immediate, which leaves it to recover at the next start."""
        self.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def promote(self) -> None:
        """Make a standby the primary."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "promote")

    @property
    def pid(self) -> int:
        """The server's first process."""
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def is_dead(self) -> None:
        """The server was killed: the number in its file is nobody's any more."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if (self.data / "postmaster.pid").exists():
            self.halt("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the database's own programs. Raises Unavailable with what it said."""
        command = [str(self.binaries / program), *arguments]
        if self.user:
            command = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups", *command]
        done = subprocess.run(  # noqa: S603 - the database's own programs
            command, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            raise Unavailable(f"{program} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
