"""`leadkeeper up`: everything in one process tree."""

import json
import os
import sys
from typing import Annotated, NoReturn

import typer


def up(
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Write the log to <data>/leadkeeper.log instead of the terminal.")
    ] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Load an example business with customers who write.")] = False,
) -> None:
    """Migrate, then run the web server and the worker until Ctrl+C.

    Example: LEADKEEPER_PORT=8080 leadkeeper up
    """
    from leadkeeper.cli.listening import listen, wanted_address

    become_parent(listen(*wanted_address()).detach(), one_byte(), quiet=quiet, demo=demo)


def one_byte() -> int:
    """The reading end of a pipe that holds one byte: whoever takes it announces the start."""
    reading, writing = os.pipe()
    os.write(writing, b"1")
    os.close(writing)
    return reading


def become_parent(listener: int, once: int, *, quiet: bool, demo: bool, program: str = "leadkeeper.cli.child") -> NoReturn:
    """Turn this process into the supervisor of `program`; the socket stays open through everything that follows."""
    for number in (listener, once):
        os.set_inheritable(number, True)
    plan = json.dumps({"listener": listener, "once": once, "quiet": quiet, "demo": demo})
    child = (sys.executable, "-m", program, plan)
    os.execv(sys.executable, [sys.executable, "-m", "leadkeeper.cli.parent", f"{listener},{once}", *child])  # noqa: S606
