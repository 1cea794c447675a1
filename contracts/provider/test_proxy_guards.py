"""What breaks a promise is noticed: answers are changed on their way, and a fault names interaction and break."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import JsonValue

from contracts.conftest import PACTS
from contracts.pactfile import PactFile
from contracts.provider.between import (
    Change,
    changing,
    dropping,
    of_type,
    repeating,
    replacing,
    swapping,
    unchanged,
    with_status,
    without_header,
)
from contracts.provider.proxy import ProxyUnderTest
from contracts.sequence import Rule
from contracts.verification import Verification, verify
from e2e.stack import Stack

PACT = PactFile.load(PACTS / "bench-frontend-cortex-proxy.json")
WHOLE = "a question, answered with everything that an agent has"
CUT = "a question whose answer is cut"

BREAKS: dict[str, tuple[str, Change, str]] = {
    "a field of an answer is renamed": (
        "rows of a statement",
        replacing('"statementHandle"', '"handle"'),
        "missing the following keys: statementHandle",
    ),
    "a field of an answer has another type": (
        "rows of a statement",
        replacing('"rowCount":2', '"rowCount":"2"'),
        "$.rowCount",
    ),
    "a problem has another name": (
        "a statement that does more than read",
        replacing("sql-refused", "sql-denied"),
        "problems/sql-denied",
    ),
    "a pointer into the request is gone": (
        "a question that does not fit the API",
        replacing('"pointer"', '"path"'),
        "missing the following keys: pointer",
    ),
    "a status has changed": ("a question beyond the rate", with_status(503), "status: expected 429 but was 503"),
    "Retry-After is gone": ("a question that Snowflake has no time for", without_header("Retry-After"), "Retry-After"),
    "RateLimit is gone": ("a question beyond the rate", without_header("RateLimit"), "RateLimit"),
    "a stream is no event stream": (WHOLE, of_type("text/plain"), "Content-Type"),
    "a field of an event is renamed": (
        "event response.suggested_queries",
        replacing('"suggested_queries":', '"suggestions":'),
        "missing the following keys: suggested_queries",
    ),
    "an enumerated value has changed": (
        "event proxy.end, of a cut stream",
        replacing("upstream_truncated", "truncated"),
        "upstream_truncated",
    ),
    "an event has another name": (
        "event response.chart",
        replacing("event: response.chart\n", "event: response.picture\n"),
        "the stream has no event response.chart",
    ),
    "a field is renamed in a stream": (
        WHOLE,
        replacing('"chart_spec"', '"chart"'),
        "response.chart: promised the field /chart_spec",
    ),
    "an event is dropped from a stream": (
        WHOLE,
        dropping("response.tool_result.status"),
        "response.tool_result.status: promised at least once, came never",
    ),
    "one of many events is dropped from a stream": (
        WHOLE,
        dropping("response.status", 2),
        "promised as many events as events says, 24; came 23",
    ),
    "one of many parts of a text is dropped": (
        WHOLE,
        dropping("response.text.delta", 1),
        "response.text: promised the response.text.delta before it, joined: 'EMEA leads with 1,250.50'",
    ),
    "parts of a text come in another order": (
        WHOLE,
        swapping("response.text.delta", "response.text.delta"),
        "joined: ', APAC follows with 980.00.EMEA leads with 1,250.50'",
    ),
    "the last events come in another order": (
        WHOLE,
        swapping("response", "done"),
        "response: promised before done, came after it",
    ),
    "a tool's result comes before its call": (
        WHOLE,
        swapping("response.tool_use", "response.tool_result"),
        "promised a response.tool_use with tool_use_id 'toolu_ctx01' before it, came none",
    ),
    "an event comes twice": (WHOLE, repeating("done"), "done: promised exactly once, came twice"),
    "a stream has no end": (WHOLE, dropping("proxy.end"), "body $: Expected 'event: proxy.start"),
    "a cut stream does not say so": (CUT, dropping("error"), "error: promised exactly once, came never"),
    "a cut stream says that it is whole": (
        CUT,
        replacing("upstream_truncated", "completed"),
        "response: promised, as event",
    ),
}


def verified(stack: Stack, description: str, change: Change, folder: Path) -> Verification:
    """What the proxy keeps of one interaction when its answers are changed on their way."""
    alone = PACT.select(lambda each: each.description == description, folder / "alone.json")
    with changing(stack.proxy_url, change) as url:
        proxy = ProxyUnderTest(stack, url)
        try:
            return verify(alone.path, proxy.provider(alone))
        finally:
            proxy.release()


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_is_told_by_name(name: str, stack: Stack, tmp_path: Path) -> None:
    """The interaction is not kept, and a fault says which one it is and what is wrong with it."""
    description, change, told = BREAKS[name]
    found = verified(stack, description, change, tmp_path)
    assert description not in found.verified
    assert any(repr(description) in fault and told in fault for fault in found.faults), "\n".join(found.faults)


@pytest.mark.parametrize("description", sorted({description for description, _, _ in BREAKS.values()}))
def test_without_a_break_it_is_kept(description: str, stack: Stack, tmp_path: Path) -> None:
    """The same interactions are kept when nothing is changed on the way: the breaks are what is noticed."""
    found = verified(stack, description, unchanged, tmp_path)
    assert (found.faults, found.verified) == ([], [description])


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"session": "borrowed"}, "StateError: session 'borrowed' is not known; known are none, fresh, "),
        ({"session": "fresh", "weather": "mild"}, "StateError: parameter 'weather' is not known"),
        ({"session": "fresh", "idle_timeout_s": 7}, "StateError: idle_timeout_s is 1 here, not 7"),
    ],
    ids=["session", "parameter", "setting"],
)
def test_an_unknown_precondition_is_told(params: dict[str, JsonValue], told: str, stack: Stack, tmp_path: Path) -> None:
    """A parameter that is not in the table of sessions and settings is a fault of its own, never passed over."""
    name = "what a page measured"
    [kept] = [each for each in PACT.interactions if each.description == name]
    document = {**kept.document, "providerStates": [{"name": "as_recorded", "params": params}]}
    changed = replace(PACT, interactions=(replace(kept, document=document),))
    alone = changed.select(lambda _: True, tmp_path / "alone.json")
    found = verify(alone.path, ProxyUnderTest(stack, stack.proxy_url).provider(alone))
    assert found.verified == []
    assert any(repr(name) in fault and told in fault for fault in found.faults), found.faults


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ("deltas_out_of_order", "response.text: promised the response.text.delta before it, joined: ', APAC"),
        (
            "delta_twice",
            "response.text: promised the response.text.delta before it, joined: 'EMEA leads with 1,250.50EMEA",
        ),
        ("done_missing", "done: promised exactly once, came never"),
        ("cut_mid_stream", "response: promised exactly once, came never"),
    ],
)
def test_a_faulty_upstream_breaks_the_rule(scenario: str, told: str, stack: Stack) -> None:
    """What Snowflake does wrong passes the proxy unchanged, and the rule of a whole turn notices it."""
    proxy = ProxyUnderTest(stack, stack.proxy_url)
    proxy.activate(scenario)
    try:
        faults = Rule.from_document(PACT.sequences[WHOLE]).check(proxy.play(scenario, "chat", "Net sales by region"))
    finally:
        proxy.activate("as_recorded")
    assert any(told in fault for fault in faults), faults
