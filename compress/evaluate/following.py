"""Sequences followed to their ends, one after the other or several in step with one another."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Items
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from compress.core import CompressError, ExecutionPath
from compress.core.phases import phase
from compress.data import Sequence
from compress.geometry import (
    AnyNetwork,
    AnySettings,
    BatchNetwork,
    CascadeNetwork,
    Network,
    NetworkOutput,
    frame_tracker,
)


@dataclass
class Run:
    """One sequence as it was followed from its first true box on.

    Attributes:
        boxes: (n, 4) x, y, w, h; the first row is the true box, rows of frames to come are zero.
        times: (n,) seconds that the frame loop took for each frame, without reading the image; of the network on
            several frames at once each has an equal share.
        size: The first frame's (width, height).
        renewals: How often a template was renewed.
        paths: How many of the tracked frames took each path through an adaptive tracker.
        batch, workers: Sequences that a process followed at once, and processes that did; above 1, times are not those
            of a tracker that has the machine to itself.
    """

    boxes: NDArray[np.float64]
    times: NDArray[np.float64]
    size: tuple[int, int] = (0, 0)
    renewals: int = 0
    paths: Counter[ExecutionPath] = field(default_factory=Counter)
    batch: int = 1
    workers: int = 1

    @classmethod
    def begin(cls, sequence: Sequence) -> Run:
        """Of a sequence that is to be followed."""
        boxes = np.zeros((len(sequence), 4))
        boxes[0] = sequence.boxes[0]
        return cls(boxes, np.zeros(len(sequence)))


class _Follower:
    """Follows one sequence frame by frame, and notes down in its run what it finds."""

    def __init__(self, network: AnyNetwork, settings: AnySettings, index: int, sequence: Sequence) -> None:
        self.tracker = frame_tracker(network, settings)
        self.index, self.run = index, Run.begin(sequence)
        self._sequence, self._done = sequence, 0
        self._frame: NDArray[np.uint8] = np.zeros((0, 0, 3), dtype=np.uint8)

    def __bool__(self) -> bool:
        """Whether frames are left."""
        return self._done < len(self._sequence)

    def start(self) -> None:
        """Take the object of the first frame as the one to follow."""
        self.read()
        self.run.size = (self._frame.shape[1], self._frame.shape[0])
        with self._timed():
            self.tracker.start(self._frame, self.run.boxes[0])
        self._done = 1

    def read(self) -> None:
        """The next frame."""
        with self._named(), phase("drawing or reading frames"):
            self._frame = self._sequence.frame(self._done)

    def crop(self) -> NDArray[np.float32]:
        """The (1, 3, S, S) search crop of the frame, for the network that is asked next."""
        with self._timed():
            return self.tracker.crop(self._frame)

    def take(self, answer: NetworkOutput, seconds: float) -> bool:
        """Go on to where the network, which took so many seconds for it, finds the object in the last crop.

        False where a second network is to be asked about the same frame.
        """
        with self._timed():
            found = self.tracker.take(self._frame, answer)
        self.run.times[self._done] += seconds
        if found is None:
            return False
        self.run.boxes[self._done] = found.box
        self.run.renewals += found.renewed
        self.run.paths.update([] if found.path is None else [found.path])
        self._done += 1
        return True

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begin = perf_counter()
        with self._named():
            yield
        self.run.times[self._done] += perf_counter() - begin

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except CompressError as error:
            raise type(error)(f"Sequence {self._sequence.name}, frame {self._done + 1}: {error}") from error


def can_batch(network: AnyNetwork) -> bool:
    """Whether it runs several frames at once, see `BatchNetwork`; of a cascade whether both networks do."""
    if isinstance(network, CascadeNetwork):
        return can_batch(network.fast) and can_batch(network.accurate)
    return callable(getattr(network, "track_batch", None)) and callable(getattr(network, "join_memories", None))


def follow(
    network: AnyNetwork, settings: AnySettings, sequences: Items[Sequence], batch: int, step: Callable[[], None]
) -> Iterator[tuple[int, Run]]:
    """Follow the object of every sequence to its end, `batch` of them at a time.

    Args:
        batch: Where one of them ends the next one begins; above 1 of a `BatchNetwork` only.
        step: Called after each frame.

    Yields:
        The index of a sequence and its run, as each ends.
    """
    waiting = deque(enumerate(sequences))
    if batch > 1:  # The longest first, so that few are left to be followed by themselves at the end.
        waiting = deque(sorted(waiting, key=lambda each: -len(each[1])))
    active: list[_Follower] = []
    networks = [_Together(each) for each in _networks(network)]
    while waiting or active:
        while waiting and len(active) < batch:
            active.append(_Follower(network, settings, *waiting.popleft()))
            active[-1].start()
            step()
        ended, active = _parted(active)
        yield from ended
        for follower in active:
            follower.read()
        asking = active
        for track in networks:
            asking = track(asking)
        for _ in active:
            step()
        ended, active = _parted(active)
        yield from ended


def _parted(followers: list[_Follower]) -> tuple[list[tuple[int, Run]], list[_Follower]]:
    """Index and run of those that have ended; and those that have frames left."""
    return [(each.index, each.run) for each in followers if not each], [each for each in followers if each]


def _networks(network: AnyNetwork) -> tuple[Network, ...]:
    """In the order in which they are asked about a frame."""
    return (network.fast, network.accurate) if isinstance(network, CascadeNetwork) else (network,)


class _Together:
    """A network on the next frame of each of several sequences."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._memories: list[Any] = []
        self._joined: Any = None

    def __call__(self, followers: list[_Follower]) -> list[_Follower]:
        """Those whose frame the next network is to be asked about."""
        if not followers:
            return []
        crops = [each.crop() for each in followers]
        begin = perf_counter()
        answers = self._answers(crops, [each.tracker.memory for each in followers])
        seconds = (perf_counter() - begin) / len(followers)
        pairs = zip(followers, answers, strict=True)
        return [follower for follower, answer in pairs if not follower.take(answer, seconds)]

    def _answers(self, crops: list[NDArray[np.float32]], memories: list[Any]) -> list[NetworkOutput]:
        if len(crops) == 1:
            return [self._network.track(crops[0], memories[0])]
        network = cast(BatchNetwork, self._network)
        if list(map(id, memories)) != list(map(id, self._memories)):
            self._memories, self._joined = memories, network.join_memories(memories)
        return network.track_batch(np.concatenate(crops), self._joined)
