"""Room on the disk: below the reserve nothing new is promised, so that what is in hand can be finished."""

import shutil
from pathlib import Path

RESERVE_BYTES = 50_000_000


def free_bytes(folder: Path) -> int:
    """Bytes free where `folder` lies, or where it would be made."""
    absolute = folder.absolute()
    return shutil.disk_usage(next(path for path in (absolute, *absolute.parents) if path.exists())).free
