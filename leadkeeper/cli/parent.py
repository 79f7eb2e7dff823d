"""What `leadkeeper up` becomes: the small parent, `python -m leadkeeper.cli.parent <files to keep> <command>...`.

It is a program of its own so that what the command line had loaded is gone from memory.
"""

import sys

from leadkeeper.worker.supervisor import supervise


def main(kept: str, *command: str) -> int:
    """Supervise the command; `kept` names open files its child inherits, separated by commas."""
    return supervise(command, keep=[int(number) for number in kept.split(",")])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
