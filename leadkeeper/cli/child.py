"""The child of `leadkeeper up`: `python -m leadkeeper.cli.child <plan as JSON>`.

It is not a command of the CLI: it starts without what draws terminals, and may be started again at any time.
"""

import array
import fcntl
import gc
import json
import logging
import os
import socket
import sys
import termios
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from leadkeeper import clock
from leadkeeper.cli.serve import serve
from leadkeeper.errors import Damaged, LeadkeeperError, Misconfigured, SchemaMismatch, Unavailable
from leadkeeper.worker import spare
from leadkeeper.worker.boot import Boot, watch_supervisor
from leadkeeper.worker.supervisor import GIVE_UP, TRY_LATER

if TYPE_CHECKING:
    from leadkeeper.cli.parts import Parts, Step
    from leadkeeper.config import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the child does. `listener` is the number of the inherited listening socket.

    `once` is the reading end of a pipe that holds one byte: the first child takes it and announces the
    start; one that is started again finds the pipe empty and keeps quiet.
    """

    listener: int
    once: int
    quiet: bool = False
    demo: bool = False


def main(text: str) -> int:
    """Serve until told to stop; returns the exit code.

    What goes wrong before the start was ever announced is told and ends everything; later, a fault is
    the supervisor's to mend by another try. A database that does not answer is waited for at any time.
    """
    plan = Plan(**json.loads(text))
    gc.disable()  # loading leaves next to no garbage: looking for it takes a tenth of the start
    if spare.is_this_process():
        _load_what_takes_longest()
        if not spare.comes_to_its_turn():
            return 0
    watch_supervisor(Boot.of_this_process())
    try:
        _serve(plan)
    except Damaged as error:
        _note(error)
        return _failed(plan, error.message, final=True)
    except Unavailable as error:
        _note(error)
        sys.stderr.write(f"✗ {error.message}\n  Trying again until it answers. Ctrl+C ends that.\n")
        return TRY_LATER
    except LeadkeeperError as error:
        _note(error)
        return _failed(plan, error.message, final=isinstance(error, Misconfigured | SchemaMismatch))
    except Exception as error:
        _note(error)
        return _failed(plan, f"{type(error).__name__}: {error}. This is a fault of the program.", final=False)
    return 0


def _load_what_takes_longest() -> None:
    """A quarter of the time of a start, for little memory; what else it loads is not worth its memory (docs/decisions/0022)."""
    import_module("fastapi")


def _note(error: Exception) -> None:
    """Into the log, if it was set up; before that the sentence on the terminal is all there is."""
    if logging.getLogger().handlers:
        log.critical("the program ends", exc_info=error)


def _failed(plan: Plan, message: str, *, final: bool) -> int:
    if not _unannounced(plan) and not final:
        return 1
    sys.stderr.write(f"✗ {message}\n")
    if final:
        return GIVE_UP  # the sentence says what to do: the log would only hide it
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            sys.stderr.write(f"  The log, {handler.baseFilename}, ends with:\n")
            sys.stderr.writelines(f"    {line}\n" for line in Path(handler.baseFilename).read_text("utf-8").splitlines()[-5:])
    return GIVE_UP


def _unannounced(plan: Plan) -> bool:
    """True while the byte is in the pipe."""
    waiting = array.array("i", [0])
    fcntl.ioctl(plan.once, termios.FIONREAD, waiting)
    return waiting[0] > 0


def _serve(plan: Plan) -> None:
    """Serve on the inherited socket; everything heavy is imported behind the open door."""
    listener = socket.socket(fileno=plan.listener)
    serve(listener, lambda: _load(plan, listener.getsockname()[1]), lambda parts: _announce(plan, parts))


def _load(plan: Plan, port: int) -> "Parts":
    from leadkeeper import config, logs
    from leadkeeper.cli.parts import Parts
    from leadkeeper.store import folder

    settings = config.load().model_copy(update={"port": port})
    folder.ensure(settings.data_dir)
    logs.set_up(settings.log_format, _log_file(settings) if plan.quiet else None)
    step = _steps(plan)
    parts = Parts.load(settings, web=True, worker=True, upgrade=True, demo=plan.demo, step=step)
    step("web server and worker loaded")
    return parts


def _steps(plan: Plan) -> "Step":
    """Prints each step with its seconds, where a person sits at the terminal and the log goes elsewhere."""
    began = clock.monotonic()

    def step(name: str) -> None:
        nonlocal began
        if plan.quiet and _unannounced(plan):
            sys.stdout.write(f"  ✓ {name:<44} {clock.monotonic() - began:6.1f} s\n")
            sys.stdout.flush()
        began = clock.monotonic()

    return step


def _log_file(settings: "Settings") -> Path:
    return settings.data_dir / "leadkeeper.log"


def _announce(plan: Plan, parts: "Parts") -> None:
    """Tell the person at the terminal, at the first start only."""
    from leadkeeper.access import login
    from leadkeeper.access.setup_links import VALID_FOR
    from leadkeeper.cli import announce

    if not _unannounced(plan):
        return
    token = login.invite(parts.db)
    os.read(plan.once, 1)
    link = token and f"{parts.settings.origin}/setup?token={token}"
    log_file = str(_log_file(parts.settings)) if plan.quiet else None
    sys.stdout.write(announce.started(parts.settings.origin, link, VALID_FOR, log_file, plan.demo) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
