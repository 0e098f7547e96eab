"""What a study decided beforehand: hashed, and written down before the first result exists.

``runs/studies/NAME.jsonl`` has a line for every version of a study that was run. Lines are added
and never changed; each carries the digest of the one before it, so that a change by hand shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from filelock import FileLock

from workbench.errors import Where, user_error
from workbench.store.seal import write_text_atomically

if TYPE_CHECKING:
    from workbench.store.home import Home
    from workbench.study.design.plan import StudyPlan

#: Raised when the same frame would be analysed otherwise: what was decided is another thing then.
ANALYSIS_VERSION = 1

#: Differences that are told one by one.
LISTED = 40
_ABSENT = object()


class Keyed(Protocol):
    """A base or an output, by what made it."""

    @property
    def key(self) -> str: ...


class Planned(Protocol):
    """What of a recipe's plan is written down."""

    @property
    def name(self) -> str: ...
    @property
    def nodes(self) -> Mapping[str, Keyed]: ...
    @property
    def study(self) -> StudyPlan | None: ...


def identity_of(content: Mapping[str, Any]) -> str:
    """12 hex digits for what was decided; the order of keys does not matter."""
    return hashlib.sha256(_text(content).encode()).hexdigest()[:12]


def register(home: Home, plan: Planned, results_seen: int) -> dict[str, Any]:
    """Write down what the plan's study decided, and say what was written down before.

    ``results_seen`` is how many scores of the study there are already in ``home``, under this
    version of it or an earlier one (:func:`registered_keys`). The same study registers once,
    however often it is run, killed and resumed. Returns ``results["study"]["registration"]``.

    Raises:
        UserError: the record cannot be read; it is never overwritten.
    """
    if plan.study is None:
        raise ValueError(f"{plan.name} has no study to register")
    file = home.studies / f"{plan.name}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    now = plan.study.registration
    with FileLock(file.with_name(f".{file.name}.lock")):
        records = read_records(file)
        if not records or records[-1]["hash"] != now.hash:
            records.append(
                {
                    "hash": now.hash,
                    "registered": datetime.now(UTC).isoformat(timespec="seconds"),
                    "results_seen": results_seen,
                    "previous": _digest(records[-1]) if records else None,
                    "content": json.loads(_text(now.content)),
                    "keys": sorted(node.key for node in plan.nodes.values()),
                }
            )
            lines = (json.dumps(each, ensure_ascii=False, sort_keys=True) for each in records)
            write_text_atomically(file, "".join(f"{line}\n" for line in lines))
    return summary(records)


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The last record as results have it, with what changed from one to the next."""
    last = records[-1]
    changed = []
    for before, after in pairwise(records):
        differences = differences_of(before["content"], after["content"])
        if after["previous"] != _digest(before):
            differences.insert(0, "the record of the version before was edited afterwards")
        changed.append(
            {
                "when": after["registered"],
                "hash": after["hash"],
                "results_seen": after["results_seen"],
                "differences": differences,
            }
        )
    return {
        "hash": last["hash"],
        "registered": last["registered"],
        "results_then": last["results_seen"],
        "changed": changed,
    }


def registered_keys(home: Home, name: str) -> set[str]:
    """The keys of all bases and outputs of any version of the study that was registered.

    Raises:
        UserError: the record cannot be read.
    """
    records = read_records(home.studies / f"{name}.jsonl")
    return {key for record in records for key in record["keys"]}


def read_records(file: Path) -> list[dict[str, Any]]:
    """Every registration in ``file``, the first one first; none where it is not there.

    Raises:
        UserError: a line is no registration.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise user_error(
            f"the study's registrations cannot be read: {error}",
            "they say what was decided before the first result",
            "put the file back from a copy, or give the study another name",
            Where(str(file)),
        ) from None
    records = []
    # Not splitlines, which also splits at characters that a question may hold.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        try:
            record = json.loads(line)
            known = {"hash", "registered", "results_seen", "previous", "content", "keys"}
            if not isinstance(record, dict) or known - set(record):
                raise ValueError("it is no registration")
        except ValueError as error:
            raise user_error(
                "a line of the study's registrations cannot be read",
                str(error),
                "put the file back from a copy, or give the study another name",
                Where(str(file), number),
            ) from None
        records.append(record)
    return records


def differences_of(before: Any, after: Any) -> list[str]:
    """What differs between two contents, as ``margin: 0.02 → 0.05``; long lists are cut."""
    found = list(_differences(before, after, ()))
    if len(found) <= LISTED:
        return found
    return [*found[:LISTED], f"and {len(found) - LISTED} more"]


def _differences(before: Any, after: Any, path: tuple[str, ...]) -> Any:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
            yield from _differences(old, new, (*path, key))
    elif before is _ABSENT or after is _ABSENT or _text(before) != _text(after):
        # The block's own keys are known by themselves.
        names = path[1:] if path[:1] == ("study",) else path
        yield f"{'.'.join(names) or 'it'}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "not given"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _text(value: Any) -> str:
    # Not by ==, to which 1, 1.0 and true are one.
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _digest(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(record).encode()).hexdigest()
