"""Around a call of mergekit: nothing left of a failure, no stale caches, its words kept."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import WorkbenchError, step_failed
from workbench.merge.config import MergeConfig
from workbench.store.disk import is_full


@contextlib.contextmanager
def nothing_stays(out: Path) -> Iterator[None]:
    """Removes what was written to ``out`` when the work inside is left by any exception."""
    existed = out.exists()
    before = set(out.rglob("*")) if existed else set()
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in sorted(set(out.rglob("*")) - before, reverse=True):
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        if not existed:
            out.rmdir()
        raise


@contextlib.contextmanager
def fresh_caches() -> Iterator[None]:
    """mergekit keeps loaders and inferred architectures by path for the life of the process; a
    folder that is written anew would be read with the old one's index."""
    from mergekit.architecture.auto import infer_architecture_info
    from mergekit.io.tasks import LoaderCache

    LoaderCache.loaders.clear()
    infer_architecture_info.cache_clear()
    try:
        yield
    finally:
        LoaderCache.loaders.clear()


@contextlib.contextmanager
def told_apart(config: MergeConfig) -> Iterator[None]:
    """mergekit's own exceptions as fact, cause and remedy; a full disk or memory as they are."""
    try:
        yield
    except (WorkbenchError, OSError, MemoryError):
        raise
    except Exception as error:
        if is_full(error) or "out of memory" in str(error).lower():
            raise
        raise step_failed(
            f"mergekit could not merge with {config.merge_method}",
            f"{type(error).__name__}: {' '.join(str(error).split())[:500]}",
            "the message above is mergekit's; check the method's parameters and the models",
        ) from error


@contextlib.contextmanager
def heard_warnings() -> Iterator[list[str]]:
    """What mergekit says in warnings, each once, for the record instead of the screen."""
    heard: list[str] = []

    class _Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            if "mergekit" in record.pathname and text not in heard:
                heard.append(text)

    ear = _Ear(level=logging.WARNING)
    root = logging.getLogger()
    root.addHandler(ear)
    try:
        yield heard
    finally:
        root.removeHandler(ear)
