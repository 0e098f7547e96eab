"""Workers of a scan: none outlives the scan, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """\
import os, sys, time
from pathlib import Path

def opened():
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(60)  # as long as a large model takes to load

if __name__ == "__main__":
    from workbench.scan.schedule.workers import Crew, Job
    list(Crew(opened, 1).answer([Job([(0,)], [], 1)], None))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_ends_with_the_scan_that_is_killed(tmp_path: Path, how: signal.Signals) -> None:
    script, started = tmp_path / "script.py", tmp_path / "started"
    script.write_text(SCRIPT)
    started.mkdir()
    scan = subprocess.Popen([sys.executable, str(script), str(started)])
    try:
        wait_until(lambda: any(started.iterdir()))
        (worker,) = (int(file.name) for file in started.iterdir())
        scan.send_signal(how)
        scan.wait(10)
        wait_until(lambda: not lives(worker))
    finally:
        scan.kill()


def wait_until(happened: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # A container may have nobody to collect an orphan.
        return "Z" not in subprocess.check_output(["ps", "-o", "stat=", str(pid)], text=True)
    except (ProcessLookupError, subprocess.CalledProcessError):
        return False
