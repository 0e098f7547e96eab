"""Killed or interrupted at any moment, the same command goes on and ends with the same bytes."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.engine.conftest import Ran, Workbench, started

#: What a process prints when each step begins, in the order of the run: where Ctrl-C is pressed.
STEPS = [
    "loading tiny/sums",
    "scoring tiny",
    "tuned: making",
    "sft: 0/12",
    "scoring tuned",
    "doubled: making",
    "healed: making",
    "blended: making",
]


def weights(home: Path) -> dict[str, str]:
    """sha256 of every weight file of every output, by folder and name."""
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.glob("adapters/[!.]*/*.safetensors")
    }


def only_whole_outputs(home: Path) -> bool:
    """Whether each folder under a final name has its manifest."""
    return all((p / "output.json").exists() for p in home.glob("adapters/[!.]*-*") if p.is_dir())


def stopped_at(process: subprocess.Popen[str], line: str, how: signal.Signals) -> tuple[int, str]:
    """Sends ``how`` when the process prints ``line``; its exit code and what it said after that.

    Raises:
        AssertionError: it ended without printing the line.
    """
    assert process.stderr is not None
    seen = []
    for text in process.stderr:
        seen.append(text)
        if line in text:
            time.sleep(0.05)
            process.send_signal(how)
            break
    else:
        raise AssertionError(f"{line!r} was never printed: {seen}")
    rest = process.stderr.read()
    return process.wait(timeout=60), rest


@pytest.mark.slow
def test_kill_9_again_and_again_then_the_same_bytes_as_in_one_go(
    workbench: Workbench, finished: Ran, small_recipe: Path, tmp_path: Path
) -> None:
    for line in ("sft: 0/12", "sft: 12/12", "scoring tuned: 0", "blended: making", "sft: 0/4"):
        with started(small_recipe, tmp_path) as process:
            code, _ = stopped_at(process, line, signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert only_whole_outputs(tmp_path)
    ran = workbench("run", str(small_recipe), home=tmp_path)
    assert ran.code == 0, ran.err
    assert weights(tmp_path) == weights(finished.home)
    mine = {o["name"]: o["scores"] for o in ran.results()["outputs"]}
    assert mine == {o["name"]: o["scores"] for o in finished.results()["outputs"]}
    assert not list(tmp_path.glob("adapters/.making-*"))


@pytest.mark.slow
def test_ctrl_c_in_each_step_then_the_same_command_ends_well(
    workbench: Workbench, finished: Ran, small_recipe: Path, tmp_path: Path
) -> None:
    for step in STEPS:
        with started(small_recipe, tmp_path) as process:
            code, rest = stopped_at(process, step, signal.SIGINT)
        assert code == 130, rest
        assert "the same command goes on" in rest
        assert "Traceback" not in rest
        assert only_whole_outputs(tmp_path)
        assert not list(tmp_path.glob("adapters/.making-*"))
    ran = workbench("run", str(small_recipe), home=tmp_path)
    assert ran.code == 0, ran.err
    assert weights(tmp_path) == weights(finished.home)
