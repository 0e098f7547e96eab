"""The verdict page of a study, as ``workbench study --table FILE`` writes it.

The report of a run with a study opens with the same sections, and the run's own follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.report.page import STUDY_STYLES, fill
from workbench.report.study_view import StudyView
from workbench.store.seal import write_text_atomically


def render_study(results: Mapping[str, Any]) -> str:
    """The page of ``results["study"]`` as text. The same results, the same text."""
    return fill(
        "study_page.html.jinja",
        [],
        None,
        STUDY_STYLES,
        study=StudyView(results),
        version=__version__,
    )


def write_study_page(results: Mapping[str, Any], folder: Path) -> Path:
    """Writes ``report.html`` into ``folder``, whole or not at all; returns its path."""
    target = folder / "report.html"
    folder.mkdir(parents=True, exist_ok=True)
    write_text_atomically(target, render_study(results))
    return target
