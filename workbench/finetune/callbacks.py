"""What happens between steps: the bar moves, checkpoints get their marker, a lost loss stops."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from workbench.errors import step_failed
from workbench.finetune.checkpoints import mark_whole
from workbench.progress import Progress, Tick


class Bar(TrainerCallback):
    """Reports steps to ``progress``; close it when training ends, however it ends."""

    def __init__(self, progress: Progress, label: str) -> None:
        self.progress, self.label = progress, label
        self.stack = ExitStack()
        self.tick: Tick | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.tick = self.stack.enter_context(self.progress.bar(self.label, state.max_steps))
        if state.global_step:
            self.tick(state.global_step, f"from checkpoint {state.global_step}")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self.tick:
            self.tick(1)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if self.tick and logs and "loss" in logs:
            self.tick(0, f"loss {float(logs['loss']):.3f}")

    def close(self) -> None:
        """Take the bar off the terminal."""
        self.stack.close()


class Guard(TrainerCallback):
    """Keeps checkpoints and the training curve trustworthy."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        # The trainer averages the loss since the last log, and a checkpoint does not hold that
        # sum: logging at each save keeps a resumed run's curve equal to an uninterrupted one's.
        if control.should_save:
            control.should_log = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if logs and "loss" in logs and not math.isfinite(float(logs["loss"])):
            raise step_failed(
                f"the loss is {logs['loss']} at step {state.global_step}",
                "training has diverged; everything after this step would be noise",
                "lower learning_rate, raise warmup_ratio, or load the base in bfloat16 or "
                "float32 instead of float16",
            )

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")
