"""Which fault a request meets: where it comes from, what it has counted, on which surface; over real sockets."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from mocks.cassette import load_all
from mocks.faulting import MAX_COUNTED, MAX_STEPS, Counters, draw
from mocks.faults import Plan
from mocks.grammar import Fault
from mocks.prediction import predict
from mocks.scenario import Scenario, fitting
from mocks.scenario import load_all as load_scenarios
from mocks.state import HERE
from mocks.tests.running import NOW, RUN, RunningMock, chunks, read_to_end, run_body, until

CASSETTES = {tape.name: tape for tape in load_all(HERE / "cassettes")}
REGIONS = CASSETTES["agents/net_sales_by_region"].interactions[0]
SCENARIOS = load_scenarios(HERE / "scenarios", list(CASSETTES.values()))
CERTAIN = {
    name: each
    for name, each in SCENARIOS.items()
    if each.fault is not None and each.fault.on is None and all(part.always_hits for part in each.fault.flat())
}
QUICK = {
    name: each for name, each in CERTAIN.items() if "step" not in name and "slow" not in name and "stall" not in name
}
DELTA = "response.text.delta"


def fault(**parts: Any) -> dict[str, str]:
    """The header that carries a fault."""
    return {"X-Mock-Fault": json.dumps(parts)}


def sized(raw: bytes) -> bytes:
    """The body of an answer that has a length."""
    return raw.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("scenario", QUICK.values(), ids=QUICK)
def test_what_was_predicted_is_seen(mock: RunningMock, scenario: Scenario) -> None:
    """Status, bytes, ending and last event of every scenario that always hits are those that `predict` tells."""
    tape = fitting(scenario, (CASSETTES["agents/net_sales_by_region"], *CASSETTES.values()))
    assert tape is not None
    first = tape.interactions[0]
    before = Plan.of(first.response, first.frames)
    assert scenario.fault is not None
    told, plan = predict(before, scenario.fault), scenario.fault.apply(before)
    headers = {**NOW, "X-Mock-Scenario": scenario.scenario, "X-Test-Id": scenario.scenario}
    line = mock.opened(mock.request("POST", RUN, run_body(first.request.match.last_user_text or ""), headers))
    with line:
        try:
            raw = read_to_end(line)
        except ConnectionResetError:
            raw = b""
            assert told.ends == "reset"
    body = b"".join(frame.data for frame in plan.frames)
    if told.ends == "reset":
        assert body.startswith(b"".join(chunks(raw)[0]))
    elif told.status is None:
        assert raw == b""
    elif plan.is_event_stream:
        assert raw.startswith(f"HTTP/1.1 {told.status} ".encode())
        assert b"".join(chunks(raw)[0]) == body
        assert chunks(raw)[1] is (told.ends == "clean")
    else:
        assert raw.startswith(f"HTTP/1.1 {told.status} ".encode())
        assert len(sized(raw)) == len(body)
    assert len(body) == told.body_bytes or not plan.is_event_stream
    entry = mock.ended(scenario.scenario)
    assert (entry["fault"], entry["fault_source"]) == (scenario.fault.document, "scenario")
    assert entry["outcome"] == ("answered" if told.ends == "clean" else "cut")


def test_a_reset_is_one(mock: RunningMock) -> None:
    """The connection ends with an error at the client's end, many times over, not with an orderly end."""
    for _ in range(20):
        line = mock.opened(mock.request("POST", RUN, run_body(), {**NOW, **fault(reset={"after": "request"})}))
        with line, pytest.raises(ConnectionResetError):
            read_to_end(line)


