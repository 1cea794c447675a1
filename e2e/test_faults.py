"""What a client of the proxy reads when its upstream misbehaves, scenario by scenario, and when it leaves itself."""

from __future__ import annotations

import json
import re
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from contracts.api import PREFIX
from e2e.bench.client import request_bytes
from e2e.client_api import TIMEOUT_S, Client
from e2e.scenes import CASSETTES, QUESTION, SCENARIOS, TOOLS, faults_of, question_of, tape_of
from e2e.stack import LOOPBACK, NO_RATES, Stack, free_port, running
from e2e.tests.running import until
from mocks.faults import Plan
from mocks.route import Surface
from mocks.scenario import Scenario

PACE = 0.01
MOST_TRIES = 3
"""How often the proxy asks for one answer; each try may count as a failure."""


Counters = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Series by name and labels."""

RETRIED = [name for name, each in SCENARIOS.items() if any("retries" in metric for metric in each.telemetry)]


@dataclass(frozen=True)
class Counted:
    """A stack whose proxy's counters can be read."""

    stack: Stack
    metrics_url: str

    def counters(self) -> Counters:
        """Every series, by its name and labels."""
        lines = requests.get(self.metrics_url, timeout=TIMEOUT_S).text.splitlines()
        found = (re.fullmatch(r"(\w+)\{(.*)\} ([\d.e+]+)", line) for line in lines)
        return {(each[1], frozenset(re.findall(r'(\w+)="([^"]*)"', each[2]))): float(each[3]) for each in found if each}


@pytest.fixture(scope="module")
def counted() -> Iterator[tuple[Counted, ...]]:
    """Two of them: of all the retries that scenarios bring about, neither proxy's budget has to bear more than half."""
    with ExitStack() as started:
        stacks = []
        for port in (free_port(), free_port()):
            environment = {**NO_RATES, "CORTEX_PROXY_METRICS_PORT": str(port), "CORTEX_PROXY_METRICS_HOST": LOOPBACK}
            each = started.enter_context(running(pace=0.0, proxy_environment=environment))
            stacks.append(Counted(each, f"http://{LOOPBACK}:{port}/metrics"))
        yield tuple(stacks)


def frames(body: bytes) -> list[tuple[str, str]]:
    """Name and data of each frame of a chat stream; comments have neither."""
    parsed = []
    for frame in re.sub(r"\r\n?", "\n", body.decode(errors="replace")).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.splitlines() if not line.startswith(":") and ": " in line)
        if fields:
            parsed.append((fields.get("event", ""), fields.get("data", "")))
    return parsed


def problem_of(answer: requests.Response) -> dict[str, Any] | None:
    """The problem a client reads: of the response itself, or of the error event in its stream."""
    if answer.headers["Content-Type"] == "application/problem+json":
        found: dict[str, Any] = answer.json()
        return found
    errors = [json.loads(data) for name, data in frames(answer.content) if name == "error"]
    return errors[-1] if errors else None


def played(scenario: Scenario) -> Plan:
    """What the mock plays once the scenario's fault hits."""
    first = tape_of(scenario).interactions[0]
    plan = Plan.of(first.response, first.frames)
    return plan if scenario.fault is None else scenario.fault.apply(plan)


def ask(client: Client, scenario: Scenario, baggage: str) -> requests.Response:
    """One request of the kind that the scenario is about."""
    if scenario.concerns(Surface.AGENT):
        return client.chat({"message": question_of(scenario)}, baggage=baggage)
    tool, body = next(TOOLS[each] for each in TOOLS if scenario.concerns(each))
    headers = {"Authorization": f"Bearer {client.token}", "baggage": baggage}
    return requests.post(f"{client.proxy_url}{PREFIX}/tools/{tool}", json=body, headers=headers, timeout=TIMEOUT_S)


