"""The rollback page is a command sequence: what can run here is run, the rest is held to the manifests."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import psutil
import pytest
import yaml

from contracts.api import EndReason, HistoryTurn
from dashboards import manifests, rules, runbook
from dashboards.runbook import Page
from e2e import bootstrap, keys
from proxy import VERSION, settings
from proxy.store import SqliteStore

ROOT = Path(__file__).parents[2]
PAGE = Page("rollback", (runbook.FOLDER / "rollback.md").read_text(encoding="utf-8"))
TESTED, CHECKED, YOURS = "bash tested", "bash checked", "bash yours"
WAIT_S = 30.0
BAD_VERSION = "9.9.9"
NEEDED = ("curl", "git", "promtool", "prometheus", "tail")


def blocks(info: str, section: str | None = None, page: Page = PAGE) -> list[str]:
    """The page's blocks with these words behind their fence; of one section when it is named."""
    text = page.text
    if section is not None:
        found = re.search(rf"(?ms)^## {re.escape(section)}$(.*?)(?=^## |\Z)", text)
        assert found, f"rollback.md has no section {section}"
        text = found[1]
    return [block.text for block in Page("part", text).blocks if block.info == info]


def shell(commands: str, folder: Path, names: Mapping[str, str]) -> str:
    """What the commands print, all of which succeed."""
    environment = {
        **os.environ,
        **bootstrap.inherited(),
        **names,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
    }
    done = subprocess.run(  # noqa: S603 - the page's own commands are what is tested
        ["/bin/bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{commands}\n--- printed\n{done.stdout}\n--- and\n{done.stderr}"
    return done.stdout


def until(holds: Callable[[], Any], what: str) -> Any:
    """What the function gives once it is true.   Raises: AssertionError after a while."""
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError, ValueError):
            if found := holds():
                return found
        time.sleep(0.05)
    raise AssertionError(f"not within {WAIT_S:g} s: {what}")


def ask(url: str, token: str | None = None, method: str = "GET") -> Any:
    """The JSON that a URL answers with."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers, method=method)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True)
class Repository:
    """A repository with a good commit and a bad one above it, which is checked out."""

    folder: Path
    good: str

    @classmethod
    def make(cls, folder: Path) -> Repository:
        """The proxy and the rules as they are here; the bad commit has another version, a broken rule and setting."""
        for room in ("contracts", "proxy"):
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        (folder / "e2e").mkdir()
        for name in ("harness.py", "e2e/__init__.py", "e2e/bootstrap.py"):
            shutil.copy(ROOT / name, folder / name)
        generated = folder / "dashboards" / "generated" / "rules"
        rules.write(generated)
        cls._commit(folder, "init", "good")
        good = cls._git(folder, "rev-parse", "HEAD").strip()
        for path, before, after in (
            (folder / "proxy" / "__init__.py", f'"{VERSION}"', f'"{BAD_VERSION}"'),
            (generated / "proxy.yaml", "sum by (job)", "sum by job"),
            (folder / "proxy" / "deploy" / "env" / "production.env", "MAX_STREAMS=200", "MAX_STREAMS=1"),
        ):
            text = path.read_text(encoding="utf-8")
            assert before in text, f"{path} has changed: the bad commit would be like the good one"
            path.write_text(text.replace(before, after), encoding="utf-8")
        cls._commit(folder, "bad")
        return cls(folder, good)

    @classmethod
    def _commit(cls, folder: Path, *steps: str) -> None:
        if steps[0] == "init":
            cls._git(folder, "init", "--quiet", "--initial-branch=main")
        cls._git(folder, "add", "--all")
        cls._git(folder, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", steps[-1])

    @staticmethod
    def _git(folder: Path, *arguments: str) -> str:
        git = shutil.which("git")
        assert git, "git is missing: apt-get install git"
        return subprocess.run([git, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout  # noqa: S603


@dataclass
class Proxy:
    """A proxy that runs from a repository, on a port and with files that outlive it."""

    state: Path
    port: int
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]
    after: list[int] = field(default_factory=list)
    """Processes that took its place."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def start(cls, source: Path, state: Path) -> Proxy:
        """It answers; its upstream is an address where nobody is."""
        made = keys.ensure(state)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(settings.ENV_PREFIX)},
            **bootstrap.inherited(),
            "CORTEX_PROXY_ENVIRONMENT": "development",
            "CORTEX_PROXY_SNOWFLAKE_URL": "http://127.0.0.1:9",
            "CORTEX_PROXY_ACCOUNT": "MYORG-BENCH",
            "CORTEX_PROXY_USER": "CORTEX_PROXY_USER",
            "CORTEX_PROXY_PRIVATE_KEY_FILE": str(made.private_key),
            "CORTEX_PROXY_SESSION_KEY_FILE": str(state / "session_key"),
            "CORTEX_PROXY_NEXT_SESSION_KEY_FILE": str(state / "next_session_key"),
            "CORTEX_PROXY_HISTORY_FILE": str(state / "history.sqlite3"),
        }
        if not (state / "session_key").exists():
            (state / "session_key").write_bytes(secrets.token_bytes(32))
        port = free_port()
        with (state / "proxy.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, str(source / "harness.py"), "proxy", "--port", str(port)],
                cwd=source,
                env=environment,
                stdout=log,
                stderr=log,
            )
        proxy = cls(state, port, environment, process)
        try:
            until(lambda: ask(f"{proxy.url}/livez"), f"the proxy answers; {state / 'proxy.log'}")
        except AssertionError:
            proxy.stop()
            raise
        return proxy

    def token(self) -> str:
        """A token of a new session."""
        return str(ask(f"{self.url}/api/v1/session/token", method="POST")["token"])

    def stop(self) -> None:
        """Everything that serves here has ended."""
        self.process.kill()
        self.process.wait()
        for pid in self.after:
            with contextlib.suppress(psutil.NoSuchProcess):
                its = psutil.Process(pid)
                its.terminate()
                its.wait(WAIT_S)


