"""The export's columns: our name for each, and the spellings under which it has been seen.

The leaderboard renamed columns over time, copies of its table drop the emoji, and spreadsheets
turn spaces into underscores. A header is compared by its letters and digits alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.errors import Problem, Where
from workbench.likely import likely
from workbench.tables.headers import letters

#: The six benchmarks, in the leaderboard's order, with its own name for each.
TITLES: Mapping[str, str] = {
    "ifeval": "IFEval",
    "bbh": "BBH",
    "math": "MATH Lvl 5",
    "gpqa": "GPQA",
    "musr": "MUSR",
    "mmlu_pro": "MMLU-PRO",
}
SCORES = tuple(TITLES)
RAW = tuple(f"{name}_raw" for name in SCORES)

#: The leaderboard's own header of each column, then other spellings.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "fullname": ("fullname", "full name", "full model", "model id", "model name", "hub id"),
    "model_cell": ("Model", "models"),
    "average": ("Average ⬆️", "average", "avg", "average score", "mean"),
    "ifeval": ("IFEval", "if eval"),
    "bbh": ("BBH", "big bench hard"),
    "math": ("MATH Lvl 5", "math", "math level 5", "math hard"),
    "gpqa": ("GPQA",),
    "musr": ("MUSR",),
    "mmlu_pro": ("MMLU-PRO", "mmlu professional"),
    "ifeval_raw": ("IFEval Raw", "if eval raw"),
    "bbh_raw": ("BBH Raw", "big bench hard raw"),
    "math_raw": ("MATH Lvl 5 Raw", "math raw", "math level 5 raw", "math hard raw"),
    "gpqa_raw": ("GPQA Raw",),
    "musr_raw": ("MUSR Raw",),
    "mmlu_pro_raw": ("MMLU-PRO Raw",),
    "type": ("Type", "model type"),
    "symbol": ("T", "type symbol"),
    "precision": ("Precision", "dtype"),
    "weight_type": ("Weight type",),
    "architecture": ("Architecture", "architectures"),
    "not_merged": ("Not_Merged", "is not merged"),
    "merged": ("Merged", "is merged", "merge"),
    "flagged": ("Flagged", "is flagged"),
    "available": ("Available on the hub", "available", "still on hub"),
    "moe": ("MoE", "is moe"),
    "chat_template": ("Chat Template", "use chat template"),
    "parameters_b": ("#Params (B)", "params", "number of parameters", "parameters (b)"),
    "likes": ("Hub ❤️", "likes", "hub likes"),
    "revision": ("Model sha", "sha", "revision", "model revision"),
    "submitted": ("Submission Date", "submitted"),
    "released": ("Upload To Hub Date", "upload date", "uploaded", "release date"),
    "declared": ("Base Model", "base", "base models", "declared base"),
}

#: Without these there is nothing to place; the six scores may come raw instead.
TREE = ("declared",)
#: Columns whose absence is made up for, or told with that of another.
TOLD_ELSEWHERE = ("average", "fullname", "model_cell", "not_merged", "merged")


@dataclass
class Headers:
    """Which header of the file is which of our columns, and what is remarkable about that."""

    of: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)


def match(headers: Iterable[str], file: str) -> Headers:
    """Our columns among ``headers``; problems for what is missing or stands there twice."""
    found, seen = Headers(), list(headers)
    known = {letters(s): name for name, spellings in SPELLINGS.items() for s in spellings}
    # What has no letters of its own once the emoji is gone.
    known["hub"] = "likes"
    for header in seen:
        name = known.get(letters(header))
        if name is None:
            continue
        if name in found.of:
            found.problems.append(
                Problem(
                    f"columns {found.of[name]!r} and {header!r} are both {SPELLINGS[name][0]!r}",
                    "only one of them can be read",
                    "delete or rename one",
                    Where(file, 1),
                )
            )
            continue
        found.of[name] = header
    found.problems += _missing(found.of, seen, file)
    found.notices += _renamed(found.of, file)
    return found


def _missing(of: Mapping[str, str], seen: list[str], file: str) -> list[Problem]:
    lacking: list[str] = []
    if not {"fullname", "model_cell"} & set(of):
        lacking.append("fullname")
    points = [name for name in SCORES if name not in of]
    raw = [name for name in RAW if name not in of]
    if points and raw:
        lacking += points
    lacking += [name for name in TREE if name not in of]
    free = [header for header in seen if header not in of.values()]
    problems = []
    for name in lacking:
        title = SPELLINGS[name][0]
        near = [f"{header!r}" for header in likely(title, free, most=2, cutoff=0.5)]
        known = f"rename {' or '.join(near)} to {title!r}" if near else f"name it {title!r}"
        cause = {
            "declared": "family trees follow from it",
            "fullname": "it says which model a row is",
        }.get(name, "the average is the mean of six scores, and each is used by itself too")
        problems.append(Problem(f"no column {title!r}", cause, known, Where(file, 1)))
    if lacking:
        problems[-1] = Problem(
            problems[-1].fact,
            problems[-1].cause,
            f"{problems[-1].remedy}; the file's columns: {', '.join(seen[:40])}",
            problems[-1].where,
        )
    return problems


def _renamed(of: Mapping[str, str], file: str) -> list[Problem]:
    where = Where(file, 1)
    notices = [
        Problem(f"column {header!r} is read as {SPELLINGS[name][0]!r}", where=where)
        for name, header in of.items()
        if header != SPELLINGS[name][0]
    ]
    optional = [
        SPELLINGS[name][0]
        for name in SPELLINGS
        if name not in of and name not in (*SCORES, *RAW, *TREE, *TOLD_ELSEWHERE)
    ]
    if not {"not_merged", "merged"} & set(of):
        optional.append("Merged")
    if "type" in of or "symbol" in of:
        optional = [title for title in optional if title not in ("Type", "T")]
    if optional:
        notices.append(
            Problem(
                f"no column {', '.join(optional)}",
                "what follows from it is left empty",
                where=where,
            )
        )
    return notices
