"""The writer of stories: numbering, cutting, pacing and the final object; and the data it takes its rows from."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.cassette import Frame, Match
from mocks.stories import figures
from mocks.stories.charts import channel, spec
from mocks.stories.deltas import split, tokens
from mocks.stories.pacing import Clock
from mocks.stories.results import Column, encode, query
from mocks.stories.writer import ThreadIds, Turn, interaction, made_up_query_id, made_up_uuid

ONE_ROW_SQL = "SELECT COUNT(*) AS orders FROM CORTEX_BENCH_DB.SALES.ORDERS WHERE order_year = 2024"


def payloads(frames: list[Frame]) -> list[tuple[str, Any]]:
    """Event names and parsed data, without `done`."""
    pairs = [frame.data.decode().removesuffix("\n\n").split("\ndata: ", 1) for frame in frames]
    return [(event.removeprefix("event: "), json.loads(data)) for event, data in pairs if data != "[DONE]"]


def test_blocks_are_numbered_and_repeated_in_the_final_object() -> None:
    """Every payload is counted from 1, every block from 0, and the final object holds the blocks."""
    turn = Turn("numbering")
    turn.plan()
    turn.thinking("Let me see.")
    turn.text("Yes.", ["Y", "es."])
    turn.finish()

    events = payloads(turn.frames)
    assert [payload["sequence_number"] for _, payload in events] == list(range(1, len(events) + 1))
    texts = [(name, p["text"], p["content_index"]) for name, p in events if name.startswith("response.text")]
    assert texts == [("response.text.delta", "Y", 1), ("response.text.delta", "es.", 1), ("response.text", "Yes.", 1)]
    final = events[-1][1]
    assert final["content"] == [
        {"type": "thinking", "thinking": {"text": "Let me see."}},
        {"type": "text", "text": "Yes.", "is_elicitation": False},
    ]
    assert turn.frames[-1].data == b"event: done\ndata: [DONE]\n\n"


def test_runs_without_thread_or_warning_say_nothing_of_them() -> None:
    """Message ids and warnings are absent, not empty."""
    turn = Turn("plain")
    turn.finish()
    ((name, final),) = payloads(turn.frames)
    assert name == "response"
    assert set(final) == {"content", "metadata", "role", "schema_version", "sequence_number", "status"}
    assert set(final["metadata"]) == {"usage"}


def test_threaded_runs_open_and_close_with_metadata() -> None:
    """The user's message comes first, the assistant's just before the final object."""
    turn = Turn("threaded", ThreadIds(7, 11, 12))
    turn.plan()
    turn.finish()
    (first, user), _, (last, assistant), (_, final) = payloads(turn.frames)
    assert (first, user["metadata"]) == ("metadata", {"message_id": 11, "role": "user", "run_id": "7-11"})
    assert (last, assistant["metadata"]) == ("metadata", {"message_id": 12, "role": "assistant", "run_id": "7-11"})
    assert final["metadata"]["assistant_message_id"] == 12


def test_warnings_return_in_the_final_object() -> None:
    """A warning is sent when it happens and listed at the end."""
    turn = Turn("warned")
    turn.warning("399569", "no tool")
    turn.finish()
    (name, _), (_, final) = payloads(turn.frames)
    assert name == "response.warning"
    assert final["warnings"] == [{"code": "399569", "message": "no tool"}]


def test_failures_have_no_final_object() -> None:
    """A failed run ends with an error that names the request, then done."""
    turn = Turn("failed")
    turn.fail("399504", "Error during execution")
    ((name, error),) = payloads(turn.frames)
    assert (name, error["code"], error["error_code"]) == ("error", "399504", "399504")
    assert error["request_id"] == interaction(Match(), turn).response.headers["X-Snowflake-Request-Id"]


def test_tokens_add_up() -> None:
    """Input tokens are the cached and the uncached ones."""
    turn = Turn("tokens")
    turn.sql(ONE_ROW_SQL)
    turn.finish()
    (used,) = payloads(turn.frames)[-1][1]["metadata"]["usage"]["tokens_consumed"]
    parts = used["input_tokens"]
    assert parts["total"] == parts["cache_read"] + parts["cache_write"] + parts["uncached"]
    assert used["output_tokens"]["total"] > 0


def test_rows_come_from_the_data() -> None:
    """A statement's result set holds what the benchmark data answers, as strings."""
    turn = Turn("rows")
    answer = turn.sql(ONE_ROW_SQL)
    turn.table(answer, "Orders")
    table = payloads(turn.frames)[-1][1]
    assert table["result_set"]["data"] == [["2000"]]
    assert table["query_id"] == table["result_set"]["statementHandle"]


