"""The inside of the sandbox, run as a script: it limits itself, then runs the program it is given.

Only the standard library is imported. What the process takes is limited by the kernel; Landlock (on
Linux) and an audit hook (everywhere) refuse what a program that computes has no use for. The end is
reported on what was stdout, with a word that came with the program, so that a program that ends the
process has not passed.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# unshare(2)
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
# prctl(2) and landlock(7): the system calls have one number on all processors.
PR_SET_NO_NEW_PRIVS = 38
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
#: Removing and making of every kind, by the bits of the first version.
CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))
#: What later versions can forbid besides: moving between folders, cutting a file.
SINCE = {2: 1 << 13, 3: TRUNCATE}

#: Audit events that are refused: processes, the network, the memory of the interpreter.
REFUSED = (
    *("os.fork", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "os.kill"),
    *("subprocess.", "pty.spawn", "socket.", "ctypes."),
)
#: Events that change the file whose path is their argument of that number, and where a folder's
#: descriptor that the path starts from follows.
CHANGES: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.truncate": ((0, None),),
    "os.setxattr": ((0, None),),
    "os.removexattr": ((0, None),),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    """Read the task, run its program, report how it ended."""
    task = json.loads(sys.stdin.buffer.read())
    report = os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    sys.stdin = os.fdopen(0)
    home = str(Path.cwd().resolve())
    limit(task)
    leave_the_network()
    keep_files_as_they_are(home)
    watching = [False]
    sys.addaudithook(guard(home, watching))
    try:
        code = compile(task["program"], "program.py", "exec")
        watching[0] = True
        exec(code, {"__name__": "program"})
    except BaseException as error:  # whatever a program does, it is not ours to raise
        ended = f"{type(error).__name__}: {error}"[:300]
    else:
        ended = "passed"
    watching[0] = False
    report.write(json.dumps({"word": task["word"], "ended": ended}))
    report.flush()
    # Threads that the program left are not waited for, nor is anything that it put at its end.
    os._exit(0)


def limit(task: dict[str, Any]) -> None:
    """Limits of the kernel; those that a system lacks are left out."""
    wanted = {
        "RLIMIT_CPU": (task["seconds"], task["seconds"] + 1),
        "RLIMIT_AS": (task["memory_bytes"],) * 2,
        "RLIMIT_FSIZE": (task["file_bytes"],) * 2,
        "RLIMIT_NOFILE": (task["files"],) * 2,
        "RLIMIT_CORE": (0, 0),
    }
    for name, values in wanted.items():
        try:
            resource.setrlimit(getattr(resource, name), values)
        except (AttributeError, ValueError, OSError):
            continue


def leave_the_network() -> None:
    """Into a network namespace of its own, which has no way out, where the kernel lets us."""
    try:
        ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)
    except (AttributeError, OSError):
        return


def keep_files_as_they_are(home: str) -> None:
    """With Landlock, where the kernel has it: changes to files in ``home`` only, for good."""
    if not sys.platform.startswith("linux"):
        return
    call = ctypes.CDLL(None).syscall
    version = call(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return
    later = [right for since, right in SINCE.items() if version >= since]
    rights = WRITE_FILE | CHANGE_FOLDERS | sum(later)
    ruleset = call(CREATE_RULESET, ctypes.byref(ctypes.c_uint64(rights)), ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return
    for place, allowed in ((home, rights), (os.devnull, rights & (WRITE_FILE | TRUNCATE))):
        folder = os.open(place, os.O_RDONLY)
        rule = allowed.to_bytes(8, sys.byteorder) + folder.to_bytes(4, sys.byteorder)
        call(ADD_RULE, ruleset, 1, rule, 0)
        os.close(folder)
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def guard(home: str, watching: list[bool]) -> Callable[[str, tuple[Any, ...]], None]:
    """The audit hook: no processes, no network, no changes to files outside ``home``."""

    def inside(path: Any, folder: Any = None) -> bool:
        if isinstance(path, int):
            return True  # a file that is open already
        named = os.fsdecode(path)
        if isinstance(folder, int) and folder >= 0 and not named.startswith(os.sep):
            named = f"/proc/self/fd/{folder}/{named}"
        whole = os.path.realpath(named)
        return whole == home or whole.startswith(home + os.sep) or whole == os.devnull

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching[0]:
            return
        refused = event.startswith(REFUSED)
        if event == "open" and arguments[0] is not None:
            mode, flags = arguments[1], arguments[2] or 0
            writes = flags & WRITING or (isinstance(mode, str) and set(mode) & set("wax+"))
            refused = bool(writes) and not inside(arguments[0])
        elif event in CHANGES:
            refused = not all(
                inside(arguments[path], None if folder is None else arguments[folder])
                for path, folder in CHANGES[event]
            )
        if refused:
            raise PermissionError(f"{event} is not allowed here")

    return hook


if __name__ == "__main__":
    main()