def test_a_request_brings_its_fault_along(mock: RunningMock) -> None:
    """In a header, in baggage or in the query, in this order; the answer says where it came from."""
    text = quote(json.dumps({"respond": "unavailable"}))
    assert mock.run(headers=fault(respond="not_found")).status == 404
    assert mock.run(headers={"baggage": f"mock.fault={text}"}).status == 503
    assert mock.run(headers={"baggage": f"mock.fault={text.replace('%20', '+')}"}).status == 503
    assert mock.run(path=f"{RUN}?mock_fault={text}").status == 503
    answer = mock.run(path=f"{RUN}?mock_fault={text}", headers=fault(respond="not_found"))
    assert (answer.status, answer.headers["x-mock-fault"]) == (404, "header")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('{"cot": {}}', "unknown key 'cot'; did you mean 'cut'?", id="part"),
        pytest.param('{"cut": {"aftr": "x"}}', "unknown key 'cut.aftr'; did you mean 'after'?", id="field"),
        pytest.param('[{"cut": {"aftr": "x"}}]', "'in_order.0.cut.aftr'; did you mean 'after'?", id="in-a-list"),
        pytest.param('{"respond": "unavailible"}', "did you mean 'unavailable'?", id="answer"),
        pytest.param('{"respond": "unavailable", "on": ["sgl"]}', "on.0: Input should be 'agent'", id="surface"),
        pytest.param("{", "Invalid JSON", id="no-json"),
        pytest.param("7", "Input should be an object", id="no-object"),
    ],
)
def test_what_is_no_fault_is_refused(mock: RunningMock, text: str, words: str) -> None:
    """The refusal names the place and the name that was meant."""
    answer = mock.run(headers={"X-Mock-Fault": text})
    assert (answer.status, answer.json()["code"]) == (400, "390142")
    assert words in answer.json()["message"]


def test_a_fault_that_cannot_apply_is_refused(mock: RunningMock) -> None:
    """409 says what the fault needs and what the answer has; the fault is shown as it was understood."""
    answer = mock.run(headers=fault(cut={"after": "response.hologram"}))
    assert answer.status == 409
    assert "'response.hologram' occurs 0 times here, the fault needs 1" in answer.json()["message"]
    assert answer.json()["mock"]["fault"] == {"cut": {"after": "response.hologram"}}
    refused = mock.run(headers=fault(step={}), stream=False)
    assert (refused.status, "step by step" in refused.json()["message"]) == (409, True)


def test_the_nearest_setting_counts(mock: RunningMock) -> None:
    """The request's own fault, its scenario, its test's fault and scenario, everyone's fault and scenario."""
    test = {"X-Test-Id": "levels"}
    settings = [
        ("PUT", "/__mock/scenarios/active", {"scenario": "agent_not_visible"}, {}, 404),
        ("PUT", "/__mock/faults", {"fault": {"respond": "request_timeout"}}, {}, 408),
        ("PUT", "/__mock/scenarios/active", {"scenario": "unavailable"}, test, 503),
        ("PUT", "/__mock/faults", {"fault": {"respond": "internal_error"}}, test, 500),
    ]
    try:
        for method, path, body, scope, status in settings:
            assert mock.call(method, path, json.dumps(body).encode(), scope).status == 200
            assert mock.run(headers=test).status == status
        assert mock.run(headers={"X-Test-Id": "another"}).status == 408
        named = {**test, "X-Mock-Scenario": "gateway_html"}
        assert mock.run(headers=named).status == 502
        assert mock.run(headers={**named, **fault(respond="budget_exceeded")}).status == 402
        assert mock.run(headers={**test, "X-Mock-Scenario": "none"}).status == 200
    finally:
        for path in ("/__mock/faults", "/__mock/scenarios/active"):
            for scope in ({}, test):
                assert mock.call("DELETE", path, headers=scope).status == 200
    assert mock.run(headers=test).status == 200


def test_a_fault_is_set_seen_and_cleared(mock: RunningMock) -> None:
    """The admin route shows what is set for a test, and `on` beside the fault limits it."""
    test = {"X-Test-Id": "set"}
    body = json.dumps({"fault": [{"delay": {"headers_ms": 1}}], "on": ["threads"]}).encode()
    given = {"in_order": [{"delay": {"headers_ms": 1.0}}], "on": ["threads"]}
    expected = {"fault": given, "on": ["threads"], "test_id": "set"}
    assert mock.call("PUT", "/__mock/faults", body, test).json() == expected
    assert mock.call("GET", "/__mock/faults", headers=test).json() == expected
    assert mock.call("GET", "/__mock/faults").json() == {"fault": None, "on": ["agent"], "test_id": None}
    assert "x-mock-fault" not in mock.run(headers=test).headers
    assert mock.call("GET", "/api/v2/cortex/threads", headers=test).headers["x-mock-fault"] == "admin"
    assert mock.call("DELETE", "/__mock/faults", headers=test).json()["fault"] is None
    refused = mock.call("PUT", "/__mock/faults", b'{"falt": {}}', test)
    assert (refused.status, "did you mean 'fault'?" in refused.json()["message"]) == (400, True)


def test_entries_share_what_they_tell_of_a_fault() -> None:
    """However many exchanges a fault is played on, its document is made once."""
    each = Fault.model_validate({"respond": {"status": 500, "text": "x" * 1000}})
    assert each.document is each.document
    assert each.identity == Fault.model_validate(each.document).identity


