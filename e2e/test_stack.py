"""The stack with everything beside it: each part answers, proxies are one behind nginx, and nothing is left behind."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from contracts.api import PREFIX
from e2e import program, servers
from e2e.client_api import TIMEOUT_S, Client
from e2e.program import LOOPBACK, Process
from e2e.stack import Beside, Stack, StackError, running
from e2e.tests.running import until

QUESTION = "Net sales by region"
CHATS = 5
"""How many a user may ask, within a time that no test here takes."""

LIMITS = {f"CORTEX_PROXY_POLICIES__CHAT__{cell}": str(CHATS) for cell in ("RATE", "BURST")} | {
    "CORTEX_PROXY_POLICIES__CHAT__WINDOW_S": "3600",
    "CORTEX_PROXY_POLICIES__CHAT__BURST_S": "3600",
    "CORTEX_PROXY_POLICIES__CHAT__AT_ONCE": "100",
}
EVERYTHING: tuple[Beside, ...] = ("redis", "nginx", "prometheus", "alertmanager")


@pytest.fixture(scope="module")
def whole() -> Iterator[Stack]:
    """Two proxies and everything beside them."""
    with running(pace=0.0, proxies=2, beside=EVERYTHING, proxy_environment=LIMITS) as started:
        yield started


@pytest.fixture
def client(whole: Stack) -> Client:
    """A client of nginx."""
    assert whole.nginx_url is not None
    return Client.opened(replace(whole, proxy_url=whole.nginx_url))


def query(stack: Stack, promql: str) -> dict[str, float]:
    """The values that Prometheus has now, by instance."""
    answer = requests.get(f"{stack.prometheus_url}/api/v1/query", params={"query": promql}, timeout=TIMEOUT_S).json()
    return {each["metric"]["instance"]: float(each["value"][1]) for each in answer["data"]["result"]}


# --- every part answers


def test_prometheus_scrapes_both_proxies_and_the_mock(whole: Stack) -> None:
    """Each is a target of its shipped job, and up."""
    ups = until(lambda: len(found := query(whole, "up == 1")) == 3 and found, "three targets are up")
    assert whole.metrics_url is not None
    assert whole.metrics_url.removeprefix("http://").removesuffix("/metrics") in ups
    assert len(query(whole, 'up{job="cortex-proxy"}')) == 2


def test_prometheus_has_the_shipped_rules_and_tells_alertmanager(whole: Stack) -> None:
    """Every shipped group is loaded, and the Alertmanager beside it is who it tells."""
    loaded = requests.get(f"{whole.prometheus_url}/api/v1/rules", timeout=TIMEOUT_S).json()["data"]["groups"]
    assert {Path(group["file"]).name for group in loaded} == {each.name for each in servers.SHIPPED_RULES.iterdir()}

    def told() -> list[str]:
        found = requests.get(f"{whole.prometheus_url}/api/v1/alertmanagers", timeout=TIMEOUT_S).json()
        return [each["url"] for each in found["data"]["activeAlertmanagers"]]

    assert until(told, "an Alertmanager") == [f"{whole.alertmanager_url}/api/v2/alerts"]
    assert requests.get(f"{whole.alertmanager_url}/api/v2/status", timeout=TIMEOUT_S).json()["uptime"]


def test_the_page_is_behind_nginx(whole: Stack) -> None:
    """Where the page is, is where nginx is."""
    page = requests.get(whole.page_url, timeout=TIMEOUT_S)
    assert (page.status_code, page.headers["Server"]) == (200, "nginx")
    assert "<title>" in page.text


# --- two proxies are one


def test_a_session_and_its_history_are_known_to_every_proxy(whole: Stack, client: Client) -> None:
    """What was asked through nginx is in the history that either proxy tells, to the token that one of them issued."""
    for _ in whole.proxy_urls:
        assert client.chat({"message": QUESTION}).status_code == 200
    asked = query_chats(whole, at_least=2)
    assert len(asked) == 2, f"nginx balances: {asked}"
    for proxy_url in whole.proxy_urls:
        history = requests.get(
            f"{proxy_url}{PREFIX}/history/{client.session_id}",
            headers={"Authorization": f"Bearer {client.token}"},
            timeout=TIMEOUT_S,
        )
        assert [turn["question"] for turn in history.json()["turns"]] == [QUESTION, QUESTION]


def query_chats(stack: Stack, at_least: int) -> dict[str, float]:
    """How many turns each proxy has answered, once Prometheus knows of so many."""
    chats = f'cortex_proxy_requests_total{{route="{PREFIX}/chat",status_class="2xx"}} > 0'
    return dict(until(lambda: sum((found := query(stack, chats)).values()) >= at_least and found, "turns are scraped"))


def test_limits_are_exact_over_all_proxies(client: Client) -> None:
    """Of more turns at once than a user may have, exactly so many are answered, whichever proxy is asked."""
    with ThreadPoolExecutor(2 * CHATS) as pool:
        asked = [pool.submit(client.chat, {"message": QUESTION}) for _ in range(2 * CHATS)]
        statuses = Counter(each.result().status_code for each in asked)
    assert statuses == {200: CHATS, 429: CHATS}


def test_events_pass_nginx_as_they_arrive(whole: Stack, client: Client) -> None:
    """The reader has the first events while the mock still plays; when the reader leaves, so does the run."""
    headers = {"Authorization": f"Bearer {client.token}", "baggage": "mock.pace=4,test.id=stack-stream"}
    body = {"sessionId": client.session_id, "message": QUESTION}
    url = f"{client.proxy_url}{PREFIX}/chat"
    with closing(requests.post(url, json=body, headers=headers, stream=True, timeout=TIMEOUT_S)) as stream:
        lines = stream.iter_lines()
        until(lambda: next(lines) == b"event: response.status", "the first event of the run")
        run = newest(whole, "stack-stream")
        assert (run["surface"], run["ended_mono_s"]) == ("agent", None)
        assert run["frames_sent"] < run["frames_planned"]
    until(lambda: newest(whole, "stack-stream")["outcome"] == "client_gone", "the run has ended with its reader")


def newest(stack: Stack, test_id: str) -> dict[str, Any]:
    """The mock's newest entry of a test."""
    answer = requests.get(f"{stack.mock_url}/__mock/journal", headers={"X-Test-Id": test_id}, timeout=TIMEOUT_S)
    entries: list[dict[str, Any]] = answer.json()
    return entries[0]


