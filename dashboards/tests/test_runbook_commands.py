"""Commands of the runbooks that can run here are taken from their pages and run; rollback.md has a test of its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dashboards import runbook
from e2e import keys
from proxy.keypair import KeyPairSigner

PAGES = runbook.load()
WAIT_S = 20.0


def commands(page: str, program: str) -> list[str]:
    """The page's command lines in which a program is run."""
    found = [
        line
        for block in PAGES[page].blocks
        if block.language == "bash"
        for line in block.text.splitlines()
        if program in line
    ]
    assert found, f"{page}.md does not run {program}"
    return found


def shell(command: str) -> str:
    """What the command prints; it succeeds."""
    done = subprocess.run(  # noqa: S603 - the page's own commands are what is tested
        ["/bin/bash", "-euo", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_fingerprint_of_a_key_is_what_snowflake_is_shown(tmp_path: Path) -> None:
    """The command for a refused credential gives the same fingerprint as the proxy puts into its tokens."""
    key = keys.ensure(tmp_path).private_key
    (command,) = commands("CortexProxyUpstreamUnauthorized", "openssl rsa")
    printed = shell(command.replace("/run/secrets/private_key", shlex.quote(str(key)))).strip()
    signer = KeyPairSigner("MYORG-BENCH", "CORTEX_PROXY_USER", key)
    assert printed
    assert signer._issuer.endswith(f".SHA256:{printed}")


@pytest.fixture
def collector() -> Iterator[int]:
    """The port of what takes any OTLP request, as a collector takes an empty one."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take it."""
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_collector_is_asked_as_the_page_says(collector: int) -> None:
    """The one-liner, which needs nothing but Python, prints 200 where one answers."""
    (command,) = commands("CortexProxyTelemetryLost", "kubectl exec")
    words = shlex.split(command)
    assert words[words.index("--") + 1 : -1] == ["python", "-c"]
    program = words[-1].replace("collector:4318", f"127.0.0.1:{collector}")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=WAIT_S)  # noqa: S603
    assert (done.stdout.strip(), done.returncode) == ("200", 0), done.stderr


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """The address of an Alertmanager without alerts."""
    program = shutil.which("prometheus-alertmanager")
    assert program, "prometheus-alertmanager is missing: apt-get install prometheus-alertmanager"
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="utf-8")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{sock.getsockname()[1]}"
    arguments = [f"--config.file={config}", f"--storage.path={tmp_path / 'data'}", "--cluster.listen-address="]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - Alertmanager
            [program, *arguments, f"--web.listen-address={address}"], stdout=log, stderr=log, cwd=tmp_path
        )
    try:
        _wait_for(f"http://{address}/-/ready", process, tmp_path / "log")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(WAIT_S)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"Alertmanager does not answer: {log.read_text(encoding='utf-8')}")


def test_a_known_alert_is_silenced_and_the_silence_seen(alertmanager: str) -> None:
    """The incident page's two commands make a silence of an hour, and show it."""
    add, query = (
        each.replace("http://127.0.0.1:9093", alertmanager) for each in commands("incident-response", "amtool")
    )
    name = shell(add).strip()
    assert name in shell(query)
    with urllib.request.urlopen(f"{alertmanager}/api/v2/silence/{name}", timeout=5) as answer:  # noqa: S310 - loopback
        made = json.load(answer)
    assert {each["name"] for each in made["matchers"]} == {"alertname", "job"}
    assert made["status"]["state"] == "active"
