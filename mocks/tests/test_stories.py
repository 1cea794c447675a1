"""The shipped cassettes: fresh, well formed, and true on the benchmark data."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
import vl_convert

from contracts.cortex import DONE, ContentItem, ErrorBody, Event, FinalResponse, ToolResult
from fixtures.bench.database import FOLDER as BENCH
from fixtures.bench.database import connect, to_duckdb
from mocks.cassette import Interaction, load, load_all, save
from mocks.stories import __main__ as command

FOLDER = Path(__file__).parents[1] / "cassettes"
PATHS = sorted((FOLDER / "agents").glob("*.jsonl"))
LEGACY = "legacy_message_delta"


@dataclass(frozen=True)
class Played:
    """One interaction as a client reads it: events with parsed payloads, without `done`."""

    name: str
    interaction: Interaction
    events: list[tuple[str, dict[str, Any]]]

    def of(self, *names: str) -> list[dict[str, Any]]:
        """Payloads of the events with these names."""
        return [payload for name, payload in self.events if name in names]

    @property
    def final(self) -> dict[str, Any] | None:
        """The final object, None where the run failed."""
        return next(iter(self.of(Event.RESPONSE)), None)


def read(name: str, interaction: Interaction) -> Played:
    events = []
    for frame in interaction.frames:
        first, second, *rest = frame.data.decode().split("\n")
        assert rest == ["", ""], "a frame is an event line, a data line and a blank line"
        assert first.startswith("event: ")
        assert second.startswith("data: ")
        events.append((first.removeprefix("event: "), second.removeprefix("data: ")))
    assert events[-1] == (Event.DONE, DONE)
    return Played(name, interaction, [(event, json.loads(data)) for event, data in events[:-1]])


PLAYED = [read(path.stem, interaction) for path in PATHS for interaction in load(path).interactions]
AGENTS = [played for played in PLAYED if played.name != LEGACY]


def runs(played: list[Played]) -> pytest.MarkDecorator:
    """One test per run, named after its cassette."""
    return pytest.mark.parametrize("played", played, ids=[f"{p.name}:{p.interaction.line}" for p in played])


def only(name: str) -> Played:
    (played,) = [p for p in PLAYED if p.name == name]
    return played


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value, itself included."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from objects(child)


def test_committed_cassettes_are_what_the_stories_write() -> None:
    """No committed cassette is stale, missing or left over."""
    assert list(command.stale()) == []


def test_check_exits_4_for_changed_missing_and_left_over_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every cassette that differs from its story is named, and the exit code says drift."""
    assert command.main([], tmp_path) == 0
    assert command.main(["--check"], tmp_path) == 0
    agents = tmp_path / "agents"
    (agents / "refund_deadline.jsonl").unlink()
    (agents / "net_sales_by_region.jsonl").write_bytes(b"{}\n")
    (agents / "of_old.jsonl").write_bytes(b"{}\n")

    assert command.main(["--check"], tmp_path) == 4
    said = capsys.readouterr().err
    assert "refund_deadline.jsonl is stale" in said
    assert "net_sales_by_region.jsonl is stale" in said
    assert "of_old.jsonl belongs to no story" in said


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_loading_and_saving_keeps_every_byte(path: Path, tmp_path: Path) -> None:
    """A loaded cassette, saved again, is the same file."""
    save(load(path), tmp_path / path.name)
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_questions_are_distinct() -> None:
    """No two interactions answer the same request."""
    requests = [(p.interaction.request.path, p.interaction.request.match.model_dump_json()) for p in PLAYED]
    assert len(requests) == len(set(requests)) == len(PLAYED)


def test_all_are_documented() -> None:
    """Nothing shipped claims to come from a live account, and every source is named."""
    headers = [cassette.header for cassette in load_all(FOLDER) if cassette.name.startswith("agents/")]
    assert {header.provenance for header in headers} == {"documented"}
    assert all(header.source.startswith("cortex-wire ") for header in headers)


@runs(PLAYED)
def test_response_heads_are_exact(played: Played) -> None:
    """Streams are typed text/event-stream, no charset, and carry a request id."""
    headers = played.interaction.response.headers
    assert headers["Content-Type"] == "text/event-stream"
    assert len(headers["X-Snowflake-Request-Id"]) == 36


