"""Any lm-eval task as a probe: its own requests, its own filters, its own scoring.

The task's documents are split into search and held-out items; prompts, few-shot examples and
seams are those that the harness uses, so a path scored here scores the same there.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import user_error
from workbench.evaluate.fitting import set_up
from workbench.evaluate.members import home_of
from workbench.evaluate.quiet import quiet_harness, seeded
from workbench.evaluate.tasks import load_tasks
from workbench.scan.probes.encode import Encoder, Ids
from workbench.scan.probes.items import Item, Split, halved
from workbench.scan.probes.readings import continuation_reading, total
from workbench.scan.probes.task_check import TaskOptions, local_tasks, task_folders, task_options
from workbench.scan.probes.task_fit import (
    check_kind,
    check_requests,
    chosen_filter,
    floors,
    usable_metrics,
    value,
)
from workbench.scan.schedule.request import Generation, Reading, Reply

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import Task

#: Few-shot examples are chosen by this seed, as ``lm_eval --seed 0`` chooses them.
FEWSHOT_SEED = 0
#: What the harness generates at most where a task sets nothing.
DEFAULT_MAX_GEN_TOKS = 256


def task_probe(name: str, options: Mapping[str, Any]) -> TaskProbe:
    """The probe of an lm-eval task, from ``evals/tasks`` or lm-eval's own.

    lm-eval's index, which takes many seconds to read, is read only for what may lie anywhere in it.

    Raises:
        UserError: there is no such task, it is a group, an option does not fit, or it asks for
            what a scan cannot do.
        StepFailed: its data is neither cached nor reachable.
    """
    settings = task_options(options)
    local = local_tasks()
    from lm_eval.tasks import TaskManager

    with quiet_harness(), seeded(FEWSHOT_SEED):
        home = home_of(name) if name not in local else None
        manager = TaskManager(
            include_path=[str(folder) for folder in (*task_folders(), *([home] if home else []))],
            include_defaults=name not in local and home is None,
        )
        tasks = load_tasks(manager, name, local.get(name))
        if len(tasks) != 1:
            raise user_error(
                f"{name} is a group of {len(tasks)} tasks",
                "a probe is one task",
                f"name its members, such as task:{min(tasks)}",
            )
        (task,) = tasks.values()
        set_up(
            name,
            task,
            num_fewshot=settings.num_fewshot,
            max_gen_toks=settings.max_gen_toks,
            seed=FEWSHOT_SEED,
            where=None,
        )
        check_kind(name, task)
    return TaskProbe(name, task, settings)


class TaskProbe:
    """One lm-eval task. ``metrics`` are those of the task that have a value for every item."""

    floors: Mapping[str, float]

    def __init__(self, name: str, task: Task, settings: TaskOptions) -> None:
        self.name = name
        self.needs_generation = task.OUTPUT_TYPE == "generate_until"
        self._task = task
        self._filter = chosen_filter(name, task, settings.filter)
        self._metrics = usable_metrics(name, task, settings.metric)
        self.metrics = tuple(self._metrics)
        self.floors = floors(task, self.metrics)
        self._built_for: str | None = None
        self._requests: dict[str, list[Instance]] = {}
        self._asked: dict[str, list[list[Ids]]] = {}

    def items(self, count: int, *, seed: int, split: Split) -> list[Item]:
        docs = self._task.eval_docs
        chosen = halved(range(len(docs)), count, seed=seed, split=split)
        return [
            Item(str(at), str(self._task.doc_to_text(docs[at])), self._task.doc_to_target(docs[at]))
            for at in chosen
        ]

    def ask(self, item: Item, encoder: Encoder) -> list[Reading] | Generation:
        """Forward-only questions for likelihoods, or one generation.

        Raises:
            UserError: a request's text leaves nothing to read.
        """
        requests = self._requests_of(item, encoder)
        if self.needs_generation:
            return _generation(self.name, requests, encoder)
        asked: list[list[Ids]] = []
        readings: list[Reading] = []
        for request in requests:
            pairs = _pairs(request, encoder)
            asked.append([continuation for _, continuation in pairs])
            readings += [continuation_reading(*pair, window=encoder.window) for pair in pairs]
        # Whether an answer is the likeliest one shows only beside the ids that were asked for.
        self._asked[item.id] = asked
        return readings

    def score(self, item: Item, replies: Sequence[Reply] | str) -> dict[str, float]:
        requests = self._requests[item.id]
        if isinstance(replies, str):
            answers: list[Any] = [_cut(replies, _until(requests[0]))]
        else:
            if any(math.isnan(total(reply)) for reply in replies):
                return dict.fromkeys(self.metrics, math.nan)
            rest = iter(replies)
            answers = [
                _answer(request, [(next(rest), ids) for ids in windows])
                for request, windows in zip(requests, self._asked[item.id], strict=True)
            ]
        given = self._task.process_results(requests[0].doc, self._filtered(requests, answers))
        return {
            metric: value(given[source], sign) for metric, (source, sign) in self._metrics.items()
        }

    def _filtered(self, requests: list[Instance], answers: list[Any]) -> list[Any]:
        """Answers as the task's filter leaves them, in copies: requests are asked of many paths."""
        asked = [copy.copy(request) for request in requests]
        for request, answer in zip(asked, answers, strict=True):
            request.resps, request.filtered_resps = [answer] * request.repeats, {}
        self._filter.apply(asked)
        return [request.filtered_resps[self._filter.name] for request in asked]

    def _requests_of(self, item: Item, encoder: Encoder) -> list[Instance]:
        # All at once: few-shot examples are drawn in the order of the documents.
        if self._built_for != encoder.template:
            self._requests = _build(self._task, encoder)
            self._built_for = encoder.template
            check_requests(self.name, self._requests.values())
        return self._requests[item.id]