@pytest.fixture(scope="module")
def programs() -> None:
    """What the page's commands need is installed."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    assert not missing, f"{', '.join(missing)} missing: apt-get install curl git prometheus"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository whose last commit is bad."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return Repository.make(folder)


@pytest.fixture
def proxy(tmp_path: Path, repository: Repository) -> Iterator[Proxy]:
    """The bad commit's proxy, running."""
    state = tmp_path / "state"
    started = Proxy.start(repository.folder, state)
    yield started
    started.stop()


def remember(proxy: Proxy, token: str, question: str) -> str:
    """A turn is in the session's history, as if it had been asked; the session's id."""
    claims = jwt.decode(token, options={"verify_signature": False})
    store = SqliteStore(proxy.state / "history.sqlite3", 30, 500)
    turn = HistoryTurn(
        turn_id=secrets.token_hex(16),
        started_at=datetime.now(UTC),
        question=question,
        answer="forty-two",
        content=None,
        complete=True,
        end_reason=EndReason.COMPLETED,
        thread_id=None,
        assistant_message_id=None,
        usage=None,
        duration_ms=1.0,
        trace_id="0" * 32,
    )
    store.append(claims["sub"], claims["sid"], turn)
    store.close()
    return str(claims["sid"])


# --- what runs


def test_the_proxy_of_a_good_commit_takes_over_with_keys_and_history(
    programs: None, tmp_path: Path, repository: Repository, proxy: Proxy
) -> None:
    """The old version serves where the new one did; a reader's token and turns of before are good."""
    token = proxy.token()
    session = remember(proxy, token, "What is the answer?")
    assert ask(f"{proxy.url}/status")["version"] == BAD_VERSION
    old = tmp_path / "old"
    names = {
        **proxy.environment,
        "GOOD": repository.good,
        "OLD": str(old),
        "PORT": str(proxy.port),
        "PROXY_PID": str(proxy.process.pid),
        "TOKEN": token,
        "SESSION": session,
    }
    reaper = _reaps(proxy.process)
    before, taking, after = (blocks(TESTED, name) for name in ("Before you begin", "The proxy", "Afterwards"))

    shell("\n".join(before), repository.folder, names)
    shell(taking[0], repository.folder, names)
    proxy.after.append(int((tmp_path / "old.pid").read_text(encoding="utf-8")))
    printed = shell("\n".join(taking[1:]), repository.folder, names)

    assert printed.splitlines()[0] == VERSION
    assert "What is the answer?" in printed
    reaper()
    assert psutil.Process(proxy.after[0]).cwd() == str(old)
    with contextlib.closing(
        SqliteStore(Path(f"{names['CORTEX_PROXY_HISTORY_FILE']}.before-rollback"), 30, 500)
    ) as copy:
        claims = jwt.decode(token, options={"verify_signature": False})
        page = copy.page(claims["sub"], session, None, 10)
        assert page is not None
        assert page.turns[0].question == "What is the answer?"
    proxy.stop()
    shell("\n".join(after), repository.folder, names)
    assert not old.exists()


def _reaps(process: subprocess.Popen[bytes]) -> Callable[[], None]:
    """Wait for a child beside the commands that wait for it, since a zombie is not gone; call the result to be sure."""
    waiting = threading.Thread(target=process.wait, daemon=True)
    waiting.start()

    def ended() -> None:
        waiting.join(WAIT_S)
        assert process.returncode == 0, "the new proxy was to end in order"

    return ended