@runs(PLAYED)
def test_times_are_a_plausible_run(played: Played) -> None:
    """Frames start after a few hundred milliseconds, never go back, and end within 20 s; tenths suffice."""
    times = [frame.at_ms for frame in played.interaction.frames]
    assert 200 <= times[0] <= 700
    assert times == sorted(times)
    assert times == [round(time, 1) for time in times]
    assert times[-1] <= 20_000


@runs(AGENTS)
def test_sequence_numbers_count_every_payload(played: Played) -> None:
    """sequence_number runs from 1 without a gap."""
    assert [payload["sequence_number"] for _, payload in played.events] == list(range(1, len(played.events) + 1))


@runs(PLAYED)
def test_payloads_have_sorted_compact_keys(played: Played) -> None:
    """Data lines hold the shortest form of their JSON, non-ASCII unescaped, keys sorted where the reference sorts."""
    for frame, (_, payload) in zip(played.interaction.frames, played.events, strict=False):
        text = frame.data.decode().split("data: ", 1)[1].removesuffix("\n\n")
        in_order = played.name != LEGACY
        assert text == json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=in_order)


@runs(AGENTS)
def test_payloads_fit_the_contract(played: Played) -> None:
    """Errors, tool results, content and final objects are read by the contract's models."""
    for payload in played.of(Event.ERROR):
        assert ErrorBody.model_validate(payload).any_code
    for payload in played.of(Event.TOOL_RESULT):
        assert ToolResult.model_validate(payload).content
    if played.final is not None:
        final = FinalResponse.model_validate(played.final)
        assert [ContentItem.model_validate(item).type for item in final.content]
    assert {name for name, _ in played.events} <= set(Event)


def blocks(played: Played) -> list[dict[str, Any]]:
    """The whole-block events as content items, in the order of their index; unfinished texts joined from deltas."""
    found: dict[int, dict[str, Any]] = {}
    for name, payload in played.events:
        kind = name.removeprefix("response.")
        if "content_index" not in payload:
            continue
        body = {key: value for key, value in payload.items() if key not in ("content_index", "sequence_number")}
        at = payload["content_index"]
        if name in (Event.TEXT, Event.SUGGESTED_QUERIES):
            found[at] = {"type": kind, **body}
        elif name == Event.TEXT_DELTA:
            said = found.get(at, {}).get("text", "")
            found[at] = {"type": "text", "annotations": [], **body, "text": said + payload["text"]}
        elif name not in (Event.THINKING_DELTA, Event.TEXT_ANNOTATION):
            found[at] = {"type": kind, kind: body}
    return [found[at] for at in sorted(found)]


@runs([played for played in AGENTS if played.final is not None])
def test_final_content_is_what_was_streamed(played: Played) -> None:
    """The final object holds exactly the streamed blocks, in the order of content_index."""
    assert played.final is not None
    assert played.final["content"] == blocks(played)


@runs(AGENTS)
def test_content_index_rises_by_one_per_block(played: Played) -> None:
    """Blocks are numbered from 0 without gaps, and none is touched again after the next one began."""
    indexes = [payload["content_index"] for _, payload in played.events if "content_index" in payload]
    assert indexes == sorted(indexes)
    assert sorted(set(indexes)) == list(range(max(indexes) + 1))


@runs(AGENTS)
@pytest.mark.parametrize(("delta", "whole"), [(Event.TEXT_DELTA, Event.TEXT), (Event.THINKING_DELTA, Event.THINKING)])
def test_deltas_join_to_their_block(played: Played, delta: str, whole: str) -> None:
    """The deltas of a finished block, joined, are its text; no delta is empty."""
    for payload in played.of(whole):
        pieces = [p["text"] for p in played.of(delta) if p["content_index"] == payload["content_index"]]
        assert "".join(pieces) == payload["text"]
        assert all(pieces)


@runs(AGENTS)
def test_runs_in_threads_name_themselves(played: Played) -> None:
    """Metadata events, message ids and run id agree; a run without a thread has none of them."""
    metadata = [payload["metadata"] for payload in played.of(Event.METADATA)]
    if played.final is None or "thread_id" not in played.final["metadata"]:
        assert metadata == []
        return
    final = played.final["metadata"]
    run_id = f"{final['thread_id']}-{final['user_message_id']}"
    assert played.events[0][0] == Event.METADATA
    assert metadata == [
        {"role": "user", "message_id": final["user_message_id"], "run_id": run_id},
        {"role": "assistant", "message_id": final["assistant_message_id"], "run_id": run_id},
    ]
    assert final["run_id"] == run_id