def _build(task: Task, encoder: Encoder) -> dict[str, list[Instance]]:
    chat: dict[str, Any] = {}
    if encoder.chat:

        def render(turns: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            return encoder.chat_text(turns, opened=add_generation_prompt)

        chat = {
            "apply_chat_template": True,
            "fewshot_as_multiturn": True,
            "chat_template": render,
            "tokenizer_name": "",
        }
    with quiet_harness(), seeded(FEWSHOT_SEED):
        task.set_fewshot_seed(seed=FEWSHOT_SEED)
        task.build_all_requests(**chat)
    by_item: dict[str, list[Instance]] = {}
    for request in task.instances:
        by_item.setdefault(str(request.doc_id), []).append(request)
    return by_item


def _pairs(request: Instance, encoder: Encoder) -> list[tuple[Ids, Ids]]:
    """Context and continuation; several for a text that is longer than the model's window."""
    if request.request_type == "loglikelihood":
        context, continuation = request.args
        return [encoder.pair(context, continuation)]
    from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

    (text,) = request.args
    ids = list(encoder.encode(text))
    windows = get_rolling_token_windows(
        token_list=ids,
        prefix_token=encoder.prefix_id,
        max_seq_len=encoder.window or max(1, len(ids)),
        context_len=1,
    )
    return [(tuple(a), tuple(b)) for a, b in map(make_disjoint_window, windows)]


def _answer(request: Instance, windows: Iterable[tuple[Reply, list[Ids] | Ids]]) -> Any:
    """What lm-eval's model class returns: a likelihood, and whether it is the greedy answer."""
    found = list(windows)
    likelihood = math.fsum(total(reply) for reply, _ in found)
    if request.request_type == "loglikelihood_rolling":
        return likelihood
    return likelihood, all(reply.greedy == ids for reply, ids in found)


def _generation(name: str, requests: list[Instance], encoder: Encoder) -> Generation:
    context, kwargs = requests[0].args[0], requests[0].args[1]
    if kwargs.get("do_sample") and kwargs.get("temperature", 1.0) != 0:
        raise user_error(
            f"task {name} samples its answers",
            "a scan decodes greedily, so that paths differ by nothing but their layers",
            "choose a task with do_sample: false",
        )
    limit = int(kwargs.get("max_gen_toks", DEFAULT_MAX_GEN_TOKS))
    tokens = encoder.encode(context)
    if encoder.window is not None:
        if limit >= encoder.window:
            raise user_error(
                f"task {name} generates up to {limit} tokens and the model's window has "
                f"{encoder.window}",
                "no room is left for the prompt",
                "set max_gen_toks among the probe's options",
            )
        tokens = tokens[-(encoder.window - limit) :]
    stops = encoder.stop_ids | encoder.opening_ids(_until(requests[0]))
    return Generation(tokens, limit, frozenset(stops))


def _until(request: Instance) -> list[str]:
    until = request.args[1].get("until") or []
    return [until] if isinstance(until, str) else list(until)


def _cut(text: str, until: Iterable[str]) -> str:
    """``text`` up to the first of the task's stop words, each in turn as lm-eval cuts them."""
    for term in filter(None, until):
        text = text.split(term)[0]
    return text
