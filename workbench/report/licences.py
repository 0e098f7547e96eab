"""Which licences each output carries on from the bases it goes back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.report.results import Entry, Results
from workbench.report.verdict import ancestors


@dataclass(frozen=True)
class LicenceRow:
    """A base's licence and the outputs that go back to that base."""

    base: str
    licence: str
    url: str
    carries_on: bool | None
    clauses: tuple[str, ...]
    outputs: tuple[str, ...]


def licences(results: Results) -> list[LicenceRow]:
    """One row a base whose record names a licence."""
    rows = []
    for base in results.bases:
        facts = base.record.get("licence")
        if not facts:
            continue
        outputs = dict.fromkeys(e.name for e in results.outputs if _goes_back(results, e, base))
        rows.append(_row(base.name, facts, tuple(outputs)))
    return rows


def _goes_back(results: Results, entry: Entry, base: Entry) -> bool:
    return any(ancestor.name == base.name for ancestor in ancestors(results, entry))


def _row(base: str, facts: Any, outputs: tuple[str, ...]) -> LicenceRow:
    if not isinstance(facts, dict):
        return LicenceRow(base, str(facts), "", None, (), outputs)
    clauses = facts.get("clauses")
    carries_on = facts.get("carries_on")
    return LicenceRow(
        base,
        str(facts.get("name") or facts.get("id") or ""),
        str(facts.get("url") or ""),
        carries_on if isinstance(carries_on, bool) else None,
        tuple(
            str(clause.get("text", clause)) if isinstance(clause, dict) else str(clause)
            for clause in (clauses if isinstance(clauses, list) else [])
        ),
        outputs,
    )
