"""Takes turns among the workers of one suite, so that it is not chance which tests run at the same time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import sleep

LOOK_EVERY = 0.001
# Looks until a worker asks whether the one it waits for is stuck, and until it gives up waiting for good: counted and
# not timed, since suites stop clocks. Who gives up has waited for what only the waiting one could let go.
ASK_AFTER, GIVE_UP_AFTER = 150, 20_000


class Baton:
    """A folder in which workers in other processes tell each other whose turn it is; it begins with worker 0.

    Args:
        folder: An empty folder; the same for all.
        count: How many workers there are.

    Example:
        >>> import tempfile
        >>> baton = Baton(Path(tempfile.mkdtemp()), 2)
        >>> baton.give(0)
        >>> baton.is_at(0), baton.is_at(1)
        (False, True)
        >>> baton.leave(1)
        >>> baton.is_at(0)
        True
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count

    def is_at(self, worker: int) -> bool:
        """Whether it is this worker's turn; that of one that is gone is the next one's."""
        if (self._folder / "free").exists():
            return True
        turn = self._turn()
        for _ in range(self._count):
            if (self._folder / f"gone{turn}").exists():
                turn = (turn + 1) % self._count
        return turn == worker

    def give(self, worker: int) -> None:
        """End this worker's turn."""
        half = self._folder / f"half{worker}"
        half.write_text(str((worker + 1) % self._count), encoding="ascii")
        half.replace(self._folder / "turn")

    def leave(self, worker: int) -> None:
        """This worker has ended."""
        (self._folder / f"gone{worker}").touch()

    def wait(self, worker: int, is_stuck: Callable[[], bool] = lambda: False) -> bool:
        """Wait for this worker's turn; False where it must go on, since the worker whose turn it is waits for it.

        Args:
            worker: Who waits.
            is_stuck: Asked now and then whether somebody waits for what this worker holds.
        """
        looks = 0
        while not self.is_at(worker):
            sleep(LOOK_EVERY)
            looks += 1
            if looks % ASK_AFTER == 0 and is_stuck():
                return False
            if looks >= GIVE_UP_AFTER:
                (self._folder / "free").touch()
        return True

    def _turn(self) -> int:
        try:
            return int((self._folder / "turn").read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0
