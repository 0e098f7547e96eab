"""A server that answers as the hub does where ``datasets`` asks it for a data set."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c0ffee" * 6 + "c0de"


@contextmanager
def serve(repos: Path, closed: frozenset[str] = frozenset()) -> Iterator[str]:
    """The address of a hub whose data sets are the folders ``repos/OWNER/NAME``.

    Those in ``closed`` are refused as a gated data set is to one who was not let in.
    """

    class Hub(_Answers):
        root, gated = repos, closed

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Answers(BaseHTTPRequestHandler):
    root: Path
    gated: frozenset[str]

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        found = re.match(
            r"/(?:api/)?datasets/([^/]+/[^/]+)(?:/(resolve|tree|revision)/([^/]+)/?(.*))?$", path
        )
        if not found or not (self.root / found[1]).is_dir():
            return self._send(404, b"{}", X_Error_Code="RepoNotFound")
        name, what, inner = found[1], found[2], found[4] or ""
        if name in self.gated:
            return self._send(403, b"{}", X_Error_Code="GatedRepo")
        if what == "resolve":
            return self._file(self.root / name / inner)
        if what == "tree":
            return self._listing(self.root / name, inner)
        return self._json({"id": name, "sha": COMMIT, "siblings": [], "tags": []})

    do_HEAD = do_GET

    def _file(self, path: Path) -> None:
        if not path.is_file():
            return self._send(404, X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)
        content = path.read_bytes()
        return self._send(
            200, content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', X_Repo_Commit=COMMIT
        )

    def _listing(self, repo: Path, folder: str) -> None:
        if not (repo / folder).is_dir():
            return self._send(404, b"{}", X_Error_Code="EntryNotFound")
        entries = []
        for path in sorted((repo / folder).iterdir()):
            entry = {"path": str(path.relative_to(repo)), "oid": "0" * 40, "size": 0}
            if path.is_file():
                entry["size"] = path.stat().st_size
            entries.append({**entry, "type": "file" if path.is_file() else "directory"})
        return self._json(entries)

    def _json(self, data: object) -> None:
        self._send(200, json.dumps(data).encode(), Content_Type="application/json")

    def _send(self, code: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: what was asked is no part of a test's output."""
