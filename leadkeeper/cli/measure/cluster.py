"""A private PostgreSQL cluster in a temporary folder, run as `postgres` when we are root: for benches and tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from leadkeeper.errors import Unavailable


def find_binaries() -> Path | None:
    """The folder of initdb and postgres, newest version first; None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    folders += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


class Cluster:
    """One running server on loopback. Without `fsync` it forgets when the machine dies and does nothing by itself: for tests.

    Raises Unavailable when it cannot be made.
    """

    def __init__(self, binaries: Path, *, fsync: bool = False) -> None:
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="leadkeeper-pg-"))
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.folder, self.user)
        self.port = _free_port()
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "leadkeeper", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            "max_connections=200",
        ]
        if not fsync:
            settings += ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "checkpoint_timeout=1h"]
        (self.folder / "data" / "postgresql.auto.conf").write_text("\n".join(_quoted(line) for line in settings) + "\n")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "start")

    def url(self, database: str = "postgres") -> str:
        """The database's URL, as settings want it."""
        return f"postgresql://leadkeeper@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        if self.user:
            command = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups", *command]
        done = subprocess.run(  # noqa: S603 - the database's own programs
            command, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            raise Unavailable(f"{program} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _quoted(setting: str) -> str:
    name, value = setting.split("=", 1)
    return f"{name} = '{value}'"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
