"""`python -m leadkeeper` is the command `leadkeeper`."""

import os
import sys

# Without byte-code every start compiles everything anew and takes twice as long: too long after a crash.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from leadkeeper.cli.main import main  # noqa: E402 - what follows is what should be kept compiled

if __name__ == "__main__":
    main()
