"""Hub bases: the real client, against a hub of one process on this machine, and with none."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"

#: Run in a process of its own: the client reads its environment once, when it is imported.
PROBE = """
import json, sys
from workbench.bases.config import BaseConfig
from workbench.bases.identity import identity
from workbench.bases.locate import locate, read_config
from workbench.errors import UserError
config = BaseConfig(**json.loads(sys.argv[1]))
out = {"before": identity(config), "config": read_config(config) is not None}
try:
    folder = locate(config)
    out["files"] = sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))
    out["after"] = identity(config)
except UserError as error:
    out["error"] = str(error)
print(json.dumps(out))
"""


def probe(home: Path, endpoint: str | None, **config: object) -> dict:
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    env |= {"HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    env |= {"HF_ENDPOINT": endpoint} if endpoint else {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps({"base_model": "org/name", **config})],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def cache(home: Path, checkpoint: Path, revision: str = "main") -> Path:
    """What the hub client leaves on disk after a download."""
    repo = home / "hub" / "models--org--name"
    snapshot = repo / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / revision).write_text(COMMIT)
    (repo / "blobs").mkdir()
    for file in (p for p in checkpoint.iterdir() if p.is_file()):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copy(file, repo / "blobs" / digest)
        (snapshot / file.name).symlink_to(Path("../../blobs") / digest)
    return snapshot


def test_cached_model_needs_no_network(tiny_folder, tmp_path):
    cache(tmp_path, tiny_folder("llama"))
    found = probe(tmp_path, None)
    assert found["before"] == {"kind": "hub", "id": "org/name", "commit": COMMIT}
    assert found["config"] and "model.safetensors" in found["files"]


@pytest.mark.parametrize("revision", ["v1.0", COMMIT])
def test_cached_revision(tiny_folder, tmp_path, revision):
    cache(tmp_path, tiny_folder("llama"), "v1.0")
    assert probe(tmp_path, None, revision=revision)["before"]["commit"] == COMMIT
    other = probe(tmp_path, None)
    assert other["before"] == {"kind": "hub", "id": "org/name", "revision": "main"}
    assert "error" in other


def test_offline_and_missing_says_so_at_once(tmp_path):
    started = time.monotonic()
    error = probe(tmp_path, None, revision="abc")["error"]
    assert time.monotonic() - started < 10
    assert "not in the local cache" in error
    assert "hf download org/name --revision abc" in error


def test_offline_and_misspelt_gets_the_likely_name(tmp_path):
    error = probe(tmp_path, None, base_model="Qwen/Qwen2-7BB")["error"]
    assert "Qwen/Qwen2-7B" in error.split("did you mean")[1]


def test_unreachable_hub_does_not_hang(tmp_path):
    started = time.monotonic()
    # A port that refuses, as a firewall would.
    error = probe(tmp_path, "http://127.0.0.1:9")["error"]
    assert "cannot be reached" in error
    assert time.monotonic() - started < 20


class Hub(ThreadingHTTPServer):
    """As much of the hub as its client asks for: a model's listing, and its files."""

    def __init__(self, folder: Path, status: int = 200) -> None:
        self.folder, self.status, self.asked = folder, status, []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def _answer(self, body: bytes, **headers: str) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path)
        self.server.asked.append(path)
        if self.server.status != 200 or (
            "/revision/" in path and path.split("/revision/")[1] not in ("main", COMMIT)
        ):
            code = {401: "GatedRepo", 404: "RepoNotFound", 200: "RevisionNotFound"}
            self.send_response(404 if self.server.status == 200 else self.server.status)
            self.send_header("X-Error-Code", code[self.server.status])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        files = [p for p in sorted(self.server.folder.rglob("*")) if p.is_file()]
        names = [str(p.relative_to(self.server.folder)) for p in files]
        if "/tree/" in path:
            rows = [
                {"type": "file", "path": n, "size": p.stat().st_size, "oid": _oid(p)}
                for n, p in zip(names, files, strict=True)
            ]
            self._answer(json.dumps(rows).encode(), Content_Type="application/json")
        elif path.startswith("/api/models/org/name"):
            siblings = [
                {"rfilename": n, "size": p.stat().st_size, "blobId": _oid(p)}
                for n, p in zip(names, files, strict=True)
            ]
            body = {"id": "org/name", "modelId": "org/name", "sha": COMMIT, "siblings": siblings}
            self._answer(json.dumps(body).encode(), Content_Type="application/json")
        else:
            file = self.server.folder / path.split(f"/resolve/{COMMIT}/")[1]
            self._answer(file.read_bytes(), ETag=f'"{_oid(file)}"', X_Repo_Commit=COMMIT)

    do_HEAD = do_GET

    def log_message(self, *args: object) -> None:
        return None


def _oid(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def repository(tiny_folder, tmp_path) -> Path:
    folder = Path(shutil.copytree(tiny_folder("llama"), tmp_path / "repository"))
    (folder / "pytorch_model.bin").write_bytes(b"never fetched")
    (folder / "modeling.py").write_text("raise SystemExit")
    (folder / "original").mkdir()
    shutil.copy(folder / "model.safetensors", folder / "original")
    return folder


@pytest.fixture
def serve() -> Iterator[object]:
    running: list[Hub] = []

    def start(folder: Path, status: int = 200) -> Hub:
        running.append(Hub(folder, status))
        threading.Thread(target=running[-1].serve_forever, daemon=True).start()
        return running[-1]

    yield start
    for hub in running:
        hub.shutdown()
        hub.server_close()


def test_download_takes_weights_and_leaves_pickle_and_code(repository, serve, tmp_path):
    hub = serve(repository)
    found = probe(tmp_path / "home", hub.endpoint)
    assert "error" not in found, found["error"]
    assert found["before"]["revision"] == "main" and found["after"]["commit"] == COMMIT
    assert found["files"] == [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert not any(p.endswith((".bin", ".py")) for p in hub.asked)
    # From now on the cache is enough.
    assert probe(tmp_path / "home", None)["files"] == found["files"]


def test_broken_download_is_taken_up_again(repository, serve, tmp_path):
    home = tmp_path / "home"
    snapshot = cache(home, repository)
    (snapshot / "model.safetensors").unlink()
    assert "only partly" in probe(home, None)["error"]
    assert "model.safetensors" in probe(home, serve(repository).endpoint)["files"]


def test_pickle_repository_is_refused_before_download(repository, serve, tmp_path):
    (repository / "model.safetensors").unlink()
    hub = serve(repository)
    assert "only pickle: pytorch_model.bin" in probe(tmp_path / "home", hub.endpoint)["error"]
    assert not any("/resolve/" in path for path in hub.asked)


@pytest.mark.parametrize(
    ("status", "config", "said"),
    [
        (401, {}, "is gated"),
        (404, {}, "not on the hub"),
        (200, {"revision": "v9"}, "no revision 'v9'"),
    ],
)
def test_what_the_hub_refuses(repository, serve, tmp_path, status, config, said):
    assert said in probe(tmp_path / "home", serve(repository, status).endpoint, **config)["error"]
