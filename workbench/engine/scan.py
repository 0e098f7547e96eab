"""``workbench scan MODEL``: a scan without a recipe, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.realise import Loaded, decoders, tokenizer_of
from workbench.progress import Progress
from workbench.store.seal import write_text_atomically
from workbench.versions import machine, versions

if TYPE_CHECKING:
    from workbench.bases.spec import ModelSpec
    from workbench.scan.config import ScanConfig
    from workbench.store.home import Home


def scan_model(
    config: ScanConfig,
    spec: ModelSpec,
    model: str,
    home: Home,
    *,
    out: Path | None,
    progress: Progress,
) -> tuple[dict[str, Any], Path]:
    """The result (the contents of scan.json), and the folder with results.json and scan.parquet.

    The folder is ``out``, or one in ``runs/`` named after the model. Measurements are kept under
    the home until the scan has ended: the same call goes on after a kill, and finds everything
    there once it is done.

    Raises:
        UserError: the home cannot be written to, or a probe does not fit the model.
        StepFailed: the architecture cannot be scanned.
    """
    from workbench.scan.run import RESULT, TABLE, scan

    home.prepare()
    key = _key(config, spec)
    label = re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip("-.")[-60:] or "model"
    name = f"scan-{label}"
    folder = out or home.runs / f"{name}-{key}"
    if out is not None:
        # Found out now, not after hours: whether it can be written to.
        out.mkdir(parents=True, exist_ok=True)
    stored = _finished(folder, key)
    if stored is not None:
        progress.line(f"everything was there already: {folder}")
        return stored, folder
    work = home.work / f"{name}-{key}"
    with home.claim(f"{name}-{key}", progress):
        loaded = Loaded(progress)
        record = scan(
            config,
            decoders(spec, config, work, loaded),
            tokenizer_of(spec),
            out=folder,
            work=work,
            progress=progress,
            model=model,
        )
        result: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        summary = {
            "name": name,
            "key": key,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": model,
            "config": config.model_dump(mode="json", exclude_none=True),
            "conditions": result["conditions"],
            **record,
            "table": TABLE,
            "versions": versions(),
            "machine": machine(),
        }
        # Last: a folder that has it is whole.
        text = json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_text_atomically(folder / "results.json", text)
        shutil.rmtree(work, ignore_errors=True)
    return result, folder


def _finished(folder: Path, key: str) -> dict[str, Any] | None:
    from workbench.scan.run import RESULT

    try:
        summary = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        if not isinstance(summary, dict) or summary.get("key") != key:
            return None
        result: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and "verdict" in result else None


def _key(config: ScanConfig, spec: ModelSpec) -> str:
    """12 hex digits over the model, the probes and all that a scan's figures depend on."""
    from workbench.bases.identity import identity
    from workbench.scan.config import HOW, STEP_VERSION
    from workbench.scan.probes.probe import probe_identity

    facts = {
        "base": identity(spec.root),
        "loading": spec.root.model_dump(mode="json", exclude={"base_model", "revision"}),
        "steps": [str(step) for step in spec.steps],
        "config": config.model_dump(mode="json", exclude={"model", "probes", *HOW}),
        "probes": [
            {
                "identity": probe_identity(each.name, each.options),
                "counts": [each.items, each.held_out, each.called],
            }
            for each in config.probes
        ],
        "version": STEP_VERSION,
    }
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
