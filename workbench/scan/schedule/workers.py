"""Who runs a scan's jobs: this process, or several, each with the model in its own memory."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.errors import step_failed
from workbench.progress import Tick
from workbench.relayer.path import Path
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.limits import Work
from workbench.scan.schedule.request import Generation, Reading, Reply, Text
from workbench.scan.schedule.sweep import sweep
from workbench.scan.schedule.trie import build

OpenDecoder = Callable[[], Decoder]


@dataclass(frozen=True)
class Job:
    """Questions of one kind under some paths, to be answered in one go."""

    paths: Sequence[Path]
    questions: Sequence[Reading] | Sequence[Generation]
    budget_bytes: int

    @property
    def ticks(self) -> int:
        """What answering it moves a bar on by."""
        new = [q.max_new_tokens for q in self.questions if isinstance(q, Generation)]
        return len(self.paths) * sum(new) if new else build(self.paths).passes * len(self.questions)


@dataclass(frozen=True)
class Done:
    """The answers to a job: ``answers[path][question]``, and what they cost."""

    answers: Sequence[Sequence[Reply]] | Sequence[Sequence[Text]]
    work: Work


class Workers(Protocol):
    """Answers jobs, in whatever order they are done."""

    def answer(self, jobs: Sequence[Job], tick: Tick | None) -> Iterator[tuple[int, Done]]:
        """Each job's number and what came of it; ``tick`` is moved on by :attr:`Job.ticks`."""

    def close(self) -> None:
        """Let go of the processes."""


class Alone:
    """This process, with the decoder that it has."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def answer(self, jobs: Sequence[Job], tick: Tick | None) -> Iterator[tuple[int, Done]]:
        """One job after the other."""
        for number, job in enumerate(jobs):
            yield number, answer(self._decoder, job, tick)

    def close(self) -> None:
        """Nothing to let go of."""


class Crew:
    """``count`` processes. With several GPUs each takes one; on a CPU they share the cores."""

    def __init__(self, open_decoder: OpenDecoder, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        numbers = context.Queue()
        for number in range(count):
            numbers.put(number)
        self._pool = ProcessPoolExecutor(
            count, context, initializer=_start, initargs=(open_decoder, count, numbers)
        )

    def answer(self, jobs: Sequence[Job], tick: Tick | None) -> Iterator[tuple[int, Done]]:
        """All jobs at once; each is given back as soon as it is done."""
        ahead = {self._pool.submit(_answer_here, job): n for n, job in enumerate(jobs)}
        try:
            while ahead:
                done, _ = wait(ahead, return_when=FIRST_COMPLETED)
                for future in done:
                    number = ahead.pop(future)
                    result = future.result()
                    if tick is not None:
                        tick(jobs[number].ticks)
                    yield number, result
        except BrokenProcessPool as error:
            raise step_failed(
                "a worker of the scan was killed",
                "most often for want of memory: every worker holds the model",
                "use fewer workers or a smaller memory_gib; the same command goes on from here",
            ) from error
        finally:
            for future in ahead:
                future.cancel()

    def close(self) -> None:
        """End the processes; what they were at is not waited for, and lost."""
        # Left to themselves they end their jobs first, and Python waits for that when it is left.
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


def answer(decoder: Decoder, job: Job, tick: Tick | None = None) -> Done:
    """The answers to one job."""
    from workbench.scan.schedule.generate import generate

    work = Work()
    first = next(iter(job.questions), None)
    if isinstance(first, Generation):
        texts = generate(
            decoder,
            job.paths,
            [q for q in job.questions if isinstance(q, Generation)],
            budget_bytes=job.budget_bytes,
            tick=tick,
            work=work,
        )
        return Done(texts, work)
    readings = [q for q in job.questions if isinstance(q, Reading)]
    replies = sweep(
        decoder, job.paths, readings, budget_bytes=job.budget_bytes, tick=tick, work=work
    )
    return Done(replies, work)


#: The decoder of a worker process, opened once when it starts.
_decoder: Decoder | None = None


def _start(open_decoder: OpenDecoder, count: int, numbers: Any) -> None:
    global _decoder
    import signal

    # Ctrl-C reaches the whole group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    number = numbers.get()
    import torch

    if torch.cuda.device_count() > 1:
        torch.cuda.set_device(number % torch.cuda.device_count())
    torch.set_num_threads(max(1, torch.get_num_threads() // count))
    _decoder = open_decoder()


def _end_with_parent() -> None:
    # A parent that is killed cannot end its workers, and each of them holds the model.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer_here(job: Job) -> Done:
    if _decoder is None:
        raise RuntimeError("a worker answers only after it has started")
    return answer(_decoder, job)
