"""What the reference page measures of itself and its answers, as the proxy receives it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Response, Route, expect

from e2e.page import Chat, Watch

REPORT_URL = "/api/v1/metrics/report"

KEEP_BEACONS = """
const send = navigator.sendBeacon.bind(navigator);
navigator.sendBeacon = (url, body) => {
  localStorage.beacon = body;
  return send(url, body);
};
"""
"""What a page sends while it is left, nobody outside of it sees."""

START = ("proxy.start", {"sessionId": "s", "turnId": "t", "traceId": "t"})
END = ("proxy.end", {"reason": "completed", "turnId": "t", "events": 1, "upstreamBytes": 1, "durationMs": 2})

GOOD_CLS = 0.1
"""What web vitals call good; the page's parts have their places before they come."""

Named = tuple[str, str | None]


def measured(request: Request) -> dict[Named, float]:
    """The measurements of a report, by name and label."""
    report: Any = request.post_data_json
    return {(each["name"], each.get("label")): each["value"] for each in report["metrics"]}


def holds(named: Named) -> Callable[[Response], bool]:
    """Whether a response answers the report of a measurement."""
    return lambda response: response.url.endswith(REPORT_URL) and named in measured(response.request)


def taken_in(response: Response) -> dict[Named, float]:
    """The measurements of a report that the proxy took in, each of them."""
    metrics = measured(response.request)
    assert (response.status, response.json()) == (202, {"accepted": len(metrics), "dropped": 0})
    return metrics


def answer(route: Route, *events: tuple[str, object]) -> None:
    """Answer a question with these events."""
    body = "".join(f"event: {event}\ndata: {json.dumps(data)}\n\n" for event, data in events)
    route.fulfill(content_type="text/event-stream", body=body)


def stopped(chat: Chat) -> None:
    """An answer that the reader stops."""
    chat.pace("Real time")
    chat.send("Write the sales review for 2025")
    chat.page.get_by_role("button", name="Stop").click()


def broken_off(chat: Chat) -> None:
    """An answer that the agent broke off, as the proxy tells."""
    chat.page.get_by_label("Scenario", exact=True).select_option("ends_early")
    chat.send("Net sales by region")


def cut(chat: Chat) -> None:
    """An answer whose connection is lost."""
    chat.page.route("**/api/v1/chat", lambda route: answer(route, START))
    chat.send("Net sales by region")


@pytest.mark.parametrize(
    ("deed", "outcome"),
    [
        pytest.param(lambda chat: chat.send("Net sales by region"), "completed", id="whole"),
        pytest.param(stopped, "aborted", id="stopped"),
        pytest.param(broken_off, "error", id="broken off"),
        pytest.param(cut, "disconnected", id="cut"),
    ],
)
def test_how_an_answer_ended_is_reported(chat: Chat, deed: Callable[[Chat], None], outcome: str) -> None:
    """Some seconds after an answer the proxy is told how it ended, as the reader saw it."""
    with chat.page.expect_response(holds(("stream_outcome", outcome))) as report:
        deed(chat)
    taken_in(report.value)


def test_the_time_to_the_first_text_is_reported(chat: Chat) -> None:
    """A stream's first text is timed from the question on."""
    with chat.page.expect_response(holds(("time_to_first_token_s", None))) as report:
        chat.ask("Net sales by region")
    assert 0 < taken_in(report.value)["time_to_first_token_s", None] < 20


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        pytest.param("setTimeout(() => { throw new Error('oops') })", "oops", id="error"),
        pytest.param("void Promise.reject(new Error('oops'))", "oops", id="rejection"),
    ],
)
def test_a_fault_of_the_page_is_reported(chat: Chat, watch: Watch, script: str, fault: str) -> None:
    """What nobody caught is counted, without its words."""
    watch.allow(fault)
    with chat.page.expect_response(holds(("page_error", "script"))) as report:
        chat.page.evaluate(f"() => {{ {script}; }}")
    taken_in(report.value)
    assert fault not in (report.value.request.post_data or "")


def test_a_chart_that_cannot_be_drawn_is_reported(chat: Chat, watch: Watch) -> None:
    """A library that does not load is told as the network's failure."""
    watch.allow("ERR_FAILED")
    chat.page.route("**/vega.js", lambda route: route.abort())
    with chat.page.expect_response(holds(("page_error", "network"))) as report:
        chat.ask("Net sales by region")
    taken_in(report.value)


@pytest.mark.parametrize(
    ("event", "data", "told"),
    [
        pytest.param("response.table", {"result_set": {"data": [7]}}, "This part of the answer cannot", id="block"),
        pytest.param("response.chart", {"chart_spec": '{"mark":7}'}, "This chart cannot be drawn", id="chart"),
        pytest.param("metadata", {"metadata": None}, "This answer cannot be read", id="answer"),
    ],
)
def test_what_cannot_be_shown_is_reported(chat: Chat, event: str, data: dict[str, object], told: str) -> None:
    """Whatever the page cannot make sense of, reader and proxy are both told."""
    chat.page.route("**/api/v1/chat", lambda route: answer(route, (event, data), END))
    with chat.page.expect_response(holds(("page_error", "render"))) as report:
        turn = chat.ask("Net sales by region")
        expect(turn.get_by_text(told).first).to_be_visible()
    taken_in(report.value)


def test_an_unreachable_proxy_is_reported(chat: Chat, watch: Watch) -> None:
    """A question that got no answer is told to the proxy once it can be."""
    watch.allow("ERR_FAILED")
    chat.page.route("**/api/v1/chat", lambda route: route.abort())
    with chat.page.expect_response(holds(("page_error", "network"))) as report:
        chat.send("Net sales by region")
    assert ("stream_outcome", "error") in taken_in(report.value)


def test_a_page_that_is_left_reports_its_vitals(page: Page) -> None:
    """Shifts and responses are told by a beacon that carries its token, and that the proxy takes in whole."""
    page.add_init_script(KEEP_BEACONS)
    chat = Chat(page).open()
    ended = holds(("stream_outcome", "completed"))  # or the beacon would tell that, too
    with page.expect_response(holds(("lcp_s", None))) as report, page.expect_response(ended):
        chat.ask("Net sales by region")
    taken_in(report.value)
    chat.open()
    beacon = page.evaluate("localStorage.beacon")
    vitals = {each["name"]: each["value"] for each in json.loads(beacon)["metrics"]}
    assert vitals.keys() == {"inp_s", "cls"}
    assert vitals["cls"] < GOOD_CLS
    answer = page.request.post(REPORT_URL, data=beacon, headers={"Content-Type": "text/plain;charset=UTF-8"})
    assert (answer.status, answer.json()) == (202, {"accepted": 2, "dropped": 0})


def test_a_vital_is_reported_once_for_each_view(chat: Chat) -> None:
    """A page that is hidden twice is still one view; one that comes back from the browser's store is another."""
    told = chat.page.evaluate(
        """async () => {
          const { oncePerView } = await import("/client/measures.js");
          const told = [];
          const report = oncePerView(({ id, value }) => told.push(`${id}${value}`));
          for (const [id, value] of [["a", 1], ["a", 2], ["b", 3]]) report({ id, value });
          return told;
        }"""
    )
    assert told == ["a1", "b3"]
