"""A picture of a run's report, as a browser shows it.

``python -m workbench.report.picture RUN PNG``: RUN is the folder of a run, of a leaderboard or of
a study, PNG where it goes. The README's pictures are made this way from real ones. Needs Chromium
or Chrome on the PATH.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from workbench.errors import UserError, step_failed, user_error
from workbench.report.leaderboard_page import write_leaderboard_page
from workbench.report.page import write_report
from workbench.report.results import read_json
from workbench.report.runs import LEADERBOARD, STUDY
from workbench.report.study_page import write_study_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 120


def find_browser() -> str | None:
    """The first browser of :data:`BROWSERS` on the PATH."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def take_picture(run_folder: Path, png: Path, *, width: int = 1280, height: int = 1400) -> Path:
    """Writes the report anew and the top of it, ``width`` by ``height`` pixels, to ``png``.

    Raises:
        UserError: there is no browser, or the folder holds no run.
        StepFailed: the browser made no picture.
    """
    browser = find_browser()
    if browser is None:
        raise user_error(
            "no browser to take the picture with",
            f"none of {', '.join(BROWSERS)} is on the PATH",
            "install one, as in: apt install chromium",
        )
    page = _page(run_folder).absolute()
    with tempfile.TemporaryDirectory(prefix="workbench-picture-") as scratch:
        shot = Path(scratch) / "page.png"
        command = [
            browser,
            "--headless",
            # Chromium refuses its sandbox to root, as in a container; the page is our own.
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={scratch}/profile",
            f"--window-size={width},{height}",
            f"--screenshot={shot}",
            page.as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise step_failed(f"{browser} took no picture within {PATIENCE} s") from None
        if not shot.is_file():
            words = done.stderr.strip().splitlines()[-1:]
            raise step_failed(f"{browser} took no picture", " ".join(words))
        png.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(shot, png)
    return png


def _page(folder: Path) -> Path:
    """The page written anew, whichever verb made the folder."""
    results = read_json(folder)
    if results.get("kind") == LEADERBOARD:
        return write_leaderboard_page(results, folder)
    if results.get("kind") == STUDY:
        return write_study_page(results, folder)
    return write_report(folder)


def main() -> None:
    """Takes the picture that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m workbench.report.picture", description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of a run")
    parser.add_argument("png", type=Path, help="where the picture goes")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1400)
    asked = parser.parse_args()
    try:
        print(take_picture(asked.run, asked.png, width=asked.width, height=asked.height))
    except UserError as error:
        parser.exit(error.exit_code, f"error: {error}\n")


if __name__ == "__main__":
    main()