# --- what goes wrong is told


def test_what_is_missing_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it in one message, with the command that gets it; a second proxy needs a Redis without saying so."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(program, "SBIN", "")
    wanted = r"needed beside mock and proxy: nginx, redis-server; apt-get install nginx redis-server$"
    with pytest.raises(StackError, match=wanted), running(state_dir=tmp_path, proxies=2, beside=["nginx"]):
        pytest.fail("it started")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("who", ["mock", "proxy"])
def test_a_port_that_is_taken_is_told(who: str) -> None:
    """With its number and whose it was to be."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        ports = {f"{who}_port": port}
        told = pytest.raises(StackError, match=rf"(?s)^the {who} did not start .*{LOOPBACK}:{port} cannot be used")
        with told, running(**ports):
            pytest.fail("it started")


def test_a_proxy_that_does_not_start_leaves_its_last_words() -> None:
    """A setting that does not exist is named by the error of the stack."""
    told = pytest.raises(StackError, match=r"(?s)^the proxy did not start .*NO_SUCH.*there is no such setting")
    with told, running(proxy_environment={"CORTEX_PROXY_NO_SUCH": "1"}):
        pytest.fail("it started")


def test_a_server_that_does_not_start_leaves_its_last_words(tmp_path: Path) -> None:
    """Alertmanager says what is wrong with its routes."""
    routing = {"route": {"receiver": "nobody"}, "receivers": []}
    with (
        servers.alertmanager(tmp_path, routing) as manager,
        pytest.raises(StackError, match=r"(?s)^the alertmanager did not start .*undefined receiver .*nobody"),
    ):
        manager.url()


def test_a_nginx_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    """In its own words."""
    with (
        socket.create_server((LOOPBACK, 0)) as taken,
        servers.nginx(tmp_path, ["http://127.0.0.1:9"], taken.getsockname()[1]) as nginx,
        pytest.raises(StackError, match=rf"bind\(\) to {LOOPBACK}:{taken.getsockname()[1]} failed.*in use"),
    ):
        nginx.url()


# --- the end


def test_who_asks_ends_before_who_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody finds a part gone that it still needs."""
    ended: list[str] = []
    stop = Process.stop

    def noted(process: Process) -> None:
        if process.poll() is None:
            ended.append(process.name)
        stop(process)

    monkeypatch.setattr(Process, "stop", noted)
    with running(pace=0.0, proxies=2, beside=EVERYTHING) as stack:
        assert [each.name for each in stack.children][:3] == ["mock", "proxy", "proxy-2"]
    assert ended == ["nginx", "prometheus", "alertmanager", "proxy-2", "proxy", "mock", "redis"]


STARTER = """
import sys, time
from e2e.stack import running
with running(pace=0.0, proxies=2, beside=("nginx", "prometheus", "alertmanager")) as stack:
    print(*(each.pid for each in stack.children), flush=True)
    time.sleep(600)
"""


def test_a_killed_stack_leaves_no_process() -> None:
    """Neither a part nor a child of one, of any kind."""
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:  # noqa: S603
        assert starter.stdout is not None
        pids = {int(each) for each in starter.stdout.readline().split()}
        family = psutil.Process(starter.pid).children(recursive=True)
        assert len(pids) == 7
        assert pids < {each.pid for each in family}, "the proxies have workers"
        starter.kill()
    alive = psutil.wait_procs(family, timeout=TIMEOUT_S)[1]
    assert [each.cmdline() for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
