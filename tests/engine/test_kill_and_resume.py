"""Killed or interrupted at any moment, the same command goes on and ends with the same bytes."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.conftest import ROOT, Ran, Workbench, environment

#: What a process of each step prints when it begins: where Ctrl-C is pressed.
STEPS = ["tuned: making", "doubled: making", "blended: making", "scoring", "training"]


@contextmanager
def started(recipe: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "workbench", "run", str(recipe), "--home", str(home)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def weights(home: Path) -> dict[str, str]:
    """sha256 of every weight file of every output, by folder and name."""
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.glob("adapters/[!.]*/*.safetensors")
    }


def only_whole_outputs(home: Path) -> bool:
    """Whether each folder under a final name has its manifest."""
    return all((p / "output.json").exists() for p in home.glob("adapters/[!.]*-*") if p.is_dir())


@pytest.mark.slow
def test_kill_9_again_and_again_then_the_same_bytes_as_in_one_go(
    workbench: Workbench, finished: Ran, small_recipe: Path, tmp_path: Path
) -> None:
    moments = random.Random(0)
    for _ in range(4):
        with started(small_recipe, tmp_path) as process:
            try:
                process.wait(timeout=moments.uniform(6, 25))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        assert only_whole_outputs(tmp_path)
    ran = workbench("run", str(small_recipe), home=tmp_path)
    assert ran.code == 0, ran.err
    assert weights(tmp_path) == weights(finished.home)
    mine = {o["name"]: o["scores"] for o in ran.results()["outputs"]}
    assert mine == {o["name"]: o["scores"] for o in finished.results()["outputs"]}


@pytest.mark.slow
def test_ctrl_c_in_each_step_then_the_same_command_ends_well(
    workbench: Workbench, finished: Ran, small_recipe: Path, tmp_path: Path
) -> None:
    for step in STEPS:
        with started(small_recipe, tmp_path) as process:
            assert process.stderr is not None
            seen = []
            for line in process.stderr:
                seen.append(line)
                if step in line:
                    time.sleep(0.3)
                    process.send_signal(signal.SIGINT)
                    break
            rest = process.stderr.read()
            code = process.wait(timeout=60)
        if any(step in line for line in seen):
            assert code == 130, rest
            assert "the same command goes on" in rest
            assert "Traceback" not in rest
        assert only_whole_outputs(tmp_path)
        assert not list(tmp_path.glob("adapters/.making-*"))
    ran = workbench("run", str(small_recipe), home=tmp_path)
    assert ran.code == 0, ran.err
    assert weights(tmp_path) == weights(finished.home)
