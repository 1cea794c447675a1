"""The admin routes: what is loaded, what is active, what was asked."""

from __future__ import annotations

import json

import pytest

from mocks import admin
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


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("method=post", 3),
        ("method=GET", 0),
        ("path=/agents/", 2),
        ("status=200", 1),
        ("status=404&outcome=missed", 2),
        ("scenario=unknown_event", 1),
        ("cassette=agents/net_sales_by_region", 1),
        (f"trace_id={'ab' * 16}", 1),
        (f"trace_id={'cd' * 16}", 0),
    ],
)
def test_the_journal_is_filtered_by_what_happened(mock: RunningMock, query: str, count: int) -> None:
    """By request, answer, recording and trace, alone and together."""
    mine = {"X-Test-Id": f"filters-{query}"}
    traced = {"traceparent": f"00-{'ab' * 16}-b7ad6b7169203331-01", "X-Mock-Scenario": "unknown_event"}
    mock.run(headers={**mine, **traced})
    mock.run("nobody asked this", headers=mine)
    mock.call("POST", "/api/v2/nowhere", b"", mine)
    assert len(mock.call("GET", f"/__mock/journal?{query}", headers=mine).json()) == count


def test_the_journal_is_read_page_by_page(mock: RunningMock) -> None:
    """Each page says where the next one begins, the last says nothing; every entry comes once."""
    mine = {"X-Test-Id": "pages"}
    for _ in range(5):
        mock.run(headers=mine)
    ids, query = [], "limit=2"
    while query:
        answer = mock.call("GET", f"/__mock/journal?{query}", headers=mine)
        ids.append([entry["id"] for entry in answer.json()])
        following = answer.headers.get("x-mock-next")
        query = f"limit=2&before={following}" if following else ""
    assert [len(page) for page in ids] == [2, 2, 1]
    every = [each for page in ids for each in page]
    assert every == sorted(set(every), reverse=True)


def test_a_page_has_bounded_bytes(mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends early, and says where to go on; one entry there always is."""
    monkeypatch.setattr(admin, "MAX_PAGE_BYTES", 10)
    mine = {"X-Test-Id": "bounded-pages"}
    for _ in range(2):
        mock.run(headers=mine)
    answer = mock.call("GET", "/__mock/journal", headers=mine)
    (entry,) = answer.json()
    assert answer.headers["x-mock-next"] == str(entry["id"])


def test_one_exchange_is_told_in_full(mock: RunningMock) -> None:
    """Who asked what, why it was answered so, and when every frame left; without the credential."""
    mine = {"X-Test-Id": "in-full", "X-Mock-Scenario": "unknown_event"}
    mock.run(headers=mine)
    listed = mock.ended("in-full")
    told = mock.call("GET", f"/__mock/journal/{listed['id']}").json()
    assert (told["surface"], told["cassette"], told["interaction"]) == ("agent", "agents/net_sales_by_region", 0)
    assert {"field": "last_user_text", "value": QUESTION} in told["matched"]
    assert (list(told["fault"]), told["fault_source"]) == (["insert"], "scenario")
    assert (told["request_headers"]["authorization"], told["request_headers"]["x-test-id"]) == ("***", "in-full")
    assert json.loads(told["request_body"])["messages"][0]["role"] == "user"
    assert len(told["timeline"]) == told["frames_planned"] == told["frames_sent"] == 25
    assert all(actual is not None for _, actual, _, _ in told["timeline"])
    assert mock.token not in json.dumps(told)
    assert "timeline" not in listed
    query = "/__mock/journal?timeline=true"
    assert mock.call("GET", query, headers={"X-Test-Id": "in-full"}).json()[0]["timeline"] == told["timeline"]


def test_an_entry_that_is_not_there_is_a_404(mock: RunningMock) -> None:
    """The journal keeps only the newest."""
    assert mock.call("GET", "/__mock/journal/999999999999999").status == 404


def test_a_path_that_is_not_there_is_unmatched(mock: RunningMock) -> None:
    """It has no nearest miss, but nobody should overlook it."""
    mine = {"X-Test-Id": "no-path"}
    mock.call("GET", "/api/v2/nowhere", headers=mine)
    (entry,) = mock.call("GET", "/__mock/journal/unmatched", headers=mine).json()
    assert (entry["outcome"], entry["why"], entry["nearest"], entry["surface"]) == (
        "missed",
        "no such path",
        None,
        None,
    )


def test_the_journal_can_be_forgotten(mock: RunningMock) -> None:
    """One test's; other things of it stay."""
    mine = {"X-Test-Id": "forgotten"}
    mock.run(headers=mine)
    mock.call("PUT", "/__mock/scenarios/active", b'{"scenario":"throttled"}', mine)
    mock.call("DELETE", "/__mock/journal", headers=mine)
    assert mock.journal("forgotten") == []
    assert mock.call("GET", "/__mock/scenarios/active", headers=mine).json()["scenario"] == "throttled"


NAMES = ("journal", "threads", "scenarios", "faults")


@pytest.mark.parametrize("only", [[], ["threads"], ["scenarios", "journal"], ["faults"], list(NAMES), None])
def test_a_reset_can_be_narrow(mock: RunningMock, only: list[str] | None) -> None:
    """What is not named stays; without names everything goes."""
    mine = {"X-Test-Id": f"narrow-{only}"}
    mock.call("POST", "/api/v2/cortex/threads", b"", mine)
    mock.call("PUT", "/__mock/scenarios/active", b'{"scenario":"throttled"}', mine)
    mock.call("PUT", "/__mock/faults", b'{"fault":{"respond":{"status":418}}}', mine)
    body = b"" if only is None else json.dumps({"only": only}).encode()
    assert mock.call("POST", "/__mock/reset", body, mine).status == 200
    kept = {
        "journal": bool(mock.journal(mine["X-Test-Id"])),
        "scenarios": mock.call("GET", "/__mock/scenarios/active", headers=mine).json()["scenario"] is not None,
        "faults": mock.call("GET", "/__mock/faults", headers=mine).json()["fault"] is not None,
        "threads": bool(mock.call("GET", "/api/v2/cortex/threads", headers=mine).json()),
    }
    assert kept == {name: only is not None and name not in only for name in NAMES}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b'{"only":["thread"]}', "did you mean 'threads'?", id="name"),
        pytest.param(b'{"onyl":["threads"]}', "did you mean 'only'?", id="key"),
        pytest.param(b'{"only":"threads"}', "only: Input should be a valid array", id="kind"),
        pytest.param(b"nonsense", "Invalid JSON", id="no-json"),
    ],
)
def test_a_bad_reset_changes_nothing(mock: RunningMock, body: bytes, words: str) -> None:
    """It is refused with the nearest name."""
    mine = {"X-Test-Id": "bad-reset"}
    mock.run(headers=mine)
    answer = mock.call("POST", "/__mock/reset", body, mine)
    assert answer.status == 400
    assert words in answer.json()["message"]
    assert mock.journal("bad-reset")