def test_settings_come_back(programs: None, repository: Repository) -> None:
    """The settings files are those of the good commit, and a difference was shown before."""
    env = repository.folder / "proxy" / "deploy" / "env" / "production.env"
    names = {"GOOD": repository.good}
    printed = shell("\n".join(blocks(TESTED, "Settings")), repository.folder, names)
    assert "MAX_STREAMS=1" in printed
    assert "MAX_STREAMS=200" in env.read_text(encoding="utf-8")


def test_a_session_key_goes_back_without_costing_a_session(programs: None, tmp_path: Path, proxy: Proxy) -> None:
    """Tokens of both keys live on, the key of before signs again, and the newer one is gone in the end."""
    old_token, current = proxy.token(), proxy.state / "session_key"
    before = tmp_path / "session_key.before"
    before.write_bytes(current.read_bytes())
    (proxy.state / "draft").write_bytes(secrets.token_bytes(32))
    (proxy.state / "draft").rename(current)
    new_token = until(lambda: _signed_otherwise(proxy, old_token), "the new key signs")

    names = {"KEYS": str(proxy.state), "BEFORE": str(before)}
    exchange, drop = blocks(TESTED, "Keys")
    shell(exchange, proxy.state, names)
    assert _kid(until(lambda: _signed_otherwise(proxy, new_token), "the old key signs again")) == _kid(old_token)
    for token in (old_token, new_token):
        assert ask(f"{proxy.url}/api/v1/session/token", token, "POST")["token"]
    shell(drop, proxy.state, names)
    assert ask(f"{proxy.url}/readyz")["status"] == "ok"
    assert "session key exchanged" in (proxy.state / "proxy.log").read_text(encoding="utf-8")


def _signed_otherwise(proxy: Proxy, token: str) -> str | None:
    fresh = proxy.token()
    return fresh if _kid(fresh) != _kid(token) else None


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


@pytest.fixture
def prometheus(tmp_path: Path, repository: Repository) -> Iterator[tuple[str, int, Path]]:
    """A Prometheus that reads a folder with a rule that nobody wants: its address, its pid and the folder."""
    folder = tmp_path / "rules"
    folder.mkdir()
    odd = {"groups": [{"name": "odd", "rules": [{"record": "odd:rule", "expr": "vector(1)"}]}]}
    (folder / "proxy.yaml").write_text(yaml.safe_dump(odd), encoding="utf-8")
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump({"rule_files": [f"{folder}/*.yaml"]}), encoding="utf-8")
    port, program = free_port(), shutil.which("prometheus")
    assert program, "prometheus is missing: apt-get install prometheus"
    arguments = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - Prometheus
            [program, *arguments, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log, cwd=tmp_path
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: "odd:rule" in _rules(url), "Prometheus has read the rule")
        yield url, process.pid, folder
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_S)


def _rules(url: str) -> set[str]:
    return {rule["name"] for group in ask(f"{url}/api/v1/rules")["data"]["groups"] for rule in group["rules"]}


def test_rules_of_a_good_commit_are_taken_by_a_running_prometheus(
    programs: None, repository: Repository, prometheus: tuple[str, int, Path]
) -> None:
    """The bad commit's rules do not pass; those of before do, and one signal brings them into Prometheus."""
    url, pid, folder = prometheus
    names = {"GOOD": repository.good, "PROMETHEUS": url, "PROMETHEUS_PID": str(pid), "RULES": str(folder)}
    with pytest.raises(AssertionError, match="could not parse expression"):
        shell("promtool check rules dashboards/generated/rules/*.yaml", repository.folder, names)
    printed = shell("\n".join(blocks(TESTED, "Dashboards and rules")), repository.folder, names)
    assert "reloadConfigSuccess" in printed
    until(lambda: "CortexProxyDown" in _rules(url) and "odd:rule" not in _rules(url), "Prometheus has the good rules")
    assert ask(f"{url}/api/v1/status/runtimeinfo")["data"]["reloadConfigSuccess"] is True


# --- what is held to the manifests


def test_every_block_says_what_is_known_about_it() -> None:
    """No command is on the page of which nobody can tell whether it was run."""
    shells = [block for block in PAGE.blocks if block.language in ("bash", "sh")]
    assert {block.info for block in shells} == {TESTED, CHECKED, YOURS}
    run = [
        text
        for name in ("Before you begin", "The proxy", "Settings", "Keys", "Dashboards and rules", "Afterwards")
        for text in blocks(TESTED, name)
    ]
    assert len(run) == len(blocks(TESTED)), "a tested block stands in a section that no test runs"


def test_what_cannot_run_here_names_what_the_manifests_have() -> None:
    """Deployment, secret with its files, services, paths and subcommands are the manifests' own."""
    lines = [line for text in blocks(CHECKED) for line in text.splitlines()]
    assert all(line.startswith(("kubectl ", "podman compose ", "cortex-harness ")) for line in lines)
    assert [fault for line in lines for fault in manifests.faults(line)] == []
