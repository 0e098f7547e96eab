"""One home in which a small recipe with every kind of step has been run, shared by the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

RECIPE = """\
name: small
bases:
  tiny: {base_model: tiny/sums}
  llama: {base_model: tiny/sums-llama}
outputs:
  tuned:
    finetune: &lora
      base_model: tiny
      lora_r: 4
      datasets: [{path: recipes/data/sums.jsonl, type: prompt_completion}]
      learning_rate: 2.0e-3
      max_steps: 12
      micro_batch_size: 8
      sequence_len: 64
      save_steps: 4
      logging_steps: 2
  doubled:
    relayer: {model: tuned, blocks: [[2, 4]]}
  healed:
    finetune: {<<: *lora, base_model: doubled, train_layers: seam, max_steps: 6}
  blended:
    merge:
      merge_method: linear
      models:
        - {model: tuned, parameters: {weight: 0.5}}
        - {model: tiny, parameters: {weight: 0.5}}
      dtype: float32
  other:
    finetune: {<<: *lora, base_model: llama, max_steps: 4}
evaluate: {suite: quick, limit: 24}
"""


@dataclass
class Ran:
    """A finished command: exit code, what it printed, and the home it worked in."""

    code: int
    out: str
    err: str
    home: Path

    def results(self, name: str = "small") -> dict[str, Any]:
        """results.json of the newest run of that name in this home."""
        paths = sorted(
            self.home.glob(f"runs/{name}-*/results.json"), key=lambda p: p.stat().st_mtime
        )
        return dict(json.loads(paths[-1].read_text()))


Workbench = Callable[..., Ran]


def environment(**more: str) -> dict[str, str]:
    """The surroundings of a command under test: offline, one thread."""
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    return {**os.environ, **quiet, **more}


@contextmanager
def started(recipe: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    """``workbench run`` going on in a process of its own; killed at the end if it still runs."""
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


@pytest.fixture(scope="session")
def workbench() -> Workbench:
    """Runs the real command line in a process of its own, in the checkout's folder."""

    def run(*arguments: str, home: Path, timeout: float = 300, **env: str) -> Ran:
        command = [sys.executable, "-m", "workbench", *arguments, "--home", str(home)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(**env),
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout, done.stderr, home)

    return run


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe of this folder's tests, as a file."""
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def finished(
    workbench: Workbench, small_recipe: Path, tmp_path_factory: pytest.TempPathFactory
) -> Ran:
    """The recipe run once to its end. Tests that change the home work on a copy."""
    ran = workbench("run", str(small_recipe), home=tmp_path_factory.mktemp("home"))
    assert ran.code == 0, ran.err
    return ran
