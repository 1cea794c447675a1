"""The demo: a past that goes on, on loopback, that ends with whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dashboards import demo
from dashboards.demo import Demo, DemoError, Feed
from dashboards.history import INSTANCES, JOB, History, story
from e2e.stack import StackError, free_port

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _history(end_s: int, step_s: int = 60) -> History:
    return History(story(end_s // step_s * step_s, 0.05), step_s)


def _lines(page: str) -> dict[str, float]:
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in page.splitlines())}


@pytest.fixture(scope="module")
def feed() -> Iterator[Feed]:
    """A feed whose story ended an hour ago."""
    with Feed.serving(_history(int(time.time()) - 3600)) as served:
        yield served


@pytest.mark.parametrize("job", INSTANCES)
def test_the_present_goes_on_from_the_past(feed: Feed, job: str) -> None:
    """Each job has its page, of the latest step; what Prometheus writes by itself is left to it."""
    with _OPENER.open(f"http://127.0.0.1:{feed.port}/{job}", timeout=10) as answer:
        shown = _lines(answer.read().decode())
    assert time.time() - feed.history.at_s < 2 * feed.history.step_s
    assert all(f'job="{job}"' in name for name in shown)
    assert not any(name.startswith(("up{", "scrape_")) for name in shown)


def test_what_is_not_there_is_not_found(feed: Feed) -> None:
    """With its status."""
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _OPENER.open(f"http://127.0.0.1:{feed.port}/nobody", timeout=10)


def test_prometheus_accepts_what_it_is_told(feed: Feed, tmp_path: Path) -> None:
    """Every job is scraped as the past has it, and every rule goes on."""
    configuration = demo._configuration(tmp_path, 60, feed)
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(dict(configuration)), encoding="utf-8")
    command = ["promtool", "check", "config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    assert done.returncode == 0, done.stdout + done.stderr
    told = {
        each["job_name"]: each["static_configs"][0]["labels"]["instance"] for each in configuration["scrape_configs"]
    }
    assert told == dict(INSTANCES)


def _shown(tmp_path: Path) -> Path:
    return demo._provision(tmp_path, Demo("http://127.0.0.1:9090", _history(1_795_000_000), 120))


def test_grafana_is_given_the_dashboards_and_the_interval(tmp_path: Path) -> None:
    """With a shorter interval than the samples have, no rate would have a value."""
    provisioning = _shown(tmp_path)
    (source,) = yaml.safe_load((provisioning / "datasources" / "demo.yaml").read_text())["datasources"]
    assert source["jsonData"]["timeInterval"] == "120s"
    names = {path.name for path in (provisioning / "files").glob("*.json")}
    assert names == {path.name for path in (demo.ROOM / "generated" / "dashboards").glob("*.json")}
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "demo.yaml").read_text())["providers"]
    assert provider["options"]["path"].startswith("$GF_PATHS_PROVISIONING/")


def test_a_container_is_given_the_same(tmp_path: Path) -> None:
    """Read-only, and on loopback alone."""
    provisioning = _shown(tmp_path)
    words = demo._container(provisioning, 3000)
    assert f"-v={provisioning}:/etc/grafana/provisioning:ro" in words
    assert "GF_SERVER_HTTP_ADDR=127.0.0.1" in words


def test_a_grafana_at_hand_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the provisioning, and its address is told. Here a program that stands in for it."""
    program = tmp_path / "bin" / "grafana"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import http.server, os, pathlib\n"
        "assert pathlib.Path(os.environ['GF_PATHS_PROVISIONING'], 'files', 'overview.json').exists()\n"
        "address = os.environ['GF_SERVER_HTTP_ADDR'], int(os.environ['GF_SERVER_HTTP_PORT'])\n"
        "class Ready(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200), self.end_headers()\n"
        "http.server.HTTPServer(address, Ready).serve_forever()\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    said: list[str] = []
    port = free_port()
    with demo._shown(tmp_path, Demo("http://127.0.0.1:9", _history(1_795_000_000), 120), port, said.append):
        pass
    assert any(f"http://127.0.0.1:{port}/d/cortex-overview" in line for line in said)


def test_a_port_that_is_taken_is_named() -> None:
    """With the option that chooses another."""
    with Feed.serving(_history(1_795_000_000)) as other:
        shown = demo._previews(Demo("http://127.0.0.1:9", _history(1_795_000_000), 120), other.port)
        with pytest.raises(DemoError, match=f"port {other.port} is taken.*--grafana-port"), shown:
            pass


def test_without_prometheus_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's name."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="apt-get install prometheus"), demo._prometheus(tmp_path, 1, {}):
        pass


_RUN = (
    "import sys; from dashboards import demo; sys.exit(demo.run(days=0.02, step_s=30, grafana_port=int(sys.argv[1])))"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_ended(number: signal.Signals, tmp_path: Path) -> None:
    """It says where to look; the previews answer; and nothing is left, not even its folder."""
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        [sys.executable, "-c", _RUN, str(port)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        cwd=demo.ROOM.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = _looked_at(process, port)
    finally:
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == 0
    with pytest.raises(OSError, match="refused"):
        _OPENER.open(f"{url}/-/ready", timeout=5)
    assert not list(tmp_path.iterdir())


def _looked_at(process: subprocess.Popen[str], port: int) -> str:
    """Prometheus' address, once it and the previews have shown something."""
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if "Ctrl-C" in line:
            break
    url = next(line.split()[1] for line in said if line.startswith("Prometheus"))
    with _OPENER.open(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert "Preview" in answer.read().decode()
    with _OPENER.open(f"{url}/api/v1/query?query=cortex_proxy_streams_capacity", timeout=10) as answer:
        (series,) = json.load(answer)["data"]["result"]
    assert series["metric"]["job"] == JOB
    return url
