"""Redis, nginx, Prometheus and Alertmanager as a test needs them: on loopback, in a folder of its own, ended with it.

What is configured is what is shipped for users, with other addresses and a second for what takes minutes there.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from e2e.program import ALERTMANAGER, LOOPBACK, NGINX, PROMETHEUS, REDIS, Server, answers

ROOT = Path(__file__).parents[1]
SHIPPED_NGINX = ROOT / "proxy" / "deploy" / "nginx.conf"
SHIPPED_PROMETHEUS = ROOT / "dashboards" / "provisioning" / "prometheus" / "prometheus.yml"
SHIPPED_RULES = ROOT / "dashboards" / "generated" / "rules"

PROXY_JOB, MOCK_JOB = "cortex-proxy", "cortex-mock"
"""The jobs of the shipped configuration."""

ROUTING: Mapping[str, Any] = {
    "route": {"receiver": "nobody", "group_by": ["..."], "group_wait": "0s"},
    "receivers": [{"name": "nobody"}],
}
"""Every alert at once, to nobody: what Alertmanager holds is asked for."""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


# --- Redis


def redis(folder: Path) -> Server:
    """A Redis that keeps nothing.   Raises: StackError."""
    port = free_port()
    command = [REDIS.path(), "--port", str(port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
    command += ["--dir", str(folder)]
    return Server("redis", command, folder, f"redis://{LOOPBACK}:{port}/0", is_ready=partial(_pongs, port))


def _pongs(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1) as sock:
        sock.sendall(b"PING\r\n")
        return sock.recv(16).startswith(b"+PONG")
    return False


# --- nginx


def nginx(folder: Path, proxy_urls: Sequence[str], port: int = 0) -> Server:
    """nginx in front of proxies, which trust one hop.   port: 0 takes a free one.   Raises: StackError."""
    port = port or free_port()
    configuration = folder / "nginx.conf"
    shipped = SHIPPED_NGINX.read_text(encoding="utf-8")
    configuration.write_text(_alone(folder, balancing(shipped, proxy_urls, port)), encoding="utf-8")
    command = [NGINX.path(), "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    url = f"http://{LOOPBACK}:{port}"
    return Server("nginx", command, folder, url, is_ready=partial(answers, f"{url}/livez"))


def balancing(shipped: str, proxy_urls: Sequence[str], port: int) -> str:
    """The shipped configuration on a port, in front of these proxies.

    Without TLS, since a browser would not trust our certificate; and all of a proxy, page included, not its API alone.
    """
    servers = "\n".join(f"    server {url.removeprefix('http://')} \\g<how>;" for url in proxy_urls)
    ours = shipped
    for pattern, replacement in (
        (r"^    server 127\.0\.0\.1:8080 (?P<how>.*?);.*$", servers),
        (r"\blisten 443 ssl;", f"listen {LOOPBACK}:{port};"),
        (r"(^    ssl_\w+ .*;\n)+", ""),
        (r"^    location /api/v1/ \{", "    location / {"),
        (r"\n    # Probes .*\n    location / \{\n        return 404;\n    \}\n", ""),
    ):
        ours, count = re.subn(pattern, replacement, ours, flags=re.MULTILINE)
        assert count == 1, f"the shipped nginx.conf has {pattern!r} {count} times"
    return ours


def _alone(folder: Path, http: str) -> str:
    """A whole configuration around what stands inside its `http` block. One process, which leaves none behind."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    head = f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr notice;\nevents {{}}\n"
    return f"{head}http {{\naccess_log off;\n{temporary}{http}\n}}\n"


# --- Prometheus and Alertmanager


def prometheus(folder: Path, configuration: Mapping[str, Any], options: Sequence[str] = (), port: int = 0) -> Server:
    """A Prometheus; its data is in `<folder>/data`.   port: 0 takes a free one.   Raises: StackError."""
    port = port or free_port()
    command = [
        PROMETHEUS.path(),
        f"--config.file={_written(folder / 'prometheus.yml', configuration)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
        *options,
    ]
    url = f"http://{LOOPBACK}:{port}"
    return Server("prometheus", command, folder, url, is_ready=partial(answers, f"{url}/-/ready"))


def scraping(targets: Mapping[str, Sequence[str]], alertmanager_url: str | None = None) -> dict[str, Any]:
    """The shipped configuration with these targets, every second, and the shipped rules.

    targets: `host:port` of what each job scrapes.   alertmanager_url: who is told of alerts, if anybody.
    """
    shipped: dict[str, Any] = yaml.safe_load(SHIPPED_PROMETHEUS.read_text(encoding="utf-8"))
    managers = [] if alertmanager_url is None else [{"targets": [alertmanager_url.removeprefix("http://")]}]
    jobs = [
        {**job, "static_configs": [{"targets": list(targets[job["job_name"]])}]} for job in shipped["scrape_configs"]
    ]
    return {
        "global": dict.fromkeys(shipped["global"], "1s"),
        "rule_files": [str(SHIPPED_RULES / "*.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": managers}]},
        "scrape_configs": jobs,
    }


def alertmanager(folder: Path, routing: Mapping[str, Any] = ROUTING) -> Server:
    """An Alertmanager without peers.   Raises: StackError."""
    port = free_port()
    command = [
        ALERTMANAGER.path(),
        f"--config.file={_written(folder / 'alertmanager.yml', routing)}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    url = f"http://{LOOPBACK}:{port}"
    return Server("alertmanager", command, folder, url, is_ready=partial(answers, f"{url}/-/ready"))


def _written(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
    return path
