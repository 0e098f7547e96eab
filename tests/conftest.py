"""Models shared by all tests of a session: built once, in a fraction of a second each."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

# Before any test imports torch or a hub client. Threads that spin against a busy neighbour are
# slow, and no test may reach the network.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

# A shell that starts a command in the background has it ignore Ctrl-C, and all its children too:
# those that test Ctrl-C would never see it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``tiny_folder(arch, seed=0, **size)``: a folder with an untrained tiny checkpoint.

    ``arch`` is one of ``workbench.bases.tiny.architectures.ARCHITECTURES``. Six layers unless
    ``size`` says otherwise, with tokenizer and chat template. Every caller of a session gets the
    same folder for the same arguments, so it must not be written to: copy it first.
    """
    made: dict[tuple[object, ...], Path] = {}

    def folder(arch: str, seed: int = 0, **size: object) -> Path:
        from workbench.bases.tiny.architectures import write

        key = (arch, seed, *sorted(size.items()))
        if key not in made:
            made[key] = write(
                arch, tmp_path_factory.mktemp(f"{arch}-{seed}", numbered=True), seed, **size
            )
        return made[key]

    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public tables that this project may read but not ship; skips without it.

    ``WORKBENCH_SHARED_DATA`` says where it is, else ``shared/data`` beside the checkout.
    """
    folder = Path(
        os.environ.get("WORKBENCH_SHARED_DATA")
        or Path(__file__).resolve().parents[2] / "shared" / "data"
    )
    if not folder.is_dir():
        pytest.skip("the public tables are not here (set WORKBENCH_SHARED_DATA)")
    return folder
