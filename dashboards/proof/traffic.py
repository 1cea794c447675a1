"""Drivers: what clients, pages and tools do in a rehearsal, and what they count while they do it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import quote

import requests

from contracts.api import PREFIX, StreamEvent, ToolName
from contracts.cortex import Event
from dashboards.proof.props import answering
from dashboards.proof.rehearsal import Driver, Rehearsal, Scene, every
from e2e.client_api import Client
from e2e.stack import LOOPBACK, free_port

QUESTION = "Net sales by region"
QUESTIONS = (
    QUESTION,
    "List all orders of 2024",
    "How many orders came in per channel in 2025?",
    "Which products are returned most often?",
    "Show me 2025 in three charts",
)
"""Recorded ones that report their tokens: one tool, several, failing ones."""

PACE = 0.1
"""Of recorded times: an answer of four seconds takes four tenths."""

TIMEOUT_S = 60

DISCOVERY_S = 7
"""How long Prometheus takes at most to scrape what it was told of: it looks every five seconds."""

_TEXT = b"event: " + Event.TEXT_DELTA.encode() + b"\n"
_END = re.compile(rb"event: " + StreamEvent.END.encode() + rb"\ndata: (.*)\n")


CHAT, TOKEN, REPORT = f"{PREFIX}/chat", f"{PREFIX}/session/token", f"{PREFIX}/metrics/report"
TOOL, HISTORY = f"{PREFIX}/tools/{{toolName}}", f"{PREFIX}/history/{{sessionId}}"


def ask(
    scene: Scene, method: str, path: str, *, route: str = "", is_open: bool = False, **sent: Any
) -> requests.Response:
    """One request of the proxy, counted by its route and status.   route: the path's rule, where it is another.

    is_open: whether its answer is read by the caller, who closes it.
    """
    url = f"{scene.stack.proxy_url}{path}"
    answer = requests.request(method, url, timeout=TIMEOUT_S, stream=is_open, **sent)
    scene.tally.count("answers", f"{route or path} {answer.status_code}")
    return answer


def headers(client: Client, baggage: str) -> dict[str, str]:
    """What a request of a session carries."""
    return {"Authorization": f"Bearer {client.token}", "baggage": baggage}


def chat(scene: Scene, question: str, baggage: str) -> None:
    """One turn, read to its end; its status, reason, tokens, time of the first text and duration are counted."""
    client = scene.client
    body, tally, began_s = {"sessionId": client.session_id, "message": question}, scene.tally, time.monotonic()
    with ask(scene, "POST", CHAT, json=body, headers=headers(client, baggage), is_open=True) as answer:
        received = bytearray()
        with contextlib.suppress(requests.RequestException):  # a proxy that is stopped cuts its streams
            for chunk in answer.iter_content(None):
                had_text = _TEXT in received
                received += chunk
                if not had_text and _TEXT in received:
                    tally.time("first text", time.monotonic() - began_s)
    found = _END.search(received)
    if found:
        end = json.loads(found[1])
        tally.count("streams", end["reason"])
        tally.time("stream", time.monotonic() - began_s)
        if end.get("firstEventMs") is not None:
            tally.time("first event", end["firstEventMs"] / 1000)
        for kind, tokens in (end.get("usage") or {}).items():
            tally.count("tokens", kind.removesuffix("Tokens"), tokens)


def chats(
    count: int,
    pause_s: float,
    questions: tuple[str, ...] = (QUESTION,),
    *,
    fault: Mapping[str, Any] | None = None,
    pace: float = PACE,
) -> Driver:
    """So many turns with these questions in turn, a pause between their beginnings, as they come.

    fault: played on each.
    """
    played = "mock.scenario=none" + (f",mock.fault={quote(json.dumps(fault))}" if fault else "")

    def drive(scene: Scene) -> None:
        baggage = f"{played},mock.pace={pace}"
        every(
            pause_s,
            [partial(chat, scene, questions[number % len(questions)], baggage) for number in range(count)],
        )

    return drive


TOOL_BODIES: Mapping[str, Mapping[str, Any]] = {
    ToolName.SEARCH: {"query": "refund deadline"},
    ToolName.ANALYST: {"messages": [{"role": "user", "text": "Net sales by region in 2025?"}]},
    ToolName.SQL: {"statement": "SELECT 1"},
    ToolName.CHART: {"intent": "net sales by region, as bars", "rows": [{"REGION": "EMEA", "NET_SALES": 3}]},
}


def use_tool(scene: Scene, tool: str, baggage: str, body: Mapping[str, Any] | None = None) -> None:
    """One call of a tool; its status is counted."""
    answer = ask(
        scene,
        "POST",
        f"{PREFIX}/tools/{tool}",
        route=TOOL,
        json=dict(body or TOOL_BODIES[tool]),
        headers=headers(scene.client, baggage),
    )
    scene.tally.count("tools", f"{tool} {answer.status_code}")


def tools(count: int, pause_s: float, names: tuple[str, ...] = tuple(ToolName), *, fault: str = "none") -> Driver:
    """So many calls of tools, these in turn."""

    def drive(scene: Scene) -> None:
        baggage = f"mock.scenario={fault},mock.pace={PACE}"
        every(pause_s, [partial(use_tool, scene, names[number % len(names)], baggage) for number in range(count)])

    return drive


def statements(count: int, pause_s: float, statement: str) -> Driver:
    """So many SQL statements."""

    def drive(scene: Scene) -> None:
        body = {"statement": statement}
        every(pause_s, [partial(use_tool, scene, ToolName.SQL, "mock.scenario=none", body)] * count)

    return drive


def report(scene: Scene, metrics: list[dict[str, Any]]) -> None:
    """One report of a page; what was taken in and dropped is counted."""
    answer = ask(scene, "POST", REPORT, json={"metrics": metrics}, headers=headers(scene.client, ""))
    for kind, number in answer.json().items():
        scene.tally.count("measurements", kind, number)


def measured(name: str, value: float = 1.0, label: str | None = None) -> dict[str, Any]:
    """One measurement of a page."""
    return {"name": name, "value": value} | ({} if label is None else {"label": label})


def _page(**seconds: float) -> list[dict[str, Any]]:
    """What a page reports whose stream ended well."""
    return [*(measured(name, value) for name, value in seconds.items()), measured("stream_outcome", label="completed")]


QUICK = {"time_to_first_token_s": 0.8, "lcp_s": 1.2, "inp_s": 0.12, "cls": 0.04, "stall_s": 0.3}
SLOW = {"time_to_first_token_s": 4.0, "lcp_s": 4.0, "inp_s": 0.4, "cls": 0.4, "stall_s": 5.6}
"""What two pages in five report: measurements that lie buckets apart tell one quantile from another."""

WELL = (_page(**QUICK), _page(**SLOW), _page(**QUICK), _page(**SLOW), _page(**QUICK))
"""What pages report when their streams end well."""


def pages(count: int, pause_s: float, *reports: list[dict[str, Any]]) -> Driver:
    """So many reports of pages, these in turn."""

    def drive(scene: Scene) -> None:
        sent = [reports[number % len(reports)] for number in range(count)]
        every(pause_s, [partial(report, scene, metrics) for metrics in sent])
        for each in chain.from_iterable(sent):
            scene.tally.count(f"page {each['name']}", each.get("label", ""))

    return drive


def sessions(count: int, pause_s: float) -> Driver:
    """So many sessions: each asks for a token, renews it, reads its history and logs out."""

    def one(scene: Scene) -> None:
        issued = ask(scene, "POST", TOKEN).json()
        scene.tally.count("session tokens", "issued")
        own = {"Authorization": f"Bearer {issued['token']}"}
        ask(scene, "POST", TOKEN, headers=own).raise_for_status()
        scene.tally.count("session tokens", "refreshed")
        ask(scene, "GET", f"{PREFIX}/history/{issued['sessionId']}", route=HISTORY, headers=own)
        ask(scene, "DELETE", TOKEN, headers=own)

    return lambda scene: every(pause_s, [partial(one, scene)] * count)


def forgeries(count: int, pause_s: float) -> Driver:
    """So many requests for a token with one that is none."""

    def one(scene: Scene) -> None:
        answer = ask(scene, "POST", TOKEN, headers={"Authorization": "Bearer forged"})
        scene.tally.count("session tokens", "refused" if answer.status_code == 401 else str(answer.status_code))

    return lambda scene: every(pause_s, [partial(one, scene)] * count)


def gets(count: int, pause_s: float, path: str) -> Driver:
    """So many requests for a page."""
    return lambda scene: every(pause_s, [lambda: _discard(ask(scene, "GET", path))] * count)


def _discard(_answer: requests.Response) -> None:
    """Its status is counted; nobody reads it."""


def leavers(count: int, pause_s: float) -> Driver:
    """So many clients that leave once the stream has begun."""

    def one(scene: Scene) -> None:
        body = {"sessionId": scene.client.session_id, "message": QUESTION}
        sent = headers(scene.client, "mock.scenario=none,mock.pace=1")
        with ask(scene, "POST", CHAT, json=body, headers=sent, is_open=True) as answer:
            next(answer.iter_content(64))
        scene.tally.count("streams", "client_gone")

    return lambda scene: every(pause_s, [partial(one, scene)] * count)


def rounds(count: int, pause_s: float, scenario: str, asks: int, work: Callable[[Scene, str], None]) -> Driver:
    """So many rounds of a scenario, each a test of its own, as what a fault counts is counted for each test."""

    def one(scene: Scene) -> None:
        baggage = f"mock.scenario={scenario},mock.pace={PACE},test.id={uuid.uuid4().hex}"
        for _ in range(asks):
            work(scene, baggage)

    return lambda scene: every(pause_s, [partial(one, scene)] * count)


def after(delay_s: float, work: Driver) -> Driver:
    """The same, later."""

    def drive(scene: Scene) -> None:
        time.sleep(delay_s)
        work(scene)

    return drive


def stop_mock(scene: Scene) -> None:
    """The mock ends."""
    scene.stack.children[0].stop()


def stop_proxy(scene: Scene) -> None:
    """The proxy ends."""
    scene.stack.children[1].stop()


def act(name: str) -> Driver:
    """What was prepared under this name happens."""
    return lambda scene: scene.backstage.acts[name]()


def in_order(*drivers: Driver) -> Driver:
    """One after the other."""

    def drive(scene: Scene) -> None:
        for driver in drivers:
            driver(scene)

    return drive


def hiccup(times: int, stopped_s: float, running_s: float) -> Driver:
    """The mock is held and let go, so often: a machine that has no time for it."""

    def drive(scene: Scene) -> None:
        pid = scene.stack.children[0].pid
        for _ in range(times):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(stopped_s)
            os.kill(pid, signal.SIGCONT)
            time.sleep(running_s)

    return drive


def odd_methods(count: int, pause_s: float) -> Driver:
    """So many requests with a method that nobody knows."""
    return lambda scene: every(pause_s, [lambda: _discard(ask(scene, "BREW", "/"))] * count)


def scrape(job: Callable[[Rehearsal], str], body: bytes, status: int = 200) -> Driver:
    """One more page of metrics is scraped, under a job of the rehearsal."""

    def drive(scene: Scene) -> None:
        address = scene.backstage.cleanup.enter_context(answering(status, body))
        scene.watch(job(scene.rehearsal), address)

    return drive


def scrape_nobody(scene: Scene) -> None:
    """One more process of the proxy is to be scraped, and is not there."""
    scene.watch(scene.rehearsal.proxy_job, f"{LOOPBACK}:{free_port()}")


def scrape_second(scene: Scene) -> None:
    """The second proxy, which was prepared, is scraped under the same job as the first."""
    scene.watch(scene.rehearsal.proxy_job, scene.backstage.addresses["second proxy"])


def on_second(*drivers: Driver) -> Driver:
    """The same, of the second proxy, once it has been scraped; what is counted is counted together."""

    def drive(scene: Scene) -> None:
        scrape_second(scene)
        time.sleep(DISCOVERY_S)
        stack = replace(scene.stack, proxy_url=scene.backstage.addresses["second proxy itself"])
        second = replace(scene, stack=stack, client=Client.opened(stack))
        scene.tally.count("session tokens", "issued")
        scene.tally.count("answers", f"{TOKEN} 200")
        in_order(*drivers)(second)

    return drive


def spoil_history(times: int, pause_s: float) -> Driver:
    """The history's file becomes one that is no database, so often: from its log, SQLite may mend it once."""

    def drive(scene: Scene) -> None:
        for _ in range(times):
            for path in scene.backstage.folder.glob("history.sqlite3*"):
                path.write_bytes(b"spoilt" * 20_000)
            time.sleep(pause_s)

    return drive
