"""Memory given back between two heavy steps of one process."""

import ctypes
from contextlib import suppress


def release_memory() -> None:
    """Give back what has been freed, before the next step or process needs it; a wish, where there is no glibc."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
