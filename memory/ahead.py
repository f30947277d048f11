"""Items made in a thread of their own, while those before them are used."""

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ahead(Generic[Item]):
    """The items of an iterator, which is begun at once; at most two wait. What it raises is raised here."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._waiting: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(maxsize=2)
        self._closed = threading.Event()
        self._maker = threading.Thread(target=self._make, daemon=True)
        self._maker.start()

    def _make(self) -> None:
        try:
            for item in self._items:
                self._put(item, None)
                if self._closed.is_set():
                    return
            self._put(None, StopIteration())
        except BaseException as error:
            self._put(None, error)

    def _put(self, item: Item | None, error: BaseException | None) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._waiting.put((item, error), timeout=0.1)
                return

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if self._closed.is_set():
            raise StopIteration
        item, error = self._waiting.get()
        if error is not None:
            self._closed.set()
            raise error
        return item  # type: ignore[return-value]

    def close(self) -> None:
        """Stop making items, and wait for the one under way."""
        self._closed.set()
        self._maker.join()
