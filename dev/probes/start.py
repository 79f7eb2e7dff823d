"""Load the package with its probes, in this process and in every one it starts.

A hit is one byte of a file that all processes map: nothing has to be written at the end, and a process that is killed
in the middle has already told what it ran.
"""

import fcntl
import marshal
import mmap
import os
from functools import cache
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

FOLDER = "PROBES_OF_LEADKEEPER"
"""The environment variable that names the folder of the hits; where it is not set nothing is planted."""
ROOM = 1 << 20
"""Bytes of the file of hits; the package has about 30,000 probes."""
PACKAGE = Path(__file__).resolve().parent.parent.parent / "leadkeeper"


def begin() -> None:
    """Plant probes in whatever of the package is loaded from now on."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return
    plain = SourceFileLoader.get_code
    inside = f"{PACKAGE}{os.sep}"

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        path = os.path.abspath(self.path)  # noqa: PTH100 - before anything of the program is loaded
        return _planted(Path(path), folder) if path.startswith(inside) else plain(self, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]


def hits(start: int, count: int) -> memoryview:
    """The bytes of one module's probes, shared with every other process."""
    return _all_hits(os.environ[FOLDER])[start : start + count]


def name_of(path: Path, source: bytes) -> str:
    """The file name of a module's hits: another source is another module."""
    return f"{path.relative_to(PACKAGE).with_suffix('').as_posix().replace('/', '.')}-{sha256(source).hexdigest()[:16]}"


def _planted(path: Path, folder: str) -> CodeType:
    """The module's code with its probes, from the folder where another process has been here before."""
    source = path.read_bytes()
    name = name_of(path, source)
    kept = Path(folder) / f"{name}.code"
    try:
        return marshal.loads(kept.read_bytes())  # type: ignore[no-any-return]  # noqa: S302 - written by ourselves below
    except FileNotFoundError:
        code = _compiled(path, source, name, folder)
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_bytes(marshal.dumps(code))
        new.replace(kept)
        return code


def _compiled(path: Path, source: bytes, name: str, folder: str) -> CodeType:
    from dev.probes.plant import HITS, Planted

    planted = Planted(source)
    if planted.facts:
        count = len(planted.facts)
        start = _reserved(Path(folder), name, count)
        planted.begin_with(f"from {__name__} import hits as {HITS}; {HITS} = {HITS}({start}, {count})")
    code: CodeType = compile(planted.tree, str(path), "exec", dont_inherit=True)
    return code


def _reserved(folder: Path, name: str, count: int) -> int:
    """Where the hits of a module begin; the first process to ask takes the next free bytes for all of them."""
    with (folder / "modules").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        taken = modules(file.read())
        if name not in taken:
            taken[name] = range(end := max((each.stop for each in taken.values()), default=0), end + count)
            if end + count > ROOM:
                raise RuntimeError("there are more probes than ROOM")
            file.write(f"{name} {end} {end + count}\n")
        return taken[name].start


def modules(text: str) -> dict[str, range]:
    """The bytes of each module's hits, as the file `modules` lists them."""
    rows = [line.split() for line in text.splitlines()]
    return {name: range(int(start), int(stop)) for name, start, stop in rows}


@cache
def _all_hits(folder: str) -> memoryview:
    with (Path(folder) / "hits").open("ab+") as file:
        os.ftruncate(file.fileno(), ROOM)
        return memoryview(mmap.mmap(file.fileno(), ROOM))