@runs(AGENTS)
def test_tool_results_follow_their_calls(played: Played) -> None:
    """Every result names an earlier call, tables name queries and charts name drawing calls."""
    calls: dict[str, str] = {}
    for name, payload in played.events:
        if name == Event.TOOL_USE:
            assert payload["tool_use_id"] not in calls
            calls[payload["tool_use_id"]] = payload["type"]
        elif name == Event.TOOL_RESULT:
            assert calls[payload["tool_use_id"]] == payload["type"]
        elif name == Event.TABLE:
            assert calls[payload["tool_use_id"]] in ("system_execute_sql", "cortex_analyst_text_to_sql")
        elif name == Event.CHART:
            assert calls[payload["tool_use_id"]] == "data_to_chart"


# Data


@pytest.fixture(scope="module")
def bench() -> duckdb.DuckDBPyConnection:
    """One database for all queries of this file."""
    return connect()


def cell(value: Any, column: dict[str, Any]) -> str | None:
    """A value in the SQL API's string encoding, written here a second time so that no mistake hides in the first."""
    if value is None:
        return None
    if column["type"] == "DATE":
        assert isinstance(value, date)
        return str(value.toordinal() - date(1970, 1, 1).toordinal())
    if column["type"] == "FIXED":
        return str(Decimal(value).quantize(Decimal(1).scaleb(-column["scale"])))
    assert column["type"] == "TEXT"
    assert isinstance(value, str)
    assert len(value) <= column["length"]
    return value


def queries() -> Iterator[Any]:
    """Every statement shown together with its rows."""
    for played in AGENTS:
        for payload in played.of(Event.TOOL_RESULT):
            for shown in objects(payload["content"]):
                if "sql" in shown and "result_set" in shown:
                    assert payload["status"] == "success"
                    yield pytest.param(shown, id=f"{played.name}:{payload['tool_use_id']}")


@pytest.mark.parametrize("shown", list(queries()))
def test_statements_return_the_rows_shown(bench: duckdb.DuckDBPyConnection, shown: dict[str, Any]) -> None:
    """On the benchmark data, a statement gives exactly the rows and columns that the cassette shows for it."""
    (statement,) = to_duckdb(shown["sql"])
    cursor = bench.execute(statement)
    meta, data = shown["result_set"]["resultSetMetaData"], shown["result_set"]["data"]
    rows = [[cell(v, c) for v, c in zip(row, meta["rowType"], strict=True)] for row in cursor.fetchall()]
    if "ORDER BY" not in shown["sql"]:
        rows, data = sorted(rows), sorted(data)
    assert rows == data
    assert meta["numRows"] == len(data)
    assert [column["name"] for column in meta["rowType"]] == [c[0].upper() for c in cursor.description]
    assert shown["result_set"]["statementHandle"] == shown["query_id"]


@runs(AGENTS)
def test_successful_calls_show_their_rows(played: Played) -> None:
    """A statement that was sent and worked comes back with its rows; tables repeat exactly those."""
    sent = {p["tool_use_id"]: p["input"]["sql"] for p in played.of(Event.TOOL_USE) if "sql" in p["input"]}
    shown = {
        payload["tool_use_id"]: payload["content"][0]["json"]
        for payload in played.of(Event.TOOL_RESULT)
        if payload["status"] == "success" and "sql" in payload["content"][0].get("json", {})
    }
    for payload in played.of(Event.TOOL_RESULT):
        use_id = payload["tool_use_id"]
        if use_id in sent and payload["status"] == "success":
            assert shown[use_id]["sql"] == sent[use_id]
    for table in played.of(Event.TABLE):
        assert table["result_set"] == shown[table["tool_use_id"]]["result_set"]
        assert table["query_id"] == shown[table["tool_use_id"]]["query_id"]


@runs(AGENTS)
def test_refused_statements_fail_on_the_data(bench: duckdb.DuckDBPyConnection, played: Played) -> None:
    """A statement shown as failing does fail."""
    sent = {p["tool_use_id"]: p["input"].get("sql") for p in played.of(Event.TOOL_USE)}
    for payload in played.of(Event.TOOL_RESULT):
        if payload["status"] == "error" and sent[payload["tool_use_id"]]:
            with pytest.raises(duckdb.Error):
                bench.execute(to_duckdb(sent[payload["tool_use_id"]])[0])


