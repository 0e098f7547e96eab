"""What a user is told: fact, cause and remedy, with the place in the file where there is one.

Every room raises these two exceptions and no other for what a person can mend; the command line
alone turns them into text and an exit code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Where:
    """A place in a file. ``line`` and ``column`` count from 1; 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return (
            f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"
        )


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    ``fact`` says what was seen, ``cause`` why that cannot work, ``remedy`` what to type instead.
    """

    fact: str
    cause: str = ""
    remedy: str = ""
    where: Where | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        parts = [place + self.fact]
        if self.cause:
            parts.append(f"  why: {self.cause}")
        if self.remedy:
            parts.append(f"  fix: {self.remedy}")
        return "\n".join(parts)


class WorkbenchError(Exception):
    """Problems a person can act on. ``exit_code`` is what the command line leaves with."""

    exit_code = 1

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type[WorkbenchError], tuple[tuple[Problem, ...]]]:
        # A worker process sends its error back as it is.
        return type(self), (self.problems,)


class UserError(WorkbenchError):
    """The user's input is wrong (exit code 2)."""

    exit_code = 2


class StepFailed(WorkbenchError):
    """The input was fine, and something failed all the same (exit code 1)."""

    exit_code = 1


def user_error(
    fact: str, cause: str = "", remedy: str = "", where: Where | None = None
) -> UserError:
    """A :class:`UserError` of one problem."""
    return UserError(Problem(fact, cause, remedy, where))


def step_failed(
    fact: str, cause: str = "", remedy: str = "", where: Where | None = None
) -> StepFailed:
    """A :class:`StepFailed` of one problem."""
    return StepFailed(Problem(fact, cause, remedy, where))
