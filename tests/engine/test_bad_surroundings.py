"""A full disk, a home that cannot be written to, two runs at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.conftest import ROOT, Ran, Workbench, environment, started


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A tmpfs at ``folder``; skips where this user may not mount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"this user may not mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_too_small_is_told_before_anything_is_made(
    workbench: Workbench, small_recipe: Path, tmp_path: Path
) -> None:
    with mounted(tmp_path / "small", "size=700k") as home:
        ran = workbench("run", str(small_recipe), home=home)
        assert ran.code == 2
        assert "free" in ran.err
        assert "Traceback" not in ran.err
        assert not list(home.glob("adapters/[!.]*"))


@pytest.mark.parametrize("moment", ["tuned: making", "sft: 12/12", "blended: making"])
def test_a_disk_that_fills_up_is_told_and_the_same_command_goes_on(
    finished: Ran, workbench: Workbench, small_recipe: Path, tmp_path: Path, moment: str
) -> None:
    with mounted(tmp_path / "small", "size=40m") as home:
        with started(small_recipe, home) as process:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if moment in line:
                    fill(home / "ballast")
                    break
            said.append(process.stderr.read())
            assert process.wait(timeout=120) == 1
        text = "".join(said)
        assert "disk" in text or "space" in text, text
        assert "Traceback" not in text
        for folder in home.glob("adapters/[!.]*-*"):
            assert (folder / "output.json").exists()
        (home / "ballast").unlink()
        ran = workbench("run", str(small_recipe), home=home)
        assert ran.code == 0, ran.err
        mine = {o["name"]: o["scores"] for o in ran.results()["outputs"]}
        assert mine == {o["name"]: o["scores"] for o in finished.results()["outputs"]}


def fill(path: Path) -> None:
    """Writes to ``path`` until its disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


def test_a_read_only_home_is_told_before_anything_is_loaded(
    workbench: Workbench, small_recipe: Path, tmp_path: Path
) -> None:
    with mounted(tmp_path / "ro", "size=100m,ro") as home:
        ran = workbench("run", str(small_recipe), home=home)
        assert ran.code == 2
        assert "read-only" in ran.err
        assert "--home" in ran.err
        assert "Traceback" not in ran.err


def test_a_home_that_is_a_file_is_told(
    workbench: Workbench, small_recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ran = workbench("run", str(small_recipe), home=tmp_path / "file")
    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_two_runs_at_once_in_one_home_make_each_output_once(
    finished: Ran, small_recipe: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "workbench", "run", str(small_recipe), "--home", str(tmp_path)]
    both = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=400)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    made = [line for text in said for line in text.splitlines() if ": made in" in line]
    assert len(made) == 5, "each of the five outputs was made by one process only"
