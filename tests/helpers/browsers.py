"""Jupyter servers and a browser for the tests that need them: Debian's Chromium (`apt install chromium`), driven by Playwright."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.paths import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 120_000  # milliseconds: a page waits for a kernel that loads PyTorch, perhaps on a busy machine

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium")


@contextmanager
def browser():
    """A browser context of its own, in which nothing moves by itself."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]  # the superuser has no sandbox
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        context = started.new_context(viewport={"width": 1280, "height": 960}, accept_downloads=True, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        yield context
        started.close()


@contextmanager
def jupyter(home: Path, *command: str) -> Iterator[str]:
    """The address of a server that `python -m` starts, with settings of its own under `home`; stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    folders |= {f"JUPYTERLAB_{name}_DIR": str(home / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    quiet = home / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"  # no question whether to fetch news
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    folders |= {name: str(ROOT / "notebooks/app") for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")}  # as in the Makefile
    environment = {**os.environ, **folders, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
    log = home / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command, f"--port={port}", "--no-browser"], env=environment, stdout=output, stderr=output
        )
    try:
        end = time.monotonic() + PATIENCE / 1000
        while not listens(port):
            assert server.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
