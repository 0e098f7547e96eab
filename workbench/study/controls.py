"""Whether a probe passed its positive control: the record of the last planted run, shipped.

``python -m workbench.study.controls runs/planted-KEY`` writes the record anew from a run of
``recipes/study/planted.yaml``. A record holds for the version of the probe that it was made with
and for no other.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbench.study.hypothesis import Hypothesis, hypotheses

RECORD = Path(__file__).parent / "controls.json"
RECIPE = "recipes/study/planted.yaml"


@cache
def _record() -> Mapping[str, Any]:
    try:
        return dict(json.loads(RECORD.read_text(encoding="utf-8")))
    except OSError:
        return {"probes": {}}


def control_of(hypothesis: Hypothesis) -> dict[str, Any] | None:
    """What ``results["study"]`` says of a probe's positive control; ``None`` where it never ran."""
    row = _record()["probes"].get(hypothesis.name)
    if row is None or row["version"] != hypothesis.version:
        return None
    return control(row, f"{RECIPE}, run {_record()['key']}")


def control(row: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A row of the planted matrix as the positive control of its probe."""
    own, elsewhere = row["own_rate"], row["elsewhere"]
    return {
        "passed": row["passed"],
        "detected": own["fired"],
        "of": own["of"],
        "ci95": own["ci95"],
        "false_alarms": elsewhere["fired"],
        "false_of": elsewhere["of"],
        "false_ci95": elsewhere["ci95"],
        "source": source,
    }


def record(results: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a planted run, from its ``results.json``.

    Raises:
        ValueError: the run was no planted study.
    """
    found = (results.get("study") or {}).get("planted")
    if not found:
        raise ValueError("the run holds no planted matrix")
    known = hypotheses()
    return {
        "key": results["key"],
        "created": results["created"],
        "command": f"workbench run {RECIPE}",
        "versions": results["versions"],
        "probes": {
            row["name"]: {"version": known[row["name"]].version, **row} for row in found["rows"]
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the record of a planted run.")
    parser.add_argument("run", type=Path, help="the run's folder")
    results = json.loads((parser.parse_args().run / "results.json").read_text(encoding="utf-8"))
    RECORD.write_text(json.dumps(record(results), indent=1) + "\n", encoding="utf-8")
    print(RECORD)


if __name__ == "__main__":
    main()