@runs([played for played in AGENTS if played.of(Event.CHART)])
def test_charts_draw(played: Played) -> None:
    """Every chart compiles and draws its marks, from rows that a query of the same run returned."""
    drawn = [spec for p in played.of(Event.TOOL_RESULT) for o in objects(p["content"]) for spec in o.get("charts", [])]
    for payload in played.of(Event.CHART):
        assert payload["chart_spec"] in drawn
        spec = json.loads(payload["chart_spec"])
        assert spec["$schema"] == "https://vega.github.io/schema/vega-lite/v5.json"
        assert vl_convert.vegalite_to_vega(payload["chart_spec"])["marks"]
        assert "<svg" in vl_convert.vegalite_to_svg(payload["chart_spec"])
        assert all(key == key.upper() for row in spec["data"]["values"] for key in row)
        assert any(same_rows(spec["data"]["values"], o["result_set"]) for o in results(played))


def results(played: Played) -> list[dict[str, Any]]:
    return [o for p in played.of(Event.TOOL_RESULT) for o in objects(p["content"]) if "result_set" in o]


def same_rows(values: list[dict[str, Any]], result_set: dict[str, Any]) -> bool:
    """Whether typed chart rows say what string cells say."""
    columns = result_set["resultSetMetaData"]["rowType"]
    plain = [
        {column["name"]: typed(text, column["type"]) for text, column in zip(row, columns, strict=True)}
        for row in result_set["data"]
    ]
    return values == plain


def typed(text: str | None, kind: str) -> Any:
    if text is None or kind == "TEXT":
        return text
    if kind == "DATE":
        return date.fromordinal(date(1970, 1, 1).toordinal() + int(text)).isoformat()
    return float(text)


def test_documents_shown_are_policies() -> None:
    """Every document found or cited by its id stands so in the policies."""
    lines = (BENCH / "policies.jsonl").read_text(encoding="utf-8").splitlines()
    policies = {p["DOC_ID"]: (p["TITLE"], p["BODY"]) for p in map(json.loads, lines)}
    shown = [o for played in AGENTS for _, payload in played.events for o in objects(payload) if "doc_id" in o]
    assert shown
    assert all((o["doc_title"], o["text"]) == policies[o["doc_id"]] for o in shown)


# Single stories


def test_fixed_transcripts_are_byte_for_byte() -> None:
    """The two printed transcripts are played exactly as the wire reference prints them."""
    a, b = only("net_sales_by_region").interaction, only("refund_deadline").interaction
    expected_a = "0f757f21329a2233aa091e5c117caeb3172c0661afe15ce00d74c89da52b4028"
    expected_b = "0356fb8df6d70f94a9d82852384c818002610d665b49a381fc8fb2eb07a46620"
    assert (len(a.frames), len(a.body())) == (24, 9449)
    assert hashlib.sha256(a.body()).hexdigest() == expected_a
    assert a.response.headers["X-Snowflake-Request-Id"] == "0e6d7a52-6f0a-4a35-9a3e-8b7d9b0c1f42"
    planning = '{"message":"Planning the next steps","sequence_number":1,"status":"planning"}'
    assert b.frames[0].data.decode() == f"event: response.status\ndata: {planning}\n\n"
    assert hashlib.sha256(b"".join(frame.data for frame in b.frames[1:])).hexdigest() == expected_b


def test_three_charts_have_three_marks() -> None:
    """One turn draws a bar chart, a line chart and a scatter plot."""
    marks = [json.loads(payload["chart_spec"])["mark"] for payload in only("three_charts").of(Event.CHART)]
    assert [mark if isinstance(mark, str) else mark["type"] for mark in marks] == ["bar", "line", "point"]


def test_a_share_of_the_year_counts_orders_without_a_country(bench: duckdb.DuckDBPyConnection) -> None:
    """What two countries make of the year is measured on all of its sales, the unplaced ones included."""
    ((whole,),) = bench.execute("SELECT SUM(net_amount) FROM SALES.ORDERS WHERE order_year = 2025").fetchall()
    where = only("three_charts").of(Event.TEXT)[0]["text"]
    first, second = (Decimal(figure) for figure in re.findall(r"([0-9.]+) k€", where))
    assert f"together they make {100 * (first + second) / whole:.1f}% of the year" in where


