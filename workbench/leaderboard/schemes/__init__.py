"""The leaderboards' schemes, one file each, by the name that a suite's ``points:`` gives."""

from __future__ import annotations

from workbench.errors import user_error
from workbench.leaderboard.scheme import Scheme
from workbench.leaderboard.schemes.v1 import V1
from workbench.leaderboard.schemes.v2 import V2, V2_2024
from workbench.likely import did_you_mean

SCHEMES: dict[str, Scheme] = {scheme.name: scheme for scheme in (V2, V2_2024, V1)}


def scheme_of(name: str) -> Scheme:
    """The scheme called ``name``.

    Raises:
        UserError: there is none.
    """
    if name not in SCHEMES:
        raise user_error(
            f"there are no leaderboard points called {name!r}",
            f"there are {', '.join(SCHEMES)}",
            did_you_mean(name, SCHEMES) or "name one of these",
        )
    return SCHEMES[name]


#: Snapshots that were scored by another scheme than a table's own.
_EARLIER = {(V2.name, snapshot): V2_2024.name for snapshot in ("2024-06", "2024-10")}


def scheme_at(name: str, snapshot: str) -> str:
    """The name of the scheme by which ``snapshot`` of a leaderboard was scored.

    MATH was scored anew in February 2025: an output is held against a figure of 2024 by the score
    of 2024.
    """
    return _EARLIER.get((name, snapshot), name)