def test_a_statement_that_works_cannot_be_shown_as_refused() -> None:
    """A story may only let statements fail that do fail."""
    with pytest.raises(ValueError, match="should fail"):
        Turn("liar").sql_refused(ONE_ROW_SQL, "SQL compilation error")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT region FROM CORTEX_BENCH_DB.SALES.ORDERS", "ORDER BY"),
        ("SELECT AVG(net_amount) AS a FROM CORTEX_BENCH_DB.SALES.ORDERS", "cast it to a NUMBER"),
    ],
    ids=["no order", "type differs"],
)
def test_queries_that_would_not_repeat_are_refused(sql: str, reason: str) -> None:
    """Rows without an order, and types that Snowflake has otherwise, do not get into a cassette."""
    with pytest.raises(ValueError, match=reason):
        query(sql)


def test_columns_are_described_as_declared() -> None:
    """Lengths, precision and nullability come from the schema; sums get Snowflake's twelve digits more."""
    sql = (
        "SELECT order_id, region, order_date, net_amount, SUM(net_amount) AS s"
        " FROM ORDERS GROUP BY 1, 2, 3, 4 ORDER BY 1 LIMIT 1"
    )
    assert query(sql).columns == (
        Column("ORDER_ID", "FIXED", precision=10, nullable=False),
        Column("REGION", "TEXT", length=16),
        Column("ORDER_DATE", "DATE"),
        Column("NET_AMOUNT", "FIXED", precision=18, scale=2, nullable=False),
        Column("S", "FIXED", precision=30, scale=2),
    )


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (None, Column("A", "TEXT"), None),
        ("東京", Column("A", "TEXT"), "東京"),
        (Decimal("1250.5"), Column("A", "FIXED", scale=2), "1250.50"),
        (7, Column("A", "FIXED"), "7"),
        (date(2026, 1, 1), Column("A", "DATE"), "20454"),
        (date(1969, 12, 31), Column("A", "DATE"), "-1"),
    ],
    ids=["null", "text", "scale kept", "integer", "date", "before 1970"],
)
def test_cells_are_strings(value: str | int | Decimal | date | None, column: Column, text: str | None) -> None:
    """A cell is encoded as the SQL API encodes it."""
    assert encode(value, column) == text


@given(st.text())
def test_tokens_join_to_their_text(text: str) -> None:
    """Nothing is lost or moved by cutting a text."""
    assert "".join(tokens(text)) == text
    assert all(tokens(text))


def test_split_gives_exactly_as_many_pieces() -> None:
    """A text arrives in the number of pieces asked for, none of them empty."""
    pieces = split("One two three, four.", 4)
    assert len(pieces) == 4
    assert "".join(pieces) == "One two three, four."
    assert all(pieces)


def test_split_refuses_more_pieces_than_tokens() -> None:
    """A text too short for its pieces is refused."""
    with pytest.raises(ValueError, match="2 tokens cannot arrive in 3 deltas"):
        split("Too short", 3)


def test_pauses_belong_to_the_story() -> None:
    """The same story pauses the same, another one differently; waits stay in their range."""
    first, again, other = Clock("a"), Clock("a"), Clock("b")
    times = [first.wait((10, 20)) for _ in range(20)]
    assert times == [again.wait((10, 20)) for _ in range(20)]
    assert times != [other.wait((10, 20)) for _ in range(20)]
    assert all(9.9 <= b - a <= 20.1 for a, b in pairwise(times))


def test_made_up_ids_are_stable_and_well_formed() -> None:
    """Ids look like Snowflake's and depend on their key only."""
    assert made_up_uuid("a") == made_up_uuid("a") != made_up_uuid("b")
    assert made_up_uuid("a")[14] == "4"
    assert made_up_query_id("toolu_1").startswith("01bd4f00-0000-1a2b-0000-")
    assert len(made_up_query_id("toolu_1")) == 36


def test_chart_rows_are_typed() -> None:
    """Inline rows hold numbers and ISO dates under upper-case names; whole numbers have no fraction."""
    sql = "SELECT MIN(order_date) AS first, COUNT(*)::NUMBER(10,2) AS n FROM ORDERS WHERE order_year = 2024"
    document = json.loads(spec("T", "bar", query(sql), x=channel("FIRST", "temporal")))
    assert document["data"]["values"] == [{"FIRST": "2024-01-01", "N": 2000}]
    assert document["encoding"] == {"x": {"field": "FIRST", "type": "temporal"}}


def test_figures_read_well() -> None:
    """Amounts have commas and a unit, growth has a sign, lists have an `and`."""
    assert figures.amount(Decimal("1250.5")) == "1,250.50 k€"
    assert figures.change(Decimal(100), Decimal("91.5")) == "\u22128.5%"
    assert figures.change(Decimal(100), Decimal(108)) == "+8.0%"
    assert figures.share(Decimal(1), Decimal(3)) == "33.3%"
    assert figures.listed(["a"]) == "a"
    assert figures.listed(["a", "b", "c"]) == "a, b and c"
