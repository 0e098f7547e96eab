"""The leaderboards' schemes, one file each, by the name that a suite's ``points:`` gives."""

from __future__ import annotations

from workbench.errors import user_error
from workbench.leaderboard.scheme import Scheme
from workbench.leaderboard.schemes.v1 import V1
from workbench.leaderboard.schemes.v2 import V2
from workbench.likely import did_you_mean

SCHEMES: dict[str, Scheme] = {scheme.name: scheme for scheme in (V2, V1)}


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
