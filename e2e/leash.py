"""Runs a program so that it ends with whoever started it: `python leash.py <starter's pid> <signal> <program> ...`.

Linux only. The kernel sends the signal when the starter ends, by whatever means, also by SIGKILL; it is asked here, in
the process that then becomes the program. It tells that process alone: children of the program are the program's.
A program with privileges of its own (set-uid, file capabilities) loses the leash when it becomes that.

The trap: what the kernel watches is the *thread* that forked. `program.Process` forks from one that never ends.
Standard library only, and little of it: this comes before each start.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
NOT_THERE = 127
"""The exit status of a program that could not be run, as a shell has it."""


def run(starter: int, number: int, command: list[str]) -> int:
    """Become the command; only when that cannot be does it return, with an exit status."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, number) != 0:
        return _refused("the kernel does not watch for our starter's end", ctypes.get_errno())
    if os.getppid() != starter:  # it ended before the kernel was asked
        return 0
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        return _refused(f"{command[0]} cannot be run", error.errno or 0)


def _refused(what: str, errno: int) -> int:
    sys.stderr.write(f"{what}: {os.strerror(errno)}\n")
    return NOT_THERE


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
