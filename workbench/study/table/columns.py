"""Which column of a before/after table is which: by option, else by the names people give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.errors import Problem, Where
from workbench.likely import likely
from workbench.tables.headers import letters


@dataclass(frozen=True)
class Column:
    """One column of ours: the spellings that are known without being told, and what it says."""

    spellings: tuple[str, ...]
    says: str
    #: What can be done without it, or empty where nothing can.
    without: str = ""
    figures: bool = False


COLUMNS: Mapping[str, Column] = {
    "base": Column(
        ("base", "base model", "model", "model id", "model name", "hub id"),
        "which base model was treated",
    ),
    "group": Column(
        ("group", "chinese", "is chinese", "chinese base", "side", "country"),
        "which group the base belongs to",
    ),
    "family": Column(
        ("family", "fam", "model family", "base family"),
        "which bases are not independent of each other",
    ),
    "task": Column(
        ("task", "task name", "benchmark", "eval"),
        "what was scored",
        without="all rows are read as of one task",
    ),
    "treatment": Column(
        ("treatment", "train", "trained on", "training data", "recipe", "method"),
        "what was done to the base",
        without="all rows are read as of one treatment",
    ),
    "seed": Column(
        ("seed", "seeds", "run", "repeat"),
        "which repetition it was",
        without="each row is read as one run of one seed",
    ),
    "n": Column(
        ("n", "items", "n items", "number of items", "questions", "n questions"),
        "how many items were scored",
        without="the noise of scores is not told apart from that of bases",
        figures=True,
    ),
    "before": Column(
        ("before", "score before", "before score", "pre", "base score", "score base"),
        "the base's score",
        figures=True,
    ),
    "after": Column(
        ("after", "score after", "after score", "post", "final", "final score"),
        "the score after the treatment",
        figures=True,
    ),
    "compute": Column(
        ("compute", "lc", "log compute", "log10 compute", "training compute"),
        "log10 of parameters times training tokens, both in billions",
        without="nothing can be said at equal compute",
        figures=True,
    ),
    "log_parameters": Column(
        ("log parameters", "ln", "log params", "log n"),
        "log of parameters in billions",
        without="the size of bases is not known",
        figures=True,
    ),
}
#: Options that are not named after their column: ``--seed`` is that of all that is drawn.
OPTIONS = {"seed": "--seed-column", "log_parameters": "--log-parameters"}
#: Columns that many tables do without: their absence is not worth a remark.
QUIET = frozenset({"treatment", "seed", "log_parameters"})


def option(name: str) -> str:
    """The option that maps a column: ``--family``."""
    return OPTIONS.get(name, f"--{name}")


@dataclass
class Headers:
    """Which header of the file is which of our columns, and what is remarkable about that."""

    of: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)


def match(headers: Iterable[str], given: Mapping[str, str], file: str) -> Headers:
    """Our columns among ``headers``; ``given`` maps ours to the file's where a person said so.

    One header may be given for two of ours (``--family base`` makes every base a family).
    """
    found, seen = Headers(), [header for header in headers if header]
    for name, wanted in given.items():
        header = _named(wanted, seen)
        if header is None:
            near = likely(wanted, seen, most=2, cutoff=0.5)
            known = f"did you mean {' or '.join(map(repr, near))}?" if near else ""
            found.problems.append(
                Problem(
                    f"no column {wanted!r}, which {option(name)} names",
                    f"the file's columns: {', '.join(seen[:40])}",
                    known or f"give {option(name)} one of them",
                    Where(file, 1),
                )
            )
        else:
            found.of[name] = header
    taken = set(found.of.values())
    for name, column in COLUMNS.items():
        if name not in given:
            # What was given for another is ours too only if it bears our very name.
            own = letters(column.spellings[0])
            free = [header for header in seen if header not in taken or letters(header) == own]
            _find(name, column, free, found, file)
    found.problems += _missing(found.of, given, seen, file)
    found.notices += _said(found.of, file)
    return found


def _named(wanted: str, seen: list[str]) -> str | None:
    if wanted in seen:
        return wanted
    same = [header for header in seen if letters(header) == letters(wanted)]
    return same[0] if len(same) == 1 else None


def _find(name: str, column: Column, free: list[str], found: Headers, file: str) -> None:
    """The header with the first spelling that the file has; two that share one are a problem."""
    for spelling in column.spellings:
        hits = [header for header in free if letters(header) == letters(spelling)]
        if len(hits) > 1:
            found.problems.append(
                Problem(
                    f"columns {' and '.join(map(repr, hits))} could both be {name!r}",
                    "only one of them can be read",
                    f"say which with {option(name)}",
                    Where(file, 1),
                )
            )
        if hits:
            found.of[name] = hits[0]
            return


def _missing(
    of: Mapping[str, str], given: Mapping[str, str], seen: list[str], file: str
) -> list[Problem]:
    problems: list[Problem] = []
    free = [header for header in seen if header not in of.values()]
    for name, column in COLUMNS.items():
        if name in of or name in given or column.without:
            continue
        # A short spelling is close to anything.
        words = [spelling for spelling in column.spellings if len(spelling) > 3]
        near = [header for word in words for header in likely(word, free, most=1, cutoff=0.7)]
        remedy = f"name it with {option(name)} {_quoted(near[0]) if near else 'COLUMN'}"
        if name == "family" and "base" in of:
            remedy += f", or count each base by itself with --family {_quoted(of['base'])}"
        cause = f"it says {column.says}"
        if not problems:
            cause += f"; the file's columns: {', '.join(seen[:40])}"
        problems.append(Problem(f"no column {name!r}", cause, remedy, Where(file, 1)))
    return problems


def _quoted(header: str) -> str:
    import shlex

    return shlex.quote(header)


def _said(of: Mapping[str, str], file: str) -> list[Problem]:
    where = Where(file, 1)
    renamed = [f"{of[name]!r} as {name}" for name in COLUMNS if of.get(name, name) != name]
    notices = [Problem(f"read: {', '.join(renamed)}", where=where)] if renamed else []
    for name, column in COLUMNS.items():
        if name not in of and column.without and name not in QUIET:
            notices.append(Problem(f"no column {name!r}: {column.without}", where=where))
    return notices
