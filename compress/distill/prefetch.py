"""Batches made one ahead: in a thread, while the model is trained on the one before."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from queue import Queue
from threading import Semaphore, Thread
from typing import Any

import torch

from compress.distill.batches import Batch


def one_ahead(make: Callable[[], Generator[Batch, None, None]], device: torch.device) -> Generator[Batch, None, None]:
    """The batches of `make`, each made while the one before is used.

    On a GPU they are made on a CUDA stream of their own, so that the teacher runs beside the student. What making them
    raises is raised where the batch is asked for. Closing the generator ends the thread once the batch that it makes is
    done.
    """
    thread = _Thread(make, device)
    thread.start()
    try:
        while (made := thread.made.get()) is not None:
            thread.wanted.release()
            if isinstance(made, BaseException):
                raise made
            yield _handed_over(*made)
    finally:
        thread.end()


class _Thread(Thread):
    """Makes a batch for each time that one is wanted, at first one.

    Attributes:
        made: A batch and the event that follows it on its CUDA stream; or what was raised; None after the last one.
    """

    def __init__(self, make: Callable[[], Generator[Batch, None, None]], device: torch.device) -> None:
        super().__init__(name="batches", daemon=True)
        self.made: Queue[tuple[Batch, torch.cuda.Event | None] | BaseException | None] = Queue()
        self.wanted = Semaphore(1)
        self._make, self._device, self._ended = make, device, False
        # CUDA's current device belongs to a thread, and a new one begins with the first.
        self._gpu = torch.cuda.current_device() if device.type == "cuda" else None

    def run(self) -> None:
        try:
            if self._gpu is not None:
                torch.cuda.set_device(self._gpu)
            with closing(self._make()) as batches, _own_stream(self._device) as stream:
                while self._is_wanted() and (batch := next(batches, None)) is not None:
                    self.made.put((batch, None if stream is None else stream.record_event()))
            self.made.put(None)
        except BaseException as error:
            self.made.put(error)

    def end(self) -> None:
        self._ended = True
        self.wanted.release()
        self.join()

    def _is_wanted(self) -> bool:
        self.wanted.acquire()
        return not self._ended


@contextmanager
def _own_stream(device: torch.device) -> Iterator[torch.cuda.Stream | None]:
    """Within it what this thread computes is put on a CUDA stream of its own; on a CPU nothing changes."""
    if device.type != "cuda":
        yield None
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    # What is under way, such as the teacher's weights on their way to the device, comes first.
    stream.wait_stream(torch.cuda.default_stream(device))
    with torch.cuda.stream(stream):
        yield stream


def _handed_over(batch: Batch, event: torch.cuda.Event | None) -> Batch:
    """The batch for the CUDA stream of this thread, which waits until it is made and keeps its memory until then."""
    if event is not None:
        here = torch.cuda.current_stream(batch.boxes.device)
        here.wait_event(event)
        tensors: list[Any] = [batch.template, batch.search, batch.boxes, *batch.maps.values(), *batch.layers.values()]
        for each in tensors:
            each.record_stream(here)
    return batch
