"""A small process between the course and a server, which ends the server when the course ends, even by `kill -9`.

It runs as a script, `python -I -S supervisor.py LIMIT FOLDER SIGNAL UID GID COMMAND…`, on the lightest modules, since
it lives as long as the server. The course holds the other end of its standard input, and closes it to stop the server.
The server's output goes to `FOLDER/server.log`, and takes twice LIMIT bytes at most. (Windows has no `fork`.)
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time

PATIENCE = 5.0  # seconds for a server to stop when asked; after that it is killed


def main(limit: str, folder: str, stop_signal: str, uid: str, gid: str, *command: str) -> None:
    """Start the server, print its process number, wait for the end of standard input, stop it, remove the folder."""
    output, server_side = os.pipe()
    pid = _start(command, server_side, int(uid), int(gid))
    os.close(server_side)
    signal.signal(signal.SIGCHLD, lambda *_: _has_ended(pid))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the kernel
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _thread.start_new_thread(_keep_log, (output, f"{folder}/server.log", int(limit)))
    try:
        _say(f"{pid}\n")
        _has_ended(pid)
        while os.read(0, 100):
            pass
    finally:
        _stop(pid, int(stop_signal))
        _remove(folder)


def _start(command: tuple[str, ...], output: int, uid: int, gid: int) -> int:
    """Start the command, as another user where `uid` is not negative; what it writes goes to `output`."""
    pid = os.fork()
    if pid == 0:
        try:
            _become(command, output, uid, gid)
        finally:
            os._exit(127)
    return pid


def _become(command: tuple[str, ...], output: int, uid: int, gid: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.chdir("/")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def _say(text: str) -> None:
    try:
        os.write(1, text.encode())
    except OSError:
        pass  # the course is gone already: the next read sees it


def _has_ended(pid: int) -> bool:
    """Whether the server has ended; it is reaped at once."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _stop(pid: int, stop_signal: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for number in (stop_signal, signal.SIGKILL):
        if _has_ended(pid):
            return
        os.kill(pid, number)
        _wait(pid)


def _wait(pid: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not _has_ended(pid):
        time.sleep(0.005)


def _keep_log(source: int, path: str, limit: int) -> None:
    """Copy the server's output into the log; at `limit` bytes the log becomes `server.log.1` and starts anew."""
    try:
        log, size = _open_log(path), 0
        while chunk := os.read(source, 65536):
            if size + len(chunk) > limit:
                os.close(log)
                os.replace(path, f"{path}.1")
                log, size = _open_log(path), 0
            size += os.write(log, chunk)
    except OSError:  # the disk is full or the folder is gone: go on reading, or the server would wait for us
        while os.read(source, 65536):
            pass


def _open_log(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def _remove(folder: str) -> None:
    import shutil  # only now, here and below: this process mostly waits

    remove_segment(f"{folder}/data/postmaster.pid")
    shutil.rmtree(folder, ignore_errors=True)


def remove_segment(note: str) -> None:
    """Remove the System V segment of a killed PostgreSQL: the last word of the seventh line of `postmaster.pid`."""
    try:
        with open(note, encoding="utf-8") as lines:
            number = lines.read().splitlines()[6].split()[-1]
        if not _is_attached(number):
            import ctypes

            ctypes.CDLL(None).shmctl(int(number), 0, None)  # 0 is IPC_RMID
    except (OSError, ValueError, IndexError, AttributeError):
        pass  # no note, or no such memory on this system


def _is_attached(number: str) -> bool:
    """Whether a process uses the segment; False where the system does not tell."""
    try:
        with open("/proc/sysvipc/shm", encoding="ascii") as lines:
            table = [line.split() for line in lines]
    except OSError:
        return False
    return any(row[1] == number and row[6] != "0" for row in table[1:])


if __name__ == "__main__":
    main(*sys.argv[1:])
