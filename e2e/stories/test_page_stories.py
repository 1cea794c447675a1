"""Conversations on the reference page, from question to answer."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, Request, expect

from e2e.page import Chat, Watch, pressed


def is_chat(request: Request) -> bool:
    """Whether a request asks something."""
    return request.url.endswith("/api/v1/chat")


def test_a_tool_card_holds_input_and_result(chat: Chat) -> None:
    """An opened tool card shows the SQL that ran and the rows it returned."""
    turn = chat.ask("Net sales by region")
    turn.get_by_text("Run SQL").click()
    expect(turn.get_by_role("region", name="SQL")).to_contain_text("SUM(net_amount) AS net_sales")
    expect(turn.get_by_role("table", name="Query result").get_by_role("cell", name="980.00")).to_be_visible()


def test_a_refused_statement_is_marked_as_failed(chat: Chat) -> None:
    """Statements that Snowflake refused stand beside the one that worked, with the reason."""
    turn = chat.ask("Which products are returned most often?")
    failed = turn.locator("summary", has_text="Failed")
    expect(failed).to_have_count(2)
    failed.first.click()
    expect(turn.get_by_text(re.compile("SQL compilation error")).first).to_be_visible()
    expect(turn.get_by_text("The Hand Grinder comes back most often")).to_be_visible()


def test_a_recorded_question_is_asked_from_the_picker(chat: Chat) -> None:
    """A question in the rehearsal panel asks itself."""
    panel = chat.page.get_by_role("complementary", name="Rehearsal")
    panel.get_by_role("button", name="What is the refund deadline?").click()
    turn = chat.ended()
    expect(turn.get_by_role("heading", name="What is the refund deadline?")).to_be_visible()
    expect(turn.get_by_text("Customers have 30 days.")).to_be_visible()


def test_the_panel_says_that_nothing_was_recorded(chat: Chat) -> None:
    """The page calls the shipped answers what they are: written from documentation."""
    panel = chat.page.get_by_role("complementary", name="Rehearsal")
    expect(panel.get_by_text("written from public documentation; none was recorded")).to_be_visible()


def test_a_question_of_the_agent_is_marked_and_answered_in_the_thread(chat: Chat) -> None:
    """An elicitation is marked as such, and its suggestions answer it in the same thread."""
    turn = chat.ask("Who are our best customers?")
    expect(turn.get_by_text("The agent asks you")).to_be_visible()
    bodies = record_bodies(chat.page)
    turn.get_by_role("button", name="Best customers of 2025 by net sales").click()
    expect(chat.ended().get_by_role("cell", name="Genève sample café 1").first).to_be_visible()
    assert bodies[0]["threadId"] > 0


def test_a_client_side_tool_runs_in_the_browser(chat: Chat) -> None:
    """The page answers the agent's request for the time zone, and the same turn goes on with that."""
    bodies = record_bodies(chat.page)
    turn = chat.ask("When do the daily figures close in my time zone?")
    expect(turn.get_by_text("Ran in this browser")).to_be_visible()
    expect(turn.get_by_text("Thank you, I now know your time zone.")).to_be_visible()
    zone = chat.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    result = bodies[1]["message"]["toolResult"]
    assert result["name"] == "get_time_zone"
    assert result["content"][0]["json"]["time_zone"] == zone
    expect(chat.turns).to_have_count(1)


def test_an_unknown_client_side_tool_is_answered_with_an_error(chat: Chat) -> None:
    """A tool that the page does not have gets an error result, so that the agent is never left waiting."""
    message = chat.page.evaluate(
        """async () => (await import("/client/client-tools.js"))
             .runClientTool({toolUseId: "t1", type: "generic", name: "toString"})"""
    )
    assert message["status"] == "error"
    assert "toString" in message["content"][0]["json"]["error"]


def test_an_unrecorded_question_gets_the_recorded_ones(chat: Chat) -> None:
    """A question that nobody recorded is answered with those that were, ready to be asked."""
    turn = chat.ask("Will it rain tomorrow?")
    suggestions = turn.get_by_role("region", name="Suggested questions")
    suggestions.get_by_role("button").first.click()
    expect(chat.turns).to_have_count(2)
    expect(chat.ended().get_by_role("region", name="Error")).to_have_count(0)


def test_a_broken_answer_names_problem_and_trace(chat: Chat) -> None:
    """An answer that breaks off keeps its text, and tells the problem's type and the trace that was sent."""
    choose_scenario(chat.page, "ends_early")
    with chat.page.expect_request(is_chat) as asked:
        chat.send("Net sales by region")
    headers = asked.value.all_headers()
    assert "mock.scenario=ends_early" in headers["baggage"].split(",")
    trace_id = headers["traceparent"].split("-")[1]
    error = chat.ended().get_by_role("region", name="Error")
    expect(error.get_by_text("upstream-truncated")).to_be_visible()
    expect(error.get_by_text(trace_id)).to_be_visible()
    expect(chat.turn.get_by_text("EMEA leads with 1,250.50")).to_be_visible()


def test_an_error_of_the_agent_is_told_with_its_code(chat: Chat) -> None:
    """Snowflake's own error event is shown with its code and request id."""
    error = chat.ask("Forecast net sales for 2026").get_by_role("region", name="Error")
    expect(error.get_by_text("399504")).to_be_visible()
    expect(error.get_by_text("Error during execution")).to_be_visible()
    expect(chat.status).to_contain_text("Error:")


