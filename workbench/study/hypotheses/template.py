"""Template fit: does the treatment teach the task, or only the form in which it is asked?

Part of what training gains is a base's recovery from a template that does not suit it: under a
better one, or none, it scores much of that gain before any training (Liu et al., "Understanding
R1-Zero-Like Training: A Critical Perspective", arXiv 2503.20783).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.study.hypotheses._arms import (
    BEFORE,
    KEY,
    TREATMENT,
    Items,
    Numbers,
    by_item,
    interval,
    join,
    paired,
    share_of,
    surely_above,
)
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

    from workbench.study.questions.items import Template

#: The share of the gain that must surely vanish.
SHARE = 0.5
#: The fewest templates, the task's own not counted.
TEMPLATES = 4
_ASKED = "template "


class TemplateFit(Hypothesis):
    """The share of the gain that the best template gives without any training."""

    name: ClassVar[str] = "template"
    title: ClassVar[str] = "Template fit"
    question: ClassVar[str] = (
        "Does the gain vanish when the base is asked in the template that suits it best?"
    )
    statistic: ClassVar[str] = "share of the gain that the best template gives without training"
    unit: ClassVar[str] = "share"
    procedure: ClassVar[str] = (
        "The base answers the items of the tasks greedily under each template; an answer counts "
        "where it is the target but for case, white space and signs around it. On half of the "
        "items the best template is chosen, the task's own form, as scored, among them; on the "
        "other half its score less the score in the task's own form is set against the gain of "
        "the treatment. The interval is a bootstrap over items, drawn within tasks and by "
        "cluster, in which the template is chosen anew each time."
    )
    rule: ClassVar[str] = (
        f"Fires where the lower end of the interval is above {SHARE:g}; undecided where the "
        "interval lies on both sides of it, or where the gain is too small to take a share of."
    )
    cost: ClassVar[str] = "one generated answer an item and template"
    paper: ClassVar[str] = "arXiv 2503.20783"
    control: ClassVar[tuple[str, ...]] = ("other_template",)
    sign: ClassVar[int] = 1
    margin: ClassVar[float] = 0.1
    needs: ClassVar[tuple[Need, ...]] = ("scores", "treatment")
    #: ``items`` of each task are asked at most; ``least`` is the gain below which no share of it
    #: is taken.
    options: ClassVar[Mapping[str, Any]] = {
        "items": 256,
        "max_new_tokens": 32,
        "batch_size": 32,
        "least": 0.05,
    }

    def measure(self, subject: Subject) -> Finding:
        """The share on half B; no value where the treatment gained next to nothing."""
        from workbench.study.questions.asking import can_ask

        options = {**self.options, **subject.options}
        items = paired(subject, [TREATMENT])
        if isinstance(items, str):
            return Finding(None, None, 0, f"Not measured: {items}.")
        templates = [one for one in subject.templates if can_ask(one, subject.tokenizer)]
        if len(templates) < TEMPLATES:
            words = f"Not measured: only {len(templates)} templates fit its tokenizer."
            return Finding(None, None, len(items), words)
        assert subject.before is not None
        columns = {
            BEFORE: by_item(subject.before),
            TREATMENT: by_item(subject.after[TREATMENT]),
            **_asked(subject, options, templates),
        }
        asked = join(columns, subject)
        if isinstance(asked, str):
            return Finding(None, None, 0, f"Not measured: {asked}.")
        return self._judge(asked, subject.seed, float(options["least"]))

    def _judge(self, items: Items, seed: int, least: float) -> Finding:
        first, second = items.half(True), items.half(False)
        if not len(first) or not len(second):
            return Finding(None, None, len(items), "Not measured: too few items for two halves.")
        # The task's own form stands first: it is the best where another only equals it.
        names = [name for name in items.arms if name != TREATMENT]
        order, after = [items.arms.index(n) for n in names], items.arms.index(TREATMENT)
        chosen, means = first.means()[order], second.means()
        best = int(np.argmax(chosen))
        again = first.resampled(seed, "template A")[:, order].argmax(axis=1)
        drawn = second.resampled(seed, "template B")
        gain_draws = drawn[:, after] - drawn[:, order[0]]
        gain, found = means[after] - means[order[0]], means[order[best]] - means[order[0]]
        parts: dict[str, Any] = {
            "best": _shown(names[best]),
            "scores": {_shown(n): float(means[items.arms.index(n)]) for n in names},
            "scores_a": {_shown(n): float(s) for n, s in zip(names, chosen, strict=True)},
            "after": float(means[after]),
            "gain": [float(gain), *interval(gain_draws)],
            "chosen_again": float((again == best).mean()),
        }
        if parts["gain"][1] <= least:
            words = f"Not measured: the treatment gains {gain:+.2f}, too little to take a share of."
            return Finding(None, None, len(second), words, parts)
        better = drawn[np.arange(len(drawn)), np.array(order)[again]] - drawn[:, order[0]]
        words = (
            f"No template is better than the task's own (score {means[order[0]]:.2f})."
            if best == 0
            else f"Asked as {_shown(names[best])!r} it scores {means[order[best]]:.2f} untrained, "
            f"in the task's own form {means[order[0]]:.2f}, after the treatment "
            f"{means[after]:.2f}: {found / gain:.0%} of the gain."
        )
        ends = interval(share_of(better, gain_draws))
        return Finding(float(found / gain), ends, len(second), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Each base by itself."""
        return surely_above(finding, SHARE)


def _asked(
    subject: Subject, options: Mapping[str, Any], templates: Sequence[Template]
) -> dict[str, pd.Series]:
    """Right (1) or wrong (0) by item, a series a template."""
    import pandas as pd

    from workbench.study.questions.asking import answer_greedy, exact, prompt
    from workbench.study.questions.task_items import items_of

    assert subject.before is not None
    rows = subject.before.drop_duplicates(KEY).sort_values(KEY)
    rows = rows[_sample(rows, int(options["items"]), subject.seed)]
    asked = [item for task in rows["task"].unique() for item in items_of(rows, task)]
    index = pd.MultiIndex.from_frame(rows[KEY])
    model = subject.model()
    found: dict[str, pd.Series] = {}
    with subject.progress.bar("Templates", len(templates)) as tick:
        for template in templates:
            answers = answer_greedy(
                model,
                subject.tokenizer,
                [prompt(item.question, template, subject.tokenizer) for item in asked],
                int(options["max_new_tokens"]),
                int(options["batch_size"]),
            )
            right: Numbers = np.array(
                [float(exact(a, item.answer)) for a, item in zip(answers, asked, strict=True)]
            )
            found[_ASKED + template.name] = pd.Series(right, index=index)
            tick()
    return found


def _sample(rows: pd.DataFrame, count: int, seed: int) -> Any:
    """At most ``count`` items of each task, drawn by a hash of what they are."""
    drawn = rows.assign(
        draw=[zlib.crc32(f"{seed} {'/'.join(key)}".encode()) for key in rows[KEY].to_numpy()]
    )
    return drawn.groupby("task")["draw"].rank(method="first") <= count


def _shown(name: str) -> str:
    return "the task's own" if name == BEFORE else name.removeprefix(_ASKED)
