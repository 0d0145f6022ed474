"""Files that hold one secret key: 32 bytes in base64, readable by their owner only, made whole or not at all."""

import base64
import os
import tempfile
from pathlib import Path


def make_key_file(path: Path, key: bytes) -> None:
    """Put a new key in place unless there is one; of two processes that try, one wins and both read the same."""
    if path.exists():
        return
    descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        os.write(descriptor, base64.b64encode(key) + b"\n")
        os.fsync(descriptor)
        os.link(made, path)
    except FileExistsError:
        return
    finally:
        os.close(descriptor)
        os.unlink(made)  # noqa: PTH108 - mkstemp speaks strings
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
