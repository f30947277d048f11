"""How far a piece of work has come, told to whoever watches it, who may also stop it.

The watch is found through a context variable, so that no tool hands it on: `with watched(Watch(tell)): ...`.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from .errors import Stopped

Tell = Callable[[str, int, int | None], None]
"""What is being done, how much of it is done, and how much there is where that is known."""


def _nobody(what: str, done: int, total: int | None) -> None:
    pass


class Watch:
    """Hears of the work through `tell`; `stop`, from any thread, ends it with `Stopped`."""

    def __init__(self, tell: Tell = _nobody) -> None:
        self.tell = tell
        self.stopped = False
        self._ways: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End the work: its loops at their next step, its child processes now."""
        with self._lock:
            self.stopped = True
            ways = list(self._ways)
        for way in ways:
            way()

    @contextlib.contextmanager
    def ends_by(self, way: Callable[[], None]) -> Iterator[None]:
        """Within it, a stop also calls `way`."""
        with self._lock:
            self._ways.append(way)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._ways.remove(way)

    def check(self) -> None:
        """Raises `Stopped` where the work was to end."""
        if self.stopped:
            raise Stopped("The work was stopped before its end", "Ask again to start it anew")


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextlib.contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """What runs within is told to `watch` and ends when it says so."""
    before = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(before)


@contextlib.contextmanager
def ends_as_stopped() -> Iterator[None]:
    """What fails within because it was stopped (a killed child, a closed pipe) raises `Stopped` and nothing else."""
    watch = _watch.get() or Watch()
    try:
        yield
    except Exception:
        watch.check()
        raise
    watch.check()


def tell(what: str, done: int, total: int | None = None) -> None:
    """Say how far the work is. Raises `Stopped` where it was to end."""
    if watch := _watch.get():
        watch.check()
        watch.tell(what, done, total)


@contextlib.contextmanager
def ends_by(way: Callable[[], None]) -> Iterator[None]:
    """Within it, a stop also calls `way`, such as the killing of a process that is waited for."""
    watch = _watch.get()
    with watch.ends_by(way) if watch else contextlib.nullcontext():
        yield