def test_citations_point_at_what_was_found() -> None:
    """Two documents and one web page are cited; the texts were in tool results, the range lies in the answer."""
    played = only("citations")
    (answer,) = played.of(Event.TEXT)
    kinds = [annotation["type"] for annotation in answer["annotations"]]
    assert kinds == ["cortex_search_citation", "cortex_search_citation", "web_search_citation"]
    found = {o["text"] for p in played.of(Event.TOOL_RESULT) for o in objects(p["content"]) if "text" in o}
    assert {annotation["text"] for annotation in answer["annotations"]} <= found
    web = answer["annotations"][2]
    assert answer["text"][web["start_index"] : web["end_index"]].startswith("Elsewhere")
    assert [p["annotation"] for p in played.of(Event.TEXT_ANNOTATION)] == answer["annotations"]


def test_client_tool_goes_on_with_the_pages_answer() -> None:
    """The first run ends with a call for the page; the second answers the result with that call's id."""
    first, second = [played for played in PLAYED if played.name == "client_tool"]
    assert first.final is not None
    call = first.final["content"][-1]["tool_use"]
    assert (call["name"], call["type"], call["client_side_execute"]) == ("get_time_zone", "generic", True)
    assert second.interaction.request.match.model_dump(exclude_none=True) == {"tool_use_id": call["tool_use_id"]}


def test_inaccessible_tool_warns_before_the_first_thought() -> None:
    """The warning comes before the model is asked, is repeated in the final object, and the tool is not used."""
    played = only("tool_not_accessible")
    (warning,) = played.of(Event.WARNING)
    names = [name for name, _ in played.events]
    assert names.index(Event.WARNING) < names.index(Event.THINKING_DELTA)
    assert warning["code"] == "399569"
    assert warning["message"].startswith("TOOL_NOT_ACCESSIBLE: sales_docs (cortex_search) - ")
    assert played.final is not None
    assert played.final["warnings"] == [{"code": "399569", "message": warning["message"]}]
    assert "sales_docs" not in [payload["name"] for payload in played.of(Event.TOOL_USE)]


def test_failure_comes_after_text_and_ends_the_run() -> None:
    """The error follows text deltas, carries the request id, and no final object comes."""
    played = only("failure_mid_stream")
    assert played.events[-1][0] == Event.ERROR
    assert played.events[-2][0] == Event.TEXT_DELTA
    assert played.final is None
    error = played.events[-1][1]
    assert error["code"] == error["error_code"] == "399504"
    assert error["request_id"] == played.interaction.response.headers["X-Snowflake-Request-Id"]


def test_cancelled_run_keeps_what_was_said() -> None:
    """The run ends as cancelled, its text unfinished but kept."""
    played = only("cancelled_run")
    assert played.final is not None
    assert played.final["status"] == "cancelled"
    assert played.of(Event.TEXT) == []
    assert played.final["content"][-1]["text"].endswith(", which")


def test_conversation_turns_build_on_each_other() -> None:
    """The first turn matches by text alone, the next ones also by the previous answer's message id."""
    turns = [played for played in PLAYED if played.name == "conversation_three_turns"]
    answers = [p.final["metadata"]["assistant_message_id"] for p in turns if p.final is not None]
    assert [p.interaction.request.match.parent_message_id for p in turns] == [None, *answers[:2]] == [None, 602, 604]
    assert all(played.of(Event.TABLE, Event.CHART) for played in turns)


def test_sql_fails_twice_and_then_works() -> None:
    """Two statements are refused with Snowflake's words, the third returns rows."""
    ran = [p for p in only("sql_fails_twice").of(Event.TOOL_RESULT) if p["type"] == "system_execute_sql"]
    assert [payload["status"] for payload in ran] == ["error", "error", "success"]
    assert all("SQL compilation error" in payload["content"][0]["text"] for payload in ran[:2])


def test_elicitation_asks_and_takes_either_answer() -> None:
    """The agent asks back in a text marked as such; each suggestion is the question of another interaction."""
    asked, *answered = [played for played in PLAYED if played.name == "elicitation"]
    assert {payload["is_elicitation"] for payload in asked.of(Event.TEXT, Event.TEXT_DELTA)} == {True}
    (suggested,) = asked.of(Event.SUGGESTED_QUERIES)
    offers = [item["query"] for item in suggested["suggested_queries"]]
    assert offers == [played.interaction.request.match.last_user_text for played in answered]


