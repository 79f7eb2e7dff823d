"""A worker of no-op jobs in a process of its own, until its standard input ends.

Example: python -m leadkeeper.cli.measure.working postgresql://... /tmp/folder
"""

import sys
from pathlib import Path

from leadkeeper.cli.measure.plain_worker import plain_worker
from leadkeeper.queue.handlers import job_types
from leadkeeper.store.database import Database


def main(url: str, folder: str) -> None:
    """Work; a line on standard output says that it has arrived."""
    db = Database(url)
    try:
        with plain_worker(db, Path(folder), noted=False) as (worker, _):
            job_types.load()
            worker.start()
            if worker.wait_until_arrived(60):
                print("arrived", flush=True)
            sys.stdin.read()
    finally:
        db.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
