"""The admin routes: what is loaded, what is active, what was asked."""

from __future__ import annotations

import json

import pytest

from mocks.state import HERE
from mocks.tests.running import QUESTION, RUN, RunningMock

FILES = sorted(path.stem for path in (HERE / "scenarios").glob("*.yaml"))


def test_health_counts_what_is_loaded(mock: RunningMock) -> None:
    """Alive, without a credential."""
    answer = mock.call("GET", "/__mock/health", headers={"Authorization": ""})
    assert answer.status == 200
    assert answer.json() == {
        "status": "ok",
        "cassettes": len(list((HERE / "cassettes").rglob("*.jsonl"))),
        "scenarios": len(FILES),
        "strict": True,
    }


def test_cassettes_are_listed_with_their_size(mock: RunningMock) -> None:
    """Name, provenance, and for each interaction its request, frames, bytes and length in time."""
    listed = {tape["name"]: tape for tape in mock.call("GET", "/__mock/cassettes").json()}
    tape = listed["agents/net_sales_by_region"]
    (interaction,) = tape["interactions"]
    assert tape["provenance"] == "documented"
    assert interaction["request"] == {"method": "POST", "path": RUN, "match": {"last_user_text": QUESTION}}
    assert (interaction["frames"], interaction["bytes"]) == (24, len(mock.run().body))


def test_questions_can_be_limited_to_a_path(mock: RunningMock) -> None:
    """What can be asked first, everywhere or at one agent."""
    everywhere, here = (mock.call("GET", f"/__mock/questions{query}").json() for query in ("", f"?path={RUN}"))
    assert {question["path"] for question in here} == {RUN}
    assert len(here) < len(everywhere)


def test_scenarios_are_listed_as_their_files_say(mock: RunningMock) -> None:
    """With their faults, in the files' own words."""
    listed = {each["scenario"]: each for each in mock.call("GET", "/__mock/scenarios").json()}
    assert sorted(listed) == FILES
    assert listed["throttled"]["fault"]["respond"]["json"]["code"] == "390505"


def test_a_scenario_is_set_for_one_test(mock: RunningMock) -> None:
    """Set, seen, played, and cleared in two ways; other tests do not notice."""
    mine, active = {"X-Test-Id": "activation"}, "/__mock/scenarios/active"
    for clear in (("DELETE", None), ("PUT", b'{"scenario":null}')):
        assert mock.call("PUT", active, b'{"scenario":"throttled"}', mine).json() == {
            "scenario": "throttled",
            "test_id": "activation",
        }
        assert mock.call("GET", active, headers=mine).json()["scenario"] == "throttled"
        assert [mock.run(headers=headers).status for headers in (mine, {})] == [429, 200]
        assert mock.call(*clear[:1], active, clear[1], mine).json()["scenario"] is None
        assert mock.run(headers=mine).status == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b'{"scenario":"nope"}', "'nope' is not known", id="unknown"),
        pytest.param(b"{}", "valid payload", id="nothing"),
        pytest.param(b'{"scenario":"throttled","x":1}', "valid payload", id="unknown-key"),
        pytest.param(b"nonsense", "valid payload", id="no-json"),
    ],
)
def test_a_bad_activation_changes_nothing(mock: RunningMock, body: bytes, words: str) -> None:
    """It is refused with the reason."""
    headers = {"X-Test-Id": "bad-activation"}
    answer = mock.call("PUT", "/__mock/scenarios/active", body, headers)
    assert answer.status == 400
    assert words in answer.json()["message"]
    assert mock.call("GET", "/__mock/scenarios/active", headers=headers).json()["scenario"] is None


def test_the_journal_is_filtered_and_limited(mock: RunningMock) -> None:
    """By test, by outcome, by number; the admin's own requests are not in it."""
    headers = {"X-Test-Id": "journal"}
    mock.run(headers=headers)
    mock.run("nobody asked this", headers=headers)
    mock.call("GET", "/__mock/health", headers=headers)
    assert [entry["outcome"] for entry in mock.journal("journal")] == ["missed", "answered"]
    for query, outcomes in (("?outcome=answered", ["answered"]), ("?limit=1", ["missed"]), ("?outcome=cut", [])):
        found = mock.call("GET", f"/__mock/journal{query}", headers=headers).json()
        assert [entry["outcome"] for entry in found] == outcomes


@pytest.mark.parametrize("query", ["limit=0", "limit=2001", "limit=x", "limit=", f"limit={'9' * 5000}", "outcome=nope"])
def test_a_bad_filter_is_refused(mock: RunningMock, query: str) -> None:
    """A misspelt filter is an error, not an empty list."""
    answer = mock.call("GET", f"/__mock/journal?{query}")
    assert (answer.status, answer.json()["code"]) == (400, "390142")


def test_a_reset_forgets_one_test(mock: RunningMock) -> None:
    """Its journal, threads and scenario; not those of others."""
    mine, theirs = {"X-Test-Id": "reset"}, {"X-Test-Id": "kept"}
    for headers in (mine, theirs):
        mock.run(headers=headers)
        mock.call("POST", "/api/v2/cortex/threads", b"", headers)
        mock.call("PUT", "/__mock/scenarios/active", b'{"scenario":"throttled"}', headers)
    assert mock.call("POST", "/__mock/reset", headers=mine).json() == {"status": "reset", "test_id": "reset"}
    for headers, count, scenario in ((mine, 0, None), (theirs, 1, "throttled")):
        assert mock.call("GET", "/__mock/scenarios/active", headers=headers).json()["scenario"] == scenario
        assert len(mock.call("GET", "/api/v2/cortex/threads", headers=headers).json()) == count
    assert mock.call("GET", "/__mock/journal/unmatched", headers=mine).json() == []


def test_an_origin_that_is_too_long_is_refused(mock: RunningMock) -> None:
    """Thread creation keeps Snowflake's limit."""
    answer = mock.call("POST", "/api/v2/cortex/threads", json.dumps({"origin_application": "x" * 17}).encode())
    assert (answer.status, answer.json()["message"]) == (400, "origin_application must have at most 16 bytes")
