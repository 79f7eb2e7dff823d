"""`leadkeeper up` with a few jobs more, which kill their process: python -m leadkeeper.cli.faults.poisoned.

With `worker` behind it, `leadkeeper worker` with those jobs.
"""

import asyncio
import os
import signal
import sys

from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Outcome

EXITS, IS_KILLED, NEIGHBOUR = "faults_exits", "faults_is_killed", "faults_neighbour"
NEIGHBOUR_SECONDS = 0.2


@job(EXITS, retries=0)
async def exits(ctx: object) -> Outcome:
    """Ends the whole process, as a library that calls `exit` in C would."""
    os._exit(3)


@job(IS_KILLED, retries=0)
async def is_killed(ctx: object) -> Outcome:
    """Ends like a process that has eaten all memory: the kernel kills it."""
    os.kill(os.getpid(), signal.SIGKILL)
    return Done()


@job(NEIGHBOUR, retries=0)
async def neighbour(ctx: object) -> Outcome:
    """In hand while the process dies; not one try may be counted for it."""
    await asyncio.sleep(NEIGHBOUR_SECONDS)
    return Done()


def main(*plans: str) -> int:
    """With a plan the child, else its supervisor, as `leadkeeper up`."""
    if plans == ("worker",):
        from leadkeeper.cli.worker import worker

        worker()
        return 0
    if plans:
        from leadkeeper.cli import child

        return child.main(plans[0])
    from leadkeeper.cli.listening import listen, wanted_address
    from leadkeeper.cli.up import become_parent, one_byte

    return become_parent(listen(*wanted_address()).detach(), one_byte(), quiet=False, demo=False, program=__spec__.name)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
