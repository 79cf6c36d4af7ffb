"""A process that has loaded a suite and is forked for each run of it, so that no run loads it again.

What makes the fork see another world than a fresh process is found out first: open files and sockets, threads, and
processes of the suite's own. Such a suite goes on as a run of its own, and is never forked.

A run can be a rehearsal: where it has left nothing of that kind behind, its process stays to be forked in place of the
one that it was forked from, and whatever is slow the first time is done.
"""

from __future__ import annotations

import contextlib
import gc
import json
import marshal
import os
import random
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from course.engine.sink import Sink

GO_ON = b"go on"
# A zygote that nobody asks for anything ends, in seconds
IDLE_SECONDS = 30.0
Functions = dict[tuple[str, str, int], list[FunctionType]]


class Zygote:
    """The loaded process; `next_run` returns in a process that is to run the tests.

    Args:
        channel: Takes `GO_ON`, or the path to an order and three descriptors, for events, output and status.
        order: The order that the suite is loaded by.
        sink: Where events go.

    Attributes:
        is_forked: This process is a fork, made for one run.
    """

    def __init__(self, channel: int, order: dict[str, Any], sink: Sink) -> None:
        self._channel = socket.socket(fileno=channel)
        self._channel.settimeout(IDLE_SECONDS)
        self._order = order
        self._sink = sink
        self._descriptors = open_descriptors()
        self._status = -1
        self._surroundings: tuple[dict[str, str], str] = ({}, "")
        self._modules: Mapping[str, ModuleType] = {}
        self._functions: Functions = {}
        self.is_forked = False

    def next_run(self) -> dict[str, Any]:
        """Say that all is loaded, and fork for each order that comes; the order, in the new process."""
        self._look_around()
        self._sink.send({"event": "loaded", "flaw": self._flaw(), "files": sorted(self._modules)})
        return self._fork_for_orders()

    def stay(self) -> dict[str, Any] | None:
        """After a rehearsal, take the place of the process that this one is a fork of.

        Returns:
            The order, in a new process for each that comes; None where this process must not be forked.
        """
        if self._flaw() or self._surroundings != (dict(os.environ), str(Path.cwd())):
            return None
        self._look_around()
        self._sink.send({"event": "loaded", "flaw": "", "files": sorted(self._modules)})
        self._sink.close()
        nothing = os.open(os.devnull, os.O_WRONLY)
        for target in (1, 2):
            os.dup2(nothing, target)
        os.close(nothing)
        os.write(self._status, b"exit 0\n")
        os.close(self._status)
        os.kill(os.getpid(), signal.SIGSTOP)  # tells the other process, which has us go on
        return self._fork_for_orders()

    def _look_around(self) -> None:
        """Find what may be swapped, and have later collections of garbage leave alone what is there."""
        self._modules = program_modules(Path(self._order["tree"]))
        for key, functions in functions_of(self._order["tree"]).items():
            self._functions.setdefault(key, []).extend(functions)
        gc.collect()
        gc.freeze()

    def _fork_for_orders(self) -> dict[str, Any]:
        while True:
            path, descriptors = self._receive()
            if path == GO_ON:
                return self._order
            order: dict[str, Any] = json.loads(Path(path.decode()).read_text(encoding="utf-8"))
            pid = os.fork()
            if pid == 0:
                return self._become_run(order, descriptors)
            wait_for(pid, descriptors, may_stay=order["stay"])

    def _receive(self) -> tuple[bytes, list[int]]:
        try:
            path, descriptors, _, _ = socket.recv_fds(self._channel, 4096, 3)
        except OSError:
            path = b""
        if not path:
            os._exit(0)
        return path, descriptors

    @contextlib.contextmanager
    def swapped(self, path: str) -> Iterator[bool]:
        """Meanwhile the program is what a swap makes of it, itself where there is no path; whether all was found."""
        functions = [function for found in self._functions.values() for function in found] if path else []
        before = [(function, function.__code__) for function in functions]
        is_whole = not path or swap_code(Path(path), self._modules, self._functions)
        try:
            yield is_whole
        finally:
            for function, code in before:
                function.__code__ = code

    def _become_run(self, order: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        self.is_forked = True
        events, output, self._status = descriptors
        if not order["stay"]:
            self._channel.close()
            os.close(self._status)
        die_with_parent(reaps=order["stay"])
        for target in (1, 2):
            os.dup2(output, target)
        os.close(output)
        self._sink.redirect(events)
        random.seed()
        os.environ.update(order["environment"])
        move_program(self._order["tree"], order["tree"], self._modules.values())
        if order["swap"] and not swap_code(Path(order["swap"]), self._modules, self._functions):
            self._sink.send({"event": "unswapped"})
            os._exit(0)
        self._descriptors = open_descriptors()
        self._surroundings = (dict(os.environ), str(Path.cwd()))
        return order

    def _flaw(self) -> str:
        """What a fork would not have for itself; empty where there is nothing."""
        if open_descriptors() - self._descriptors:
            return "the suite holds files or connections open when it is loaded"
        if threading.active_count() > 1 or len(list(Path("/proc/self/task").iterdir())) > 1:
            return "the suite starts threads when it is loaded"
        if Path(f"/proc/self/task/{os.getpid()}/children").read_text():
            return "the suite starts processes when it is loaded"
        return ""


def open_descriptors() -> frozenset[int]:
    """Open file descriptors of this process, but for those that lead nowhere, as one of pytest's does."""
    return frozenset(number for path in Path("/proc/self/fd").iterdir() if leads_somewhere(number := int(path.name)))


def leads_somewhere(descriptor: int) -> bool:
    try:
        return not os.path.samestat(os.fstat(descriptor), Path(os.devnull).stat())
    except OSError:  # it is closed by now: it was that of the folder
        return False


def program_modules(tree: Path) -> dict[str, ModuleType]:
    """The loaded modules below a folder, by path relative to it."""
    below = f"{tree}{os.sep}"
    return {
        file.removeprefix(below): module
        for module in list(sys.modules.values())
        if isinstance(file := getattr(module, "__file__", None), str) and file.startswith(below)
    }


def functions_of(tree: str) -> Functions:
    """The functions whose code stands in files below a folder, by file, qualified name and first line.

    What is frozen already, see `gc.freeze`, is not found again.
    """
    below = f"{tree}{os.sep}"
    result: dict[tuple[str, str, int], list[FunctionType]] = {}
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename.startswith(below):
            code = each.__code__
            key = (code.co_filename.removeprefix(below), code.co_qualname, code.co_firstlineno)
            result.setdefault(key, []).append(each)
    return result


def move_program(old: str, new: str, modules: Iterable[ModuleType]) -> None:
    """Have what is imported, or imported again, from now on come from another folder."""
    sys.path[:] = [new if entry == old else entry for entry in sys.path]
    for module in modules:
        if hasattr(module, "__path__"):
            module.__path__ = [new + entry.removeprefix(old) for entry in module.__path__]
    sys.path_importer_cache.clear()


def swap_code(path: Path, modules: Mapping[str, ModuleType], functions: Functions) -> bool:
    """Give functions of loaded modules other code; whether all that had to be found was found.

    Args:
        path: A file with what `course.engine.swap.Swap` holds, as `marshal` writes it.
        modules: As `program_modules` gives them.
        functions: As `functions_of` gives them.
    """
    new, required, imports = marshal.loads(path.read_bytes())  # noqa: S302 - written by the prover
    for file, text in imports:
        if file in modules:
            exec(text, vars(modules[file]))  # noqa: S102 - an import of the program's
    for file, name, line, code in new:
        found = functions.get((file, name, line), [])
        if file in modules and not found and (file, name, line) in required:
            return False
        for function in found:
            function.__code__ = code
    return True


def wait_for(pid: int, descriptors: list[int], *, may_stay: bool = False) -> None:
    """Wait for a run, end what it leaves behind, and tell of its end; one that stays stops once, and has told it."""
    events, output, status = descriptors
    os.close(events)
    os.close(output)
    _, code = os.waitpid(pid, os.WUNTRACED if may_stay else 0)
    if os.WIFSTOPPED(code):
        os.close(status)
        os.kill(pid, signal.SIGCONT)
        os.waitpid(pid, 0)
        end_children()
        return
    end_children()
    with contextlib.suppress(BrokenPipeError):
        os.write(status, f"exit {os.waitstatus_to_exitcode(code)}\n".encode())
    os.close(status)


def end_children() -> None:
    """Kill and reap until there are no children; what they leave behind becomes a child of this process, too."""
    from course.engine.forkserver import kill_children  # noqa: PLC0415 - that module runs this one

    while True:
        kill_children()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def die_with_parent(*, reaps: bool) -> None:
    """Have the system kill this process when its parent is gone, and hand it the orphans below it if it is to reap."""
    from course.engine.forkserver import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl  # noqa: PLC0415 - as above

    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if reaps:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