def test_a_fault_keeps_to_its_surface(mock: RunningMock) -> None:
    """Baggage and settings are for agents unless they say otherwise; a header is for the request it comes with."""
    threads, text = "/api/v2/cortex/threads", json.dumps({"respond": "unavailable"})
    assert mock.call("GET", threads, headers={"baggage": f"mock.fault={quote(text)}"}).status == 200
    assert mock.call("GET", threads, headers={"X-Mock-Fault": text}).status == 503
    assert mock.run(headers=fault(respond="unavailable", on=["threads"])).status == 200
    assert mock.call("GET", "/__mock/health", headers={"X-Mock-Fault": text}).status == 200


def test_what_is_refused_is_not_done(mock: RunningMock) -> None:
    """A thread whose creation is throttled does not exist afterwards."""
    test = {"X-Test-Id": "not-done"}
    threads = "/api/v2/cortex/threads"
    assert mock.call("POST", threads, b"{}", {**test, **fault(respond="too_many_requests")}).status == 429
    assert mock.call("GET", threads, headers=test).json() == []
    assert mock.call("POST", threads, b"{}", test).status == 200
    assert len(mock.call("GET", threads, headers=test).json()) == 1


@pytest.mark.parametrize(
    ("parts", "statuses"),
    [
        pytest.param({"respond": "unavailable", "times": 2}, [503, 503, 200, 200], id="success-after-failures"),
        pytest.param({"respond": "unavailable", "skip": 2}, [200, 200, 503, 503], id="failure-after-successes"),
        pytest.param({"respond": "unavailable", "skip": 1, "times": 1}, [200, 503, 200, 200], id="one-in-the-middle"),
        pytest.param({"quota": {"requests": 2, "window_s": 60}}, [200, 200, 429, 429], id="quota"),
        pytest.param(
            {"quota": {"requests": 1, "per": "user"}, "respond": "unavailable"}, [200, 503, 503, 503], id="own-answer"
        ),
        pytest.param({"respond": "unavailable", "probability": 0.5, "seed": 3}, [503, 200, 200, 503], id="seeded"),
    ],
)
def test_requests_are_counted_for_each_test(
    mock: RunningMock, request: pytest.FixtureRequest, parts: dict[str, Any], statuses: list[int]
) -> None:
    """Which of its requests are hit is the same for every test, whatever others ask at the same time."""
    one, other = ({"X-Test-Id": f"{request.node.name}-{number}"} for number in (1, 2))
    seen = [[mock.run(headers={**test, **fault(**parts)}).status for test in (one, other)] for _ in statuses]
    assert seen == [[status, status] for status in statuses]


def test_a_window_slides() -> None:
    """What came before the window no longer counts; what was refused never did."""
    now_s = [100.0]
    counters = Counters(lambda: now_s[0])
    limited = Fault.model_validate({"quota": {"requests": 2, "window_s": 10}})
    seen = []
    for at_s in (100, 105, 106, 109, 110, 111, 115):
        now_s[0] = at_s
        seen.append(counters.hits(limited, "U"))
    assert seen == [False, False, True, True, False, True, False]


@pytest.mark.parametrize(("per", "hit"), [("user", False), ("test", True)])
def test_a_quota_is_a_users_or_a_tests(per: str, hit: bool) -> None:
    """Users count apart where the quota is theirs."""
    counters, limited = Counters(), Fault.model_validate({"quota": {"requests": 1, "per": per}})
    assert not counters.hits(limited, "A")
    assert counters.hits(limited, "B") is hit
    assert counters.hits(limited, "A")


def test_what_is_counted_is_bounded() -> None:
    """The fault that was unused for longest is counted anew."""
    counters = Counters()
    faults = [Fault.model_validate({"cut": {"after": f"e{n}"}, "times": 1}) for n in range(MAX_COUNTED + 1)]
    for each in faults:
        assert counters.hits(each, "")
    assert not counters.hits(faults[-1], "")
    assert counters.hits(faults[0], "")


def test_a_draw_is_repeatable_and_fair() -> None:
    """The same request always draws the same, seeds differ, and draws spread over the whole range."""
    assert [draw(7, n) for n in range(50)] == [draw(7, n) for n in range(50)]
    assert [draw(7, n) for n in range(50)] != [draw(8, n) for n in range(50)]
    assert 0.27 < sum(draw(7, n) < 0.3 for n in range(2000)) / 2000 < 0.33


