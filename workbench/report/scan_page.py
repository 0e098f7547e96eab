"""The page of a scan on its own, as ``workbench scan MODEL`` writes it: the report's section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.report.page import fill
from workbench.report.scan_view import ScanView
from workbench.store.seal import write_text_atomically


def render_scan(scan: Mapping[str, Any]) -> str:
    """The page of a scan (as in scan.json) as text. The same scan gives the same text."""
    view = ScanView(scan)
    model = view.conditions.get("model") or scan.get("model") or scan.get("name")
    return fill(
        "scan_page.html.jinja",
        [view],
        None,
        view=view,
        title=model if isinstance(model, str) else "A model's layer paths",
        created=scan.get("created") or view.conditions.get("created"),
        version=__version__,
    )


def write_scan_page(scan: Mapping[str, Any], folder: Path) -> Path:
    """Writes ``report.html`` into ``folder``, whole or not at all; returns its path."""
    target = folder / "report.html"
    folder.mkdir(parents=True, exist_ok=True)
    write_text_atomically(target, render_scan(scan))
    return target
