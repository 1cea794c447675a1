"""What a client of the proxy reads when its upstream misbehaves, scenario by scenario, and when it leaves itself."""

from __future__ import annotations

import json
import socket
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from contracts.api import PREFIX
from e2e.bench.client import request_bytes
from e2e.client_api import Client
from e2e.stack import Stack
from mocks.cassette import load_all
from mocks.scenario import Scenario
from mocks.scenario import load_all as load_scenarios
from mocks.state import HERE

QUESTION = "Net sales by region"
SCENARIOS = load_scenarios(HERE / "scenarios", load_all(HERE / "cassettes"))


def frames(body: bytes) -> list[tuple[str, str]]:
    """Name and data of each frame of a chat stream; comments have neither."""
    parsed = []
    for frame in body.decode().split("\n\n"):
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


def silence_ms(scenario: Scenario) -> float:
    """How long a scenario's fault keeps its client waiting, at any pace."""
    delay, stall = (scenario.fault and scenario.fault.delay), (scenario.fault and scenario.fault.stall)
    return (delay.headers_ms + delay.first_frame_ms if delay else 0) + (stall.ms if stall else 0)


def inserted(scenario: Scenario) -> bytes:
    """The foreign frame that a scenario's fault puts in; empty without one."""
    insert = scenario.fault and scenario.fault.insert
    return insert.frame.encode() if insert else b""


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_client_sees_what_the_scenario_says(stack: Stack, scenario: Scenario) -> None:
    """Status, problem type and last frame of each scenario are as its file promises, after the fault was played."""
    client, test_id = Client.opened(stack), uuid.uuid4().hex
    baggage = f"mock.scenario={scenario.scenario},mock.pace=0.01,test.id={test_id}"
    started_s = time.monotonic()
    answer = client.chat({"message": QUESTION}, baggage=baggage)
    took_ms = (time.monotonic() - started_s) * 1000

    assert {entry["scenario"] for entry in journal(stack, test_id)} == {scenario.scenario}
    assert took_ms >= silence_ms(scenario)
    assert inserted(scenario) in answer.content
    assert answer.status_code == scenario.client.status
    problem = problem_of(answer)
    assert (problem and problem["type"].rpartition("/")[2]) == scenario.client.problem
    if scenario.client.ends_with is not None:
        assert frames(answer.content)[-1][0] == scenario.client.ends_with


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
            until(lambda: journal(stack, test_id))
        else:
            received = b""
            while read_until not in received:
                received += sock.recv(65536)

    entry = until(lambda: [each for each in journal(stack, test_id) if each["outcome"]])[0]
    assert entry["outcome"] == "client_gone"
    assert entry["frames_sent"] < 24


def journal(stack: Stack, test_id: str) -> list[dict[str, Any]]:
    """What the mock noted under a test id."""
    answer = requests.get(f"{stack.mock_url}/__mock/journal", headers={"X-Test-Id": test_id}, timeout=10)
    entries: list[dict[str, Any]] = answer.json()
    return entries


def until(ask: Any, timeout_s: float = 10.0) -> Any:
    """The first truthy answer; fails when none comes in time."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        if found := ask():
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing came in {timeout_s} s")
