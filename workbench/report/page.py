"""The HTML page of a run: one file that opens offline and asks nothing of anyone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.report import looks, numbers
from workbench.report.figures import equivalence, graph, leaderboard_rows, path, strips
from workbench.report.figures.leaderboard_marks import group_glyph
from workbench.report.figures.scan_colour import stylesheet
from workbench.report.figures.svg import glyph
from workbench.report.samples import embed
from workbench.report.scan_view import ScanView
from workbench.report.settings import as_yaml, breakable, figure, flat
from workbench.report.study_numbers import quantity
from workbench.report.verdict import kind_word
from workbench.report.view import Page
from workbench.store.seal import write_text_atomically

#: Longer recipes and locks are cut on the page; the files beside it are whole.
MOST_TEXT = 200_000
#: What a study's sections need beyond the style that every page has.
STUDY_STYLES = ("leaderboard.css", "study.css")


def _digest(text: str) -> str:
    """The hash by which the page's policy knows its own script and style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("workbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": numbers.score,
        "signed": numbers.signed,
        "interval": numbers.interval,
        "p": numbers.p_value,
        "small": numbers.small,
        "points": numbers.points,
        "per_cent": numbers.per_cent,
        "quantity": quantity,
        "minus": numbers.true_minus,
        "count": numbers.count,
        "size": numbers.size,
        "seconds": numbers.seconds,
        "moment": numbers.moment,
        "kind": kind_word,
        "flat": flat,
        "breakable": breakable,
        "figure": figure,
        "without": lambda mapping, key: {k: v for k, v in mapping.items() if k != key},
        "yaml": as_yaml,
        "ranges": path.ranges,
        "glyph": glyph,
        "group": group_glyph,
        "cut": lambda text: text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "\n… (cut)",
        "exact": lambda value: json.dumps(value),
    }
    environment.globals |= {
        "strips": strips,
        "rows": leaderboard_rows,
        "equivalence": equivalence,
        "looks": looks,
        "graphs": (graph.WIDE, graph.NARROW),
        "graph": graph.graph,
        "share": numbers.share,
        "plural": numbers.plural,
    }
    return environment


def render(run_folder: Path) -> str:
    """The page of a run as text. The same files give the same text.

    Raises:
        UserError: results.json is missing or is not what ``workbench run`` writes.
    """
    page = Page(run_folder)
    styles = ["reproduction.css"] if page.reproductions or page.both_ways else []
    styles += STUDY_STYLES if page.study else []
    return fill("page.html.jinja", page.scans, page.samples, styles, page=page, run=page.run)


def fill(
    template: str,
    scans: Sequence[ScanView],
    samples: dict[str, Any] | None,
    styles: Sequence[str] = (),
    **context: object,
) -> str:
    """A page's text: ``template`` with the style, the scripts and the data it needs, no more.

    ``styles`` are further style sheets of this package, by name.
    """
    style = _own("report.css") + (_own("scan.css") + stylesheet() if scans else "")
    style += "".join(_own(name) for name in styles)
    scripts = [*([_own("report.js")] if samples else []), *([_own("scan.js")] if scans else [])]
    data = [
        *([("samples", samples)] if samples else []),
        *([("scans", [view.data() for view in scans])] if scans else []),
    ]
    text = (
        _environment()
        .get_template(template)
        .render(
            **context,
            # All are files of this package, and the policy admits them by hash alone.
            style=Markup(style),
            style_hash=_digest(style),
            scripts=[Markup(script) for script in scripts],
            script_hashes=[_digest(script) for script in scripts],
            embedded=[(name, Markup(embed(content))) for name, content in data],
        )
    )
    # JSON may hold halves of surrogate pairs, which no file can.
    return text.encode("utf-8", "replace").decode("utf-8")


def _own(name: str) -> str:
    return (files("workbench.report") / "templates" / name).read_text(encoding="utf-8")


def write_report(run_folder: Path) -> Path:
    """Writes ``report.html`` into a run's folder, whole or not at all; returns its path.

    Raises:
        UserError: results.json is missing or is not what ``workbench run`` writes.
    """
    target = run_folder / "report.html"
    write_text_atomically(target, render(run_folder))
    return target