def moved(before: Counters, after: Counters, scenario: Scenario) -> dict[str, float]:
    """By how much each counter moved that the scenario is about, over the labels it names."""
    moves = {}
    for name, expected in scenario.telemetry.items():
        labels = {(label, str(value)) for label, value in (expected.model_extra or {}).items()}
        series = [each for each in after if each[0] == name and labels <= each[1]]
        moves[name] = sum(after[each] - before.get(each, 0.0) for each in series)
    return moves


def type_of(problem: dict[str, Any] | None) -> str | None:
    """The last part of a problem's type."""
    return None if problem is None else problem["type"].rpartition("/")[2]


def outweigh_failures(client: Client) -> None:
    """Enough good answers that the proxy's breaker, which counts them over all tests, stays closed."""
    for _ in range(MOST_TRIES + 1):
        assert client.chat({"message": QUESTION}, baggage="mock.scenario=none,mock.pace=0").status_code == 200


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_client_sees_what_the_scenario_says(counted: tuple[Counted, ...], scenario: Scenario) -> None:
    """Status, problem type, last frame and counters of each scenario are as its file promises, the fault played."""
    is_retried = scenario.scenario in RETRIED
    used = counted[RETRIED.index(scenario.scenario) % len(counted) if is_retried else 0]
    client, test_id = Client.opened(used.stack), uuid.uuid4().hex
    baggage = f"mock.scenario={scenario.scenario},mock.pace={PACE},test.id={test_id}"
    if scenario.client.status >= 500:
        outweigh_failures(client)
    before = used.counters()
    for _ in range(scenario.asks - 1):
        assert problem_of(ask(client, scenario, baggage)) is None
    started_s = time.monotonic()
    answer = ask(client, scenario, baggage)
    took_ms = (time.monotonic() - started_s) * 1000
    after = used.counters()

    entries = journal(used.stack, test_id)
    assert {entry["scenario"] for entry in entries} == {scenario.scenario}
    assert {entry["fault_source"] for entry in entries} - {None} == {"scenario"}
    assert answer.status_code == scenario.client.status
    assert type_of(problem_of(answer)) == scenario.client.problem
    if scenario.client.ends_with is not None:
        assert frames(answer.content)[-1][0] == scenario.client.ends_with
    assert moved(before, after, scenario) == {name: each.delta for name, each in scenario.telemetry.items()}
    plan, is_certain = played(scenario), all(each.always_hits for each in faults_of(scenario))
    if is_certain and scenario.client.status == 200 and plan.step_wait_s is None and plan.ends != "reset":
        assert b"".join(frame.data for frame in plan.frames) in answer.content
        assert took_ms >= max((frame.due_ms(PACE) for frame in plan.frames), default=0)


def test_a_fault_reaches_the_mock_through_the_proxy(stack: Stack) -> None:
    """Baggage carries a fault of one's own, percent-encoded, to the mock; it needs no scenario."""
    test_id, fault = uuid.uuid4().hex, {"cut": {"after": "response.thinking.delta"}}
    baggage = f"mock.pace=0,test.id={test_id},mock.fault={quote(json.dumps(fault))}"

    answer = Client.opened(stack).chat({"message": QUESTION}, baggage=baggage)

    assert type_of(problem_of(answer)) == "upstream-truncated"
    entry = journal(stack, test_id)[0]
    assert (entry["fault"], entry["fault_source"], entry["scenario"]) == (fault, "header", None)


def test_frames_arrive_as_they_are_let_go(stack: Stack) -> None:
    """Each step lets one more event through the proxy; between steps nothing comes."""
    client, test_id = Client.opened(stack), uuid.uuid4().hex
    first = CASSETTES["agents/net_sales_by_region"].interactions[0]
    baggage = f"mock.scenario=none,test.id={test_id},mock.fault={quote(json.dumps({'step': {}}))}"
    headers = {"Authorization": f"Bearer {client.token}", "baggage": baggage}
    with client.chat({"message": QUESTION}, headers=headers, stream=True) as answer:
        received = answer.raw.read1(65536)
        for number, frame in enumerate(first.frames):
            allow(stack, test_id, 1)
            while frame.data not in received:
                arrived = answer.raw.read1(65536)
                assert arrived, "the stream ended before its last frame was let go"
                received += arrived
            assert not any(later.data in received for later in first.frames[number + 1 :])


