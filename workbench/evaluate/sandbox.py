"""Running a model's programs: each in a process of its own, limited, and ended with all it began.

Held back are accidents: programs that loop, eat memory, write files, start processes or call out.
Python cannot hold back a program that is written to break out; run those in a container.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import comb
from pathlib import Path
from typing import Any

INSIDE = Path(__file__).with_name("sandboxed.py")


@dataclass(frozen=True)
class Limits:
    """What a program may take.

    ``seconds`` of processor time; HumanEval's authors and ``evaluate``'s ``code_eval`` give 3
    seconds of the clock, which on a busy machine is less. ``wall_seconds`` of the clock end one
    that waits. ``memory_bytes`` of address space, ``file_bytes`` for each file it writes.
    """

    seconds: int = 3
    wall_seconds: float = 20.0
    memory_bytes: int = 1 << 30
    file_bytes: int = 1 << 20
    files: int = 64


LIMITS = Limits()


@dataclass(frozen=True)
class Ended:
    """How a program ended: ``passed``, or ``why`` not."""

    passed: bool
    why: str


def run_program(program: str, limits: Limits = LIMITS) -> Ended:
    """Run a Python program; it passes when its last line is reached without an exception.

    It starts in an empty folder that is removed afterwards, sees no variables of the environment,
    and reads and prints nothing. Processes, the network and changes to other files are refused.
    """
    word = secrets.token_hex(16)
    task = {"program": program, "word": word, **asdict(limits)}
    # A lone surrogate in a model's words is no program; JSON keeps it apart from the pipe's text.
    sent = json.dumps(task).encode("ascii")
    with tempfile.TemporaryDirectory(prefix="program-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            # No variables, no user's packages: the program must not depend on who runs it.
            [sys.executable, "-I", str(INSIDE)],
            cwd=folder,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(sent, timeout=limits.wall_seconds)
        except subprocess.TimeoutExpired:
            return Ended(False, "timed out")
        finally:
            _end(process)
    return _ended(said, word, process.returncode)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and every process of its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.wait()


def _ended(said: bytes, word: str, code: int) -> Ended:
    try:
        report = json.loads(said)
    except ValueError:
        report = None
    if isinstance(report, dict) and report.get("word") == word:
        why = str(report.get("ended"))
        return Ended(why == "passed", why)
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return Ended(False, "timed out")
    if code < 0:
        return Ended(False, f"ended by {signal.Signals(-code).name}")
    return Ended(False, "ended the process")


class CodeEval:
    """Stands in for ``evaluate``'s metric ``code_eval``, by which lm-eval scores programs.

    That one is fetched from the hub and runs programs in forks of this process.
    """

    def compute(
        self, references: list[str], predictions: list[list[str]], k: list[int], **_: Any
    ) -> tuple[dict[str, float], dict[int, list[Ended]]]:
        """``pass@k`` for each ``k``, the mean over problems, and how every program ended.

        ``references`` are tests, ``predictions`` the programs written for each. With ``c`` right
        of ``n``, the chance that one of ``k`` drawn is right is 1 - C(n-c, k) / C(n, k): Chen et
        al. (2021), "Evaluating Large Language Models Trained on Code", eq. 1.
        """
        ends = {
            number: [run_program(f"{program}\n{test}") for program in programs]
            for number, (test, programs) in enumerate(zip(references, predictions, strict=True))
        }
        counts = [(len(each), sum(end.passed for end in each)) for each in ends.values()]
        return {
            f"pass@{draws}": sum(1 - comb(n - c, draws) / comb(n, draws) for n, c in counts)
            / len(counts)
            for draws in k
            if all(n >= draws for n, _ in counts)
        }, ends


@contextmanager
def our_code_eval() -> Iterator[None]:
    """Within, lm-eval's modules that ask for ``code_eval`` are given :class:`CodeEval`."""
    import evaluate

    load = evaluate.load

    def load_ours(path: str, *arguments: Any, **named: Any) -> Any:
        return CodeEval() if path == "code_eval" else load(path, *arguments, **named)

    evaluate.load = load_ours
    try:
        yield
    finally:
        evaluate.load = load
