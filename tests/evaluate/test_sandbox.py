"""Programs of every kind of mischief, run for real: each ends, is told apart and leaves nothing."""

from __future__ import annotations

import ctypes
import subprocess
import time
from pathlib import Path

import pytest

from workbench.evaluate.sandbox import CodeEval, Limits, run_program

QUICK = Limits(seconds=1, wall_seconds=2.5, memory_bytes=256 << 20)

FORK = """
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time
        time.sleep(60)
"""


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("def f(x):\n    return x + 1\nassert f(1) == 2\n", "passed"),
        ("import math, collections, typing, re\nassert math.gcd(4, 6) == 2", "passed"),
        ("open('own.txt', 'w').write('x')\nassert open('own.txt').read() == 'x'", "passed"),
        ("import os, shutil\nos.makedirs('a/b')\nshutil.rmtree('a')", "passed"),
        ("import tempfile\nwith tempfile.TemporaryDirectory(dir='.'): pass", "passed"),
        ("import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()", "passed"),
        ("for i in range(10 ** 6): print('x' * 80)", "passed"),
        ("import sys\nprint('oops', file=sys.stderr)\nassert sys.stdin.read() == ''", "passed"),
        ("assert 1 == 2, 'no'", "AssertionError: no"),
        ("def f(:\n", "SyntaxError"),
        ("def f(n):\n    return f(n + 1)\nf(0)", "RecursionError"),
        ("while True: pass", "timed out"),
        ("import time\ntime.sleep(60)", "timed out"),
        ("x = 'a' * (1 << 34)", "MemoryError"),
        ("x = []\nwhile True: x.append('a' * (1 << 20) + str(len(x)))", "MemoryError"),
        ("open('big', 'w').write('x' * (8 << 20))", "File too large"),
        ("import sys\nsys.exit(0)", "SystemExit"),
        ("import os\nos._exit(0)", "ended the process"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("input()", "EOFError"),
        (FORK, "os.fork is not allowed"),
        ("import os\nos.system('echo hi')", "os.system is not allowed"),
        ("import subprocess\nsubprocess.run(['true'])", "not allowed"),
        ("import multiprocessing as m\nm.Process(target=print).start()", "not allowed"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "not allowed"),
        ("import os\nos.kill(os.getppid(), 9)", "os.kill is not allowed"),
        ("import ctypes\nctypes.string_at(0)", "ctypes"),
        ("x = '\udcff'", "UnicodeEncodeError"),
        ("\x00", "null bytes"),
    ],
)
def test_how_programs_end(program: str, why: str) -> None:
    ended = run_program(program, QUICK)
    assert why in ended.why
    assert ended.passed is (why == "passed")


@pytest.mark.parametrize(
    "program",
    [
        "open({victim!r}, 'w').write('gone')",
        "import os\nos.remove({victim!r})",
        "import pathlib\npathlib.Path({victim!r}).unlink()",
        "import shutil\nshutil.rmtree({folder!r})",
        "import os\nos.rename({victim!r}, 'mine')",
        "import os\nos.symlink({folder!r}, 'door')\nopen('door/kept.txt', 'w')",
        "import os\nos.chdir({folder!r})\nopen('kept.txt', 'a').write('more')",
        "import os\nos.open({victim!r}, os.O_WRONLY | os.O_TRUNC)",
        "import os\nos.remove('kept.txt', dir_fd=os.open({folder!r}, os.O_RDONLY))",
    ],
)
def test_other_files_stay_as_they_are(program: str, tmp_path: Path) -> None:
    victim = tmp_path / "kept.txt"
    victim.write_text("kept")
    ended = run_program(program.format(victim=str(victim), folder=str(tmp_path)), QUICK)
    assert not ended.passed
    assert victim.read_text() == "kept" and len(list(tmp_path.iterdir())) == 1


def test_the_kernel_holds_what_the_interpreter_does_not_see(tmp_path: Path) -> None:
    """Opening from a folder's descriptor raises no event that names the folder."""
    if landlock() < 1:
        pytest.skip("this kernel has no Landlock")
    program = (
        "import os\nfolder = os.open({folder!r}, os.O_RDONLY)\n"
        "os.open('new.txt', os.O_WRONLY | os.O_CREAT, dir_fd=folder)"
    )
    ended = run_program(program.format(folder=str(tmp_path)), QUICK)
    assert "Permission denied" in ended.why
    assert list(tmp_path.iterdir()) == []


def landlock() -> int:
    """The kernel's version of Landlock, below 1 where it has none."""
    create_ruleset, version = 444, 1
    call = ctypes.CDLL(None).syscall
    return int(call(create_ruleset, None, ctypes.c_size_t(0), version))


def test_it_sees_neither_our_environment_nor_our_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    program = (
        "import os\nassert 'HF_TOKEN' not in os.environ\nassert os.listdir('.') == []\n"
        f"assert os.getcwd() != {str(Path.cwd())!r}"
    )
    assert run_program(program, QUICK).passed


def test_nothing_is_left_running_and_no_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    start = time.monotonic()
    for program in (FORK, "while True: pass", "import time\ntime.sleep(60)", "open('a', 'w')"):
        run_program(program, QUICK)
    assert time.monotonic() - start < 20
    assert list(tmp_path.iterdir()) == []
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "sandboxed.py" not in listed


def test_pass_at_k_is_chens_estimate() -> None:
    """Three programs of which two are right: by listing all pairs, every pair holds a right one."""
    right, wrong = "def f():\n    return 1", "def f():\n    return 2"
    scores, ends = CodeEval().compute(
        references=["assert f() == 1", "assert f() == 1"],
        predictions=[[right, wrong, right], [wrong, wrong, right]],
        k=[1, 2, 5],
    )
    # Pairs of the second: wrong-wrong, wrong-right twice. No one can draw five of three.
    assert scores == {"pass@1": pytest.approx(1 / 2), "pass@2": pytest.approx((1 + 2 / 3) / 2)}
    assert [[end.passed for end in each] for each in ends.values()] == [
        [True, False, True],
        [False, False, True],
    ]