def test_suggestions_lead_somewhere() -> None:
    """Every suggested question is answered by some interaction."""
    questions = {played.interaction.request.match.last_user_text for played in PLAYED}
    offers = {o["query"] for p in AGENTS for s in p.of(Event.SUGGESTED_QUERIES) for o in s["suggested_queries"]}
    assert offers <= questions


def test_long_thinking_thinks_at_length() -> None:
    """There are three thinking blocks and more than 120 thinking deltas."""
    played = only("long_thinking")
    assert len(played.of(Event.THINKING)) == 3
    assert len(played.of(Event.THINKING_DELTA)) > 120


def test_long_answer_has_600_deltas_of_markdown() -> None:
    """One text of exactly 600 deltas holds headings, nested lists, a table, code, bold, links and a quote."""
    played = only("long_answer")
    assert len(played.of(Event.TEXT_DELTA)) == 600
    (payload,) = played.of(Event.TEXT)
    marks = [
        "# ",
        "\n## ",
        "\n- ",
        "\n  - ",
        "\n1. ",
        "\n|---|",
        "\n```sql\n",
        "**",
        "\n> ",
        "](https://docs.snowflake.com/",
    ]
    assert [mark for mark in marks if mark not in payload["text"]] == []


def test_large_table_has_2000_rows_on_one_line() -> None:
    """The table holds every order of 2024 in a single data line of more than 100,000 bytes."""
    played = only("large_table")
    (table,) = played.of(Event.TABLE)
    assert len(table["result_set"]["data"]) == table["result_set"]["resultSetMetaData"]["numRows"] == 2000
    assert max(len(frame.data) for frame in played.interaction.frames) > 100_000


def test_classic_analyst_is_one_call() -> None:
    """The older profile interprets, writes and runs the statement in a single call."""
    played = only("classic_analyst")
    (call,) = played.of(Event.TOOL_USE)
    (result,) = played.of(Event.TOOL_RESULT)
    assert call["type"] == result["type"] == "cortex_analyst_text_to_sql"
    assert {"text", "sql", "query_id", "result_set"} <= set(result["content"][0]["json"])


@pytest.mark.parametrize(
    ("before", "after"),
    [("\U0001f468", "\u200d"), ("\U0001f1e8", "\U0001f1ed"), ("\U0001f469", "\U0001f3fd"), ("Zu", "\u0308")],
    ids=["joined family", "flag", "skin tone", "combining accent"],
)
def test_characters_arrive_in_two_deltas(before: str, after: str) -> None:
    """What a reader sees as one character is divided between two deltas, at a code point."""
    pieces = [payload["text"] for payload in only("unicode_answer").of(Event.TEXT_DELTA)]
    assert any(a.endswith(before) and b.startswith(after) for a, b in pairwise(pieces))


def test_unicode_answer_holds_a_line_separator_unescaped() -> None:
    """U+2028 stands raw inside a data line, where it ends no line; Arabic, Japanese and Polish stand beside it."""
    played = only("unicode_answer")
    (payload,) = played.of(Event.TEXT)
    raw = next(frame.data for frame in played.interaction.frames if b"event: response.text\n" in frame.data)
    assert "\u2028".encode() in raw
    assert all(word in payload["text"] for word in ("القاهرة", "東京", "Łódź", "Zürich", "Zu\u0308rich"))


def test_legacy_run_hands_out_a_statement_that_works(bench: duckdb.DuckDBPyConnection) -> None:
    """The old endpoint answers a body with a model in message.delta events, and its statement returns rows."""
    played = only(LEGACY)
    match = played.interaction.request.match
    assert played.interaction.request.path == "/api/v2/cortex/agent:run"
    assert (match.model, match.last_user_text) == ("claude-3-5-sonnet", "Net sales by country in 2025")
    assert {name for name, _ in played.events} == {"message.delta"}
    items = [payload["delta"]["content"][0] for _, payload in played.events]
    assert [item["type"] for item in items[:3]] == ["tool_use", "tool_results", "text"]
    sql = items[1]["tool_results"]["content"][0]["json"]["sql"]
    assert len(bench.execute(to_duckdb(sql)[0]).fetchall()) > 10