def allow(stack: Stack, test_id: str, count: int) -> None:
    """Let frames of a test leave."""
    requests.post(
        f"{stack.mock_url}/__mock/step", json={"count": count}, headers={"X-Test-Id": test_id}, timeout=10
    ).raise_for_status()


def test_a_cut_inside_a_frame_leaves_the_error_readable(stack: Stack) -> None:
    """The broken frame is ended with a blank line, so that the proxy's error does not glue to it."""
    answer = Client.opened(stack).chat({"message": QUESTION}, baggage="mock.scenario=cut_inside_frame,mock.pace=0")

    names = [name for name, _ in frames(answer.content)]
    assert names[-3:] == ["response.text.delta", "error", "proxy.end"]
    assert json.loads(frames(answer.content)[-1][1])["reason"] == "upstream_truncated"


def test_an_error_event_names_the_trace(stack: Stack) -> None:
    """The trace id of the error event is the one of the response's header."""
    answer = Client.opened(stack).chat({"message": QUESTION}, baggage="mock.scenario=cut_mid_stream,mock.pace=0")

    problem = problem_of(answer)
    assert problem is not None
    assert problem["traceId"] == answer.headers["X-Trace-Id"]


def test_the_callers_trace_reaches_the_mock(stack: Stack) -> None:
    """One trace id goes from the client's traceparent through the proxy to the mock's journal."""
    test_id, trace_id = uuid.uuid4().hex, uuid.uuid4().hex
    client = Client.opened(stack)
    headers = {
        "Authorization": f"Bearer {client.token}",
        "baggage": f"mock.pace=0,test.id={test_id}",
        "traceparent": f"00-{trace_id}-{trace_id[:16]}-01",
    }

    answer = client.chat({"message": QUESTION}, headers=headers)

    assert answer.headers["X-Trace-Id"] == trace_id
    assert journal(stack, test_id)[0]["traceparent"].split("-")[1] == trace_id


@pytest.mark.parametrize(
    ("scenario", "read_until"),
    [("slow_start", None), (None, b"event: response.thinking.delta")],
    ids=["before the first byte", "in mid-stream"],
)
def test_a_client_that_leaves_cancels_the_upstream(
    stack: Stack, scenario: str | None, read_until: bytes | None
) -> None:
    """The mock sees its connection closed when the proxy's client goes, before and after the first byte."""
    client, test_id = Client.opened(stack), uuid.uuid4().hex
    baggage = f"mock.pace=1,test.id={test_id}" + (f",mock.scenario={scenario}" if scenario else "")
    headers = {"Authorization": f"Bearer {client.token}", "baggage": baggage}
    body = {"sessionId": client.session_id, "message": QUESTION}
    parts = urlsplit(stack.proxy_url)
    assert parts.hostname
    assert parts.port
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        sock.sendall(request_bytes("POST", f"{stack.proxy_url}{PREFIX}/chat", headers, body))
        if read_until is None:
            until(lambda: journal(stack, test_id), "the mock was asked")
        else:
            received = b""
            while read_until not in received:
                received += sock.recv(65536)

    ended = until(lambda: [each for each in journal(stack, test_id) if each["outcome"]], "the run has ended")
    entry = ended[0]
    assert entry["outcome"] == "client_gone"
    assert entry["frames_sent"] < 24


def journal(stack: Stack, test_id: str) -> list[dict[str, Any]]:
    """What the mock noted under a test id."""
    answer = requests.get(f"{stack.mock_url}/__mock/journal", headers={"X-Test-Id": test_id}, timeout=10)
    entries: list[dict[str, Any]] = answer.json()
    return entries
