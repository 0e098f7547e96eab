"""The command line: quick, and every failure told as text with its exit code."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import app
from workbench.cli.app import VERBS, invoke
from workbench.errors import Problem, StepFailed, UserError, Where


def test_help_lists_every_verb_in_half_a_second(timed: Callable[..., Any]) -> None:
    times = []
    for _ in range(3):
        done, seconds = timed(["-m", "workbench", "--help"])
        assert done.returncode == 0
        times.append(seconds)
    for verb, line in VERBS.items():
        assert verb in done.stdout and line.split()[0] in done.stdout
    assert min(times) < 0.5


@pytest.mark.parametrize("arguments", [["--help"], *([verb, "--help"] for verb in VERBS)])
def test_help_imports_nothing_heavy(
    without_heavy: Callable[[list[str]], float], arguments: list[str]
) -> None:
    without_heavy(arguments)


def test_words_that_are_no_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["rnu"]) == 2
    assert "Did you mean 'run'?" in capsys.readouterr().err
    assert invoke(["check"]) == 2  # no recipe
    assert invoke(["check", "x.yaml", "--hme", "."]) == 2
    assert "--home" in capsys.readouterr().err
    assert invoke([]) == 2
    assert invoke(["--version"]) == 0


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[BaseException], int]]:
    """``verb(error)`` is the exit code of a command that raises ``error``."""

    def run(error: BaseException) -> int:
        def probe() -> None:
            """A verb of this test."""
            raise error

        module = types.ModuleType("workbench.cli.probe")
        module.probe = probe  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "workbench.cli.probe", module)
        monkeypatch.setitem(app.VERBS, "probe", "A verb of this test.")
        return invoke(["probe"])

    yield run


def test_a_users_mistake_is_told_in_full(
    verb: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    place = Where("r.yaml", 3, 5)
    problems = [
        Problem("unknown key 'lora_rr'", "no such key", "did you mean lora_r?", place),
        Problem("[bold]not markup[/bold] :smile: \x1b[31mred\x1b[0m \u202e", remedy="[/]"),
    ]
    assert verb(UserError(problems)) == 2
    told = capsys.readouterr().err
    assert "r.yaml:3:5: unknown key 'lora_rr'" in told
    assert "why: no such key" in told and "fix: did you mean lora_r?" in told
    assert "[bold]not markup[/bold] :smile:" in told and "fix: [/]" in told
    assert "\x1b" not in told and "\u202e" not in told
    assert "2 problems" in told and "Traceback" not in told


def test_other_exit_codes(
    verb: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb(StepFailed(Problem("it broke"))) == 1
    assert verb(KeyboardInterrupt()) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert verb(SystemExit(7)) == 7
    assert verb(OSError(errno.ENOSPC, "No space left on device", "/home/x/file")) == 1
    told = capsys.readouterr().err
    assert "/home/x/file" in told and "disk is full" in told and "--home" in told
    assert verb(UserError(Problem(f"fact {i}") for i in range(300))) == 2
    told = capsys.readouterr().err
    assert told.count("fact ") == 50 and "300 problems" in told


def test_what_nobody_foresaw_is_short_and_kept(
    verb: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert verb(ZeroDivisionError("so many\nlines")) == 1
    told = capsys.readouterr().err
    assert "ZeroDivisionError: so many" in told and "Traceback" not in told
    (kept,) = tmp_path.glob("workbench-traceback-*.txt")
    assert str(kept) in told
    assert "Traceback" in kept.read_text(encoding="utf-8")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert verb(ZeroDivisionError("x")) == 1
    assert "Traceback" in capsys.readouterr().err  # nowhere to keep it


def test_ctrl_c_reaches_the_shell_as_130() -> None:
    code = (
        "import sys, types, time; from workbench.cli import app\n"
        "m = types.ModuleType('workbench.cli.probe'); sys.modules[m.__name__] = m\n"
        "def probe() -> None:\n    print('on', flush=True); time.sleep(30)\n"
        "m.probe = probe; app.VERBS['probe'] = 'x'\n"
        "sys.argv = ['workbench', 'probe']; app.main()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "goes on from there" in told and "Traceback" not in told


def test_ctrl_c_within_exec_of_a_text_is_130_too(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(
        "import sys\n"
        "from workbench.cli.failure import tell_interrupt\n"
        "try:\n"
        "    exec('raise KeyboardInterrupt')\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(tell_interrupt())\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "interrupted"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 130 and "interrupted" in told.stderr


def test_a_reader_that_leaves_is_no_failure_to_tell() -> None:
    read, write = os.pipe()
    os.close(read)
    child = subprocess.run(
        [sys.executable, "-m", "workbench", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert "Traceback" not in child.stderr and "BrokenPipe" not in child.stderr
