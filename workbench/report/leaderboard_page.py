"""The page of a leaderboard, as ``workbench leaderboard FILE`` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.report.leaderboard_view import LeaderboardPage
from workbench.report.page import fill
from workbench.store.seal import write_text_atomically


def render_leaderboard(results: Mapping[str, Any]) -> str:
    """The page of an analysis (as in results.json) as text. The same analysis, the same text."""
    return fill(
        "leaderboard_page.html.jinja",
        [],
        None,
        ["leaderboard.css"],
        page=LeaderboardPage(results),
        version=__version__,
    )


def write_leaderboard_page(results: Mapping[str, Any], folder: Path) -> Path:
    """Writes ``report.html`` into ``folder``, whole or not at all; returns its path."""
    target = folder / "report.html"
    folder.mkdir(parents=True, exist_ok=True)
    write_text_atomically(target, render_leaderboard(results))
    return target