def test_a_cassette_is_opened(mock: RunningMock) -> None:
    """Its header, and every frame of every interaction with time, size, event and text."""
    told = mock.call("GET", "/__mock/cassettes/agents/net_sales_by_region").json()
    assert told["header"]["provenance"] == "documented"
    (interaction,) = told["interactions"]
    body = mock.run().body
    for _, size, _, text in interaction["frames"]:
        assert body[:size].decode().startswith(text)
        assert len(text) == min(len(body[:size].decode()), admin.MAX_FRAME_CHARS)
        body = body[size:]
    assert body == b""
    at_ms, size, event, text = interaction["frames"][0]
    assert (size, event, interaction["frames_truncated"]) == (len(text.encode()), "metadata", False)
    assert 0 < at_ms < interaction["duration_ms"]


def test_an_unknown_cassette_names_the_nearest(mock: RunningMock) -> None:
    """And lists all."""
    answer = mock.call("GET", "/__mock/cassettes/agents/net_sales_by_regoin")
    assert answer.status == 404
    assert "did you mean 'agents/net_sales_by_region'?" in answer.json()["message"]


BAD_FILTERS = [
    *("limit=0", "limit=2001", "limit=x", "limit=", f"limit={'9' * 5000}"),
    *("outcome=nope", "outcom=cut", "before=x", "status=x", "timeline=yes"),
]


@pytest.mark.parametrize("query", BAD_FILTERS)
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


PLANTED = "planted-canary-3e8a"
PLACES = [
    pytest.param({"Authorization": f"Bearer {PLANTED}"}, "", {}, id="token"),
    pytest.param({"Authorization": f'Snowflake Token="{PLANTED}"'}, "", {}, id="session-token"),
    pytest.param({"Authorization": f"Basic {PLANTED}"}, "", {}, id="basic"),
    pytest.param({"Cookie": f"session={PLANTED}", "X-Client-Key": PLANTED}, "", {}, id="cookie-and-key"),
    pytest.param({}, f"&access_token={PLANTED}", {}, id="query"),
    pytest.param({}, "", {"PASSWORD": PLANTED, "LOGIN_NAME": "ann"}, id="password"),
    pytest.param({}, "", {"AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": PLANTED}, id="login-token"),
    pytest.param({}, "", {"text": f"my token is eyJhbGciOiJSUzI1NiJ9.{PLANTED}.{PLANTED}"}, id="jwt-in-text"),
]


@pytest.mark.parametrize("path", [RUN, "/session/v1/login-request", "/api/v2/nowhere"], ids=["run", "login", "nowhere"])
@pytest.mark.parametrize(("headers", "query", "data"), PLACES)
def test_no_credential_comes_out(
    mock: RunningMock, path: str, headers: dict[str, str], query: str, data: dict[str, str]
) -> None:
    """Neither of the journal, in list or in full, nor of a verification, wherever it was planted."""
    body = json.dumps({"data": data}).encode()
    mock.call("POST", f"{path}?test_id=planted{query}", body, headers)
    mine = {"X-Test-Id": "planted"}
    (entry, *_) = mock.call("GET", "/__mock/journal", headers=mine).json()
    wanted = {
        "requests": [{"headers": {"authorization": "x", "cookie": "x"}, "body": {"data": 1}, "query": {"q": "x"}}]
    }
    told = [
        mock.call("GET", "/__mock/journal?timeline=true", headers=mine).body,
        mock.call("GET", f"/__mock/journal/{entry['id']}").body,
        mock.call("POST", "/__mock/verify", json.dumps(wanted).encode(), mine).body,
    ]
    assert [PLANTED.encode() in each for each in told] == [False] * 3
    assert all(str(entry["id"]).encode() in each for each in told)
    mock.call("POST", "/__mock/reset", headers=mine)