def test_a_refused_request_can_be_tried_again(chat: Chat, watch: Watch) -> None:
    """A throttled question names status and upstream code; without the scenario, trying again succeeds."""
    watch.allow("status of 429")
    choose_scenario(chat.page, "throttled")
    error = chat.ask("Net sales by region").get_by_role("region", name="Error")
    expect(error.get_by_text("upstream-throttled")).to_be_visible()
    expect(error.get_by_text("429", exact=True)).to_be_visible()
    expect(error.get_by_text("390505")).to_be_visible()
    chat.page.get_by_role("button", name="Clear").click()
    error.get_by_role("button", name="Try again").click()
    expect(chat.turns).to_have_count(2)
    expect(chat.ended().get_by_text("EMEA leads with 1,250.50")).to_be_visible()


def test_a_malformed_answer_spoils_only_itself(chat: Chat) -> None:
    """Frames that are no JSON, lack their fields or hold nonsense are passed over; the rest of the answer stands."""
    frames = [
        ("proxy.start", '{"sessionId":"s","turnId":"t","traceId":"t"}'),
        ("response.tool_use", '{"content_index":0,"tool_use_id":"a","input":null}'),
        ("response.tool_result", '{"tool_use_id":"b","content":[{"type":"json","json":null}]}'),
        ("response.table", '{"content_index":1,"title":"Broken","result_set":{"data":[null]}}'),
        ("response.chart", '{"content_index":2,"chart_spec":"{"}'),
        ("response.chart", '{"content_index":3,"chart_spec":"{\\"mark\\":7}"}'),
        ("response.text", '{"content_index":4,"text":"Still here.","annotations":[null,{}]}'),
        ("response.text.delta", "not JSON"),
        ("response.suggested_queries", '{"content_index":5}'),
        ("message.delta", "7"),
        ("proxy.end", '{"reason":"completed","turnId":"t","events":7,"upstreamBytes":1,"durationMs":2}'),
    ]
    body = "".join(f"event: {event}\ndata: {data}\n\n" for event, data in frames)
    chat.page.route("**/api/v1/chat", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    turn = chat.ask("Net sales by region")
    expect(turn.get_by_text("Still here.")).to_be_visible()
    for summary in turn.locator("summary").all():
        summary.click()
    expect(turn.get_by_text("The chart's specification is not valid JSON.")).to_be_visible()
    expect(turn.get_by_role("button", name="Copy answer")).to_be_visible()


def test_an_active_scenario_is_visible(chat: Chat) -> None:
    """A chosen scenario stands above the question box until it is cleared."""
    choose_scenario(chat.page, "unknown_event")
    expect(chat.page.get_by_text("Scenario: unknown_event")).to_be_visible()
    expect(chat.ask("Net sales by region").get_by_text("EMEA leads with 1,250.50")).to_be_visible()
    chat.page.get_by_role("button", name="Clear").click()
    expect(chat.page.get_by_text("Scenario: unknown_event")).to_be_hidden()


def test_a_warning_is_a_notice(chat: Chat) -> None:
    """A tool that the role may not use is told above the answer, with its code."""
    turn = chat.ask("What are our price rules, and did prices rise in 2025?")
    notice = turn.get_by_role("note").filter(has_text="TOOL_NOT_ACCESSIBLE")
    expect(notice.get_by_text("399569")).to_be_visible()


def test_details_tell_ids_times_and_tokens(chat: Chat) -> None:
    """A turn's details hold what is needed to find it elsewhere."""
    turn = chat.ask("Net sales by region")
    turn.get_by_text("Details").click()
    for name in ("Turn id", "Trace id", "First event", "Duration", "Tokens in", "Tokens out", "Events"):
        expect(turn.get_by_role("term").filter(has_text=name)).to_be_visible()
    expect(turn.get_by_role("definition").filter(has_text="5,100")).to_be_visible()


def test_an_answer_is_copied_as_markdown(chat: Chat) -> None:
    """Copying an answer puts its words on the clipboard, as the agent wrote them."""
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = chat.ask("Net sales by region")
    assert pressed(turn.get_by_role("button", name="Copy answer")) == "Copied"
    copied = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied == "EMEA leads with 1,250.50, APAC follows with 980.00."


def test_without_a_rehearsal_the_page_has_no_picker(page: Page) -> None:
    """In front of a live agent the page shows neither picker nor badge, and has nothing to complain about."""
    page.route("**/rehearsal.json", lambda route: route.fulfill(json={"mode": "live"}))
    page.goto("/")
    expect(page.get_by_role("heading", name="Ask the sales agent")).to_be_visible()
    expect(page.get_by_text("Session renews in")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-mode", "live")  # the page has learnt what it stands before
    expect(page.get_by_text("Rehearsal, not live")).to_be_hidden()
    expect(page.get_by_role("complementary", name="Rehearsal")).to_be_hidden()


def record_bodies(page: Page) -> list[dict[str, Any]]:
    """A list that fills with the bodies of what the page asks from now on."""
    bodies: list[dict[str, Any]] = []

    def record(request: Request) -> None:
        if is_chat(request):
            bodies.append(request.post_data_json or {})

    page.on("request", record)
    return bodies


def choose_scenario(page: Page, name: str) -> None:
    """Pick a scenario in the panel."""
    page.get_by_label("Scenario", exact=True).select_option(name)