def test_frames_wait_for_steps(mock: RunningMock) -> None:
    """As many frames leave as steps were given, before the request or while it waits; the rest goes with the client."""
    test = {"X-Test-Id": "steps"}
    assert mock.call("POST", "/__mock/step", b'{"count": 2}', test).json() == {
        "left": 2,
        "waiting": 0,
        "test_id": "steps",
    }
    with mock.opened(mock.request("POST", RUN, run_body(), {**test, **fault(step={})})) as line:
        until(lambda: mock.call("GET", "/__mock/step", headers=test).json()["waiting"] or None)
        assert mock.journal("steps")[0]["frames_sent"] == 2
        assert mock.call("POST", "/__mock/step", b"{}", test).status == 200
        until(lambda: mock.journal("steps")[0]["frames_sent"] == 3 or None)
        raw = b""
        while REGIONS.frames[2].data not in raw:
            raw += line.recv(65536)
    assert b"".join(chunks(raw)[0]) == b"".join(frame.data for frame in REGIONS.frames[:3])
    assert mock.ended("steps")["outcome"] == "client_gone"


@pytest.mark.parametrize("cut", [False, True], ids=["ended", "cut"])
def test_steps_are_not_waited_for_for_ever(mock: RunningMock, cut: bool) -> None:
    """When none comes in time the answer ends where it is, and the journal says why."""
    test = {"X-Test-Id": f"no-step-{cut}"}
    mock.call("POST", "/__mock/step", b"{}", test)
    parts: dict[str, Any] = {"step": {"wait_s": 0.05}} | ({"cut": {"before": "done"}} if cut else {})
    raw = mock.raw(mock.request("POST", RUN, run_body(), {**test, **fault(**parts)}))
    assert chunks(raw) == ([REGIONS.frames[0].data], not cut)
    entry = mock.ended(test["X-Test-Id"])
    assert (entry["outcome"], entry["why"], entry["frames_sent"]) == ("cut", "no step came in 0.05 s", 1)


def test_steps_are_bounded(mock: RunningMock) -> None:
    """More than the bound are refused, at once or added up."""
    test = {"X-Test-Id": "many-steps"}
    assert mock.call("POST", "/__mock/step", json.dumps({"count": MAX_STEPS + 1}).encode(), test).status == 400
    assert mock.call("POST", "/__mock/step", json.dumps({"count": MAX_STEPS}).encode(), test).status == 200
    assert mock.call("POST", "/__mock/step", b"{}", test).status == 400


def test_a_preview_tells_without_playing(mock: RunningMock) -> None:
    """Schedule, headers and effects of a fault on a recording; nothing of it is in the journal."""
    asked = {"cassette": "agents/net_sales_by_region", "fault": {"cut": {"after": DELTA}, "content_type": "text/plain"}}
    answer = mock.call("POST", "/__mock/faults/preview", json.dumps(asked).encode()).json()
    assert (answer["applies"], answer["why"], answer["status"], answer["ends"]) == (True, None, 200, "cut")
    assert answer["headers"]["content-type"] == "text/plain"
    assert answer["frames"][-1] == [3915.7, len(REGIONS.frames[len(answer["frames"]) - 1].data), DELTA]
    assert answer["predicted"]["terminal"] is None
    asked["fault"] = {"cut": {"after": "response.hologram"}}
    told = mock.call("POST", "/__mock/faults/preview", json.dumps(asked).encode()).json()
    assert (told["applies"], "occurs 0 times" in told["why"], "frames" in told) == (False, True, False)


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        pytest.param(
            {"cassette": "agents/net_sales"}, 404, "did you mean 'agents/net_sales_by_region'?", id="cassette"
        ),
        pytest.param({"interaction": 9}, 404, "has 1 interactions, counted from 0", id="interaction"),
        pytest.param({"interacton": 0}, 400, "did you mean 'interaction'?", id="key"),
    ],
)
def test_a_preview_of_nothing_is_refused(mock: RunningMock, asked: dict[str, Any], status: int, words: str) -> None:
    """The refusal names what there is."""
    body = {"cassette": "agents/net_sales_by_region", "fault": {"pace": 2}, **asked}
    answer = mock.call("POST", "/__mock/faults/preview", json.dumps(body).encode())
    assert (answer.status, words in answer.json()["message"]) == (status, True)
