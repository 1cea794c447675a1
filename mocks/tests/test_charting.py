"""Charts drawn by rule: which columns go where, and which runs are answered with one at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.cortex import RunRequest
from mocks.charting import chart, draw

SALES = [{"REGION": "EMEA", "NET_SALES": 1250.5}, {"REGION": "APAC", "NET_SALES": 980}]
TOOLS = [{"tool_spec": {"type": "data_to_chart", "name": "data_to_chart"}}]


def run(text: str, tools: Any = TOOLS) -> RunRequest:
    """An inline run that asks this with these tools."""
    message = {"role": "user", "content": [{"type": "text", "text": text}]}
    return RunRequest.model_validate({"messages": [message], "tools": tools})


@pytest.mark.parametrize(
    ("rows", "question", "mark", "encoding"),
    [
        pytest.param(SALES, "", "bar", {"x": "REGION nominal", "y": "NET_SALES quantitative"}, id="text and number"),
        pytest.param(
            [{"DAY": "2025-01-01", "N": 1}], "", "line", {"x": "DAY temporal", "y": "N quantitative"}, id="date"
        ),
        pytest.param(
            [{"AT": "2025-01-01T10:00:00", "N": None}, {"AT": "2025-01-02T10:00:00", "N": 2}],
            "",
            "line",
            {"x": "AT temporal", "y": "N quantitative"},
            id="time and an empty cell",
        ),
        pytest.param(
            [{"A": 1, "B": 2.5}], "", "point", {"x": "A quantitative", "y": "B quantitative"}, id="numbers only"
        ),
        pytest.param(
            [{"R": "x", "P": "y", "N": 1}],
            "",
            "bar",
            {"x": "R nominal", "y": "N quantitative", "color": "P nominal"},
            id="two texts",
        ),
        pytest.param(
            SALES,
            "as a Pie",
            "arc",
            {"theta": "NET_SALES quantitative", "color": "REGION nominal"},
            id="asked for a pie",
        ),
        pytest.param(SALES, "as lines", "line", {"x": "REGION nominal", "y": "NET_SALES quantitative"}, id="lines"),
        pytest.param(
            [{"R": "x", "OPEN": True, "N": 1}],
            "",
            "bar",
            {"x": "R nominal", "y": "N quantitative", "color": "OPEN nominal"},
            id="truth is no number",
        ),
    ],
)
def test_what_goes_where(rows: list[dict[str, Any]], question: str, mark: str, encoding: dict[str, str]) -> None:
    """The rows stay as they are; their kinds, and the words of the question, decide the rest."""
    drawn = chart(rows, question)
    assert drawn is not None
    found = {channel: f"{each['field']} {each['type']}" for channel, each in drawn["encoding"].items()}
    assert (drawn["mark"], found, drawn["data"]["values"]) == (mark, encoding, rows)


def test_rows_without_numbers_are_no_chart() -> None:
    """Nothing has a height then."""
    assert chart([{"REGION": "EMEA"}]) is None


def test_a_chart_is_drawn_from_the_rows_of_the_question() -> None:
    """The answer is a whole run: the tool's call and result, the chart, a sentence, the final object, `done`."""
    plan = draw(run(f"Draw them [sic], please: <rows>{json.dumps(SALES)}</rows>"))
    assert plan is not None
    assert plan.headers["x-mock-drawn"] == "true"
    assert [frame.event for frame in plan.frames] == [
        "response.status",
        "response.tool_use",
        "response.tool_result",
        "response.chart",
        "response.text.delta",
        "response.text",
        "response",
        "done",
    ]
    final = json.loads(plan.frames[-2].payload)
    assert json.loads(final["content"][2]["chart"]["chart_spec"])["data"]["values"] == SALES


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        pytest.param("no rows", TOOLS, id="no rows"),
        pytest.param("[1, 2] [] [{}] [{", TOOLS, id="no array of objects"),
        pytest.param('[{"A": "text"}]', TOOLS, id="no numbers"),
        pytest.param('[{"A": 1}]', None, id="no tools"),
        pytest.param('[{"A": 1}]', [*TOOLS, *TOOLS], id="two tools"),
        pytest.param('[{"A": 1}]', [{"tool_spec": {"type": "generic"}}], id="another tool"),
        pytest.param('[{"A": 1}]', ["x"], id="no tool"),
        pytest.param("[" * 20_000, TOOLS, id="deep"),
    ],
)
def test_other_runs_are_not_drawn(text: str, tools: Any) -> None:
    """A question stays a question."""
    assert draw(run(text, tools)) is None
