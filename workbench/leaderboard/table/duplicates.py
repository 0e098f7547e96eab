"""Rows that say the same thing twice, and which row speaks for a model that has several.

Exact copies are merged. Of rows that measure the same weights under the same settings and differ in
their scores, the latest submission stays. Rows of one model in other settings (precision, chat
template, revision, adapter or merged) all stay: they are measurements of different things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.leaderboard.table.columns import SCORES

if TYPE_CHECKING:
    import pandas as pd

#: What makes two rows measurements of the same thing.
SETTINGS = ("model", "revision", "precision", "weight_type", "chat_template")
#: A precision's rank when one row must speak for the model: the leaderboard's usual one first.
PRECISIONS = {"bfloat16": 0, "float16": 1}
#: Rows named in the seams before the list is cut.
LISTED = 50


def drop_duplicates(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """``frame`` without copies and superseded measurements, and the counts of both."""
    content = frame.drop(columns=["row", "parents"]).assign(model=frame["model"].str.lower())
    unique = frame[~content.duplicated(keep="first")]
    keys = _settings(unique)
    order = unique.assign(_day=unique["submitted"].fillna(_before()))
    order = order.sort_values(["_day", "row"], kind="stable")
    kept_rows = order.index[~keys.loc[order.index].duplicated(keep="last")]
    dropped = unique.drop(index=kept_rows)
    listed = [
        {"model": row.model, "row": int(row.row), "average": round(float(row.average), 2)}
        for row in dropped.head(LISTED).itertuples()
    ]
    kept = unique.loc[unique.index.isin(kept_rows)].reset_index(drop=True)
    return kept, {
        "exact_duplicates_merged": len(frame) - len(unique),
        "superseded_rows_dropped": len(dropped),
        "superseded_rows": listed,
    }


def _settings(frame: pd.DataFrame) -> pd.DataFrame:
    keys = frame[list(SETTINGS)].astype(object)
    keys = keys.where(keys.notna(), "")
    return keys.assign(model=keys["model"].str.lower()).astype(str)


def _before() -> Any:
    import pandas as pd

    return pd.Timestamp("1970-01-01")


def represent(frame: pd.DataFrame, key: pd.Series, prefer: pd.Series, base: pd.Series) -> pd.Series:
    """Which row of each ``key`` speaks for it: one True a key.

    The rule, in this order: rows of ``prefer`` (a model's own name before a mirror's); measured as
    its kind is meant to be used (a raw base without chat template, any other model with one);
    bfloat16, then float16, then the rest; the latest submission; the first line.
    """
    import pandas as pd

    template = frame["chat_template"].astype("boolean")
    unusual = (template == base).fillna(True).astype(bool)
    ranks = pd.DataFrame(
        {
            "key": key,
            "mirror": ~prefer,
            "setting": unusual,
            "precision": frame["precision"].map(PRECISIONS).fillna(len(PRECISIONS)),
            "age": -frame["submitted"].fillna(_before()).astype("int64"),
            "row": frame["row"],
        }
    )
    best = ranks.sort_values(list(ranks.columns[1:]), kind="stable")
    return ~best["key"].duplicated(keep="first").reindex(frame.index)


def several_rows(frame: pd.DataFrame) -> dict[str, int]:
    """How many models stand in several rows, and in which settings those rows differ."""
    keys = _settings(frame)
    by_model = keys.groupby("model")
    many = by_model.size() > 1
    distinct = by_model.nunique()[many]
    return {
        "models": len(many),
        "models_in_several_rows": int(many.sum()),
        "models_in_several_precisions": int((distinct["precision"] > 1).sum()),
        "models_with_and_without_chat_template": int((distinct["chat_template"] > 1).sum()),
        "models_in_several_revisions": int((distinct["revision"] > 1).sum()),
    }


def missing_values(frame: pd.DataFrame) -> dict[str, int]:
    """How many rows lack each value that is sometimes lacking."""
    lacking = frame.drop(columns=[*SCORES, "average", "row"]).isna().sum()
    return {str(name): int(count) for name, count in lacking.items() if count}
