"""Ground truth: when an answer's first text came, by the clocks of the mock, the proxy, the page and the reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Response

import mocks
from contracts import telemetry, traces
from contracts.cortex import Event
from e2e.stage import TIMEOUT_S
from e2e.story import PROXY, Story, moved
from e2e.telemetry import Span
from e2e.timing import Reading, assert_agreeing, left_s, scheduled_s
from mocks.cassette import Frame, load

AGENTS = Path(mocks.__file__).parent / "cassettes" / "agents"

STOPWATCH = """(words) => {
  const first = (globalThis.firstWords = { askedMs: null, shownMs: null });
  const press = (event) => event.key === "Enter" && (first.askedMs ??= event.timeStamp);
  addEventListener("keydown", press, { capture: true });
  const observer = new MutationObserver(() => {
    if (![...document.querySelectorAll("article")].at(-1)?.textContent.includes(words)) return;
    first.shownMs = performance.now();
    removeEventListener("keydown", press, { capture: true });
    observer.disconnect();
  });
  observer.observe(document.body, { childList: true, characterData: true, subtree: true });
}"""
"""A stopwatch in the page that is not the page's own: from the press of Enter until the words are in the answer."""

LATE = 0.4
"""How much later than the clock before it a clock may be, as a share of the moment.

Alone, each step takes 1 to 30 ms; with twenty processes that want two cores, a page was seen 300 ms behind. So the
bound is not what steps take, but what must be found: a clock that is off by half. One that says too little is found
much sooner, by what stands below.
"""

NEVER_S = 0.002
"""By so little a clock is early that cannot be: browsers round their clocks, and the journal its times."""


@dataclass(frozen=True, slots=True)
class Told:
    """All that was told of a turn.

    cassette: what the turn was played from, its times multiplied by `factor`.   timeline: the mock's, with what it did.
    moved: by how much the proxy's series of a name moved that have these labels.
    """

    cassette: tuple[Frame, ...]
    factor: float
    timeline: list[list[Any]]
    moved: Callable[[str, Mapping[str, str]], float]
    span: Span
    reported_s: float
    shown_s: float

    def played(self, event: str, words: str) -> list[Reading]:
        """When the first frame of an event was due, and when it left."""
        return [
            Reading(f"{words} is due after", scheduled_s(self.cassette, event, self.factor)),
            Reading(f"the mock let {words} go after", left_s(self.timeline, event), LATE, NEVER_S),
        ]

    def measured(self, metric: telemetry.Metric, **labels: str) -> float:
        """The one value that a histogram was told."""
        assert self.moved(f"{metric.name}_count", labels) == 1
        return self.moved(f"{metric.name}_sum", labels)

    def text_in_proxy(self) -> list[Reading]:
        """When the first text was due, when it left the mock, and when the proxy had it."""
        stages = telemetry.Stage.QUEUE, telemetry.Stage.UPSTREAM
        had_s = sum(self.measured(telemetry.STREAM_STAGES, stage=each) for each in stages)
        return [
            *self.played(Event.TEXT_DELTA, "the first text"),
            Reading("the proxy's stages say that it came after", had_s, LATE, NEVER_S),
        ]


def first_event(told: Told) -> list[Reading]:
    """What was told of the first event."""
    chunk_s = float(told.span.attributes[traces.FIRST_CHUNK.name])
    return [
        *told.played(told.cassette[0].event, "the first event"),
        Reading("the proxy's span says", chunk_s, LATE, NEVER_S),
        Reading("the proxy's histogram says", told.measured(telemetry.STREAM_FIRST_EVENT), LATE, NEVER_S),
    ]


def first_text(told: Told) -> list[Reading]:
    """What was told of the first text."""
    return [
        *told.text_in_proxy(),
        Reading("the page's report says", told.reported_s, LATE, NEVER_S),
        Reading("the reader saw it after", told.shown_s, LATE, NEVER_S),
    ]


def first_text_out(told: Told) -> list[Reading]:
    """What the proxy told of handing it on: it reads that clock afterwards, when a page may long have the text."""
    handed_on_s = told.measured(telemetry.STREAM_FIRST_TOKEN)
    return [*told.text_in_proxy(), Reading("the proxy's histogram says", handed_on_s, LATE, NEVER_S)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, how its answer begins, its cassette, and the factor on the cassette's times."""

    question: str
    words: str
    cassette: str
    factor: float


@pytest.mark.parametrize(
    ("asked", "moments"),
    [
        pytest.param(
            Asked("What is the refund deadline?", "Customers have 30", "refund_deadline", 1.0),
            (first_event, first_text, first_text_out),
            id="real time",
        ),
        pytest.param(
            Asked("Which products are returned most often?", "The Hand", "sql_fails_twice", 0.25),
            (first_text, first_text_out),
            id="faster",
        ),
    ],
)
def test_every_clock_tells_the_same_moment(
    story: Story, asked: Asked, moments: tuple[Callable[[Told], list[Reading]], ...]
) -> None:
    """What the proxy and the page say of an answer's beginning agrees with the cassette and with the reader's watch."""
    page = story.chat.page
    story.pace(asked.factor)
    page.evaluate(STOPWATCH, asked.words)
    before = story.stage.counters()
    with page.expect_response(reports_first_text) as report:
        story.ask(asked.question)
    request, *_ = story.spans(PROXY)  # ends when all of it is counted, and the reader may be earlier
    after = story.stage.counters()
    shown = page.evaluate("firstWords")
    told = Told(
        cassette=load(AGENTS / f"{asked.cassette}.jsonl").interactions[0].frames,
        factor=asked.factor,
        timeline=timeline(story),
        moved=lambda name, labels: moved(before, after, name, labels),
        span=request,
        reported_s=reported(report.value)["time_to_first_token_s"],
        shown_s=(shown["shownMs"] - shown["askedMs"]) / 1000,
    )
    assert_agreeing([moment(told) for moment in moments])
    assert told.measured(telemetry.CLIENT_FIRST_TOKEN) == pytest.approx(told.reported_s)


def timeline(story: Story) -> list[list[Any]]:
    """What the mock planned and did, frame by frame, of the newest turn."""
    entry = requests.get(f"{story.stage.mock_url}/__mock/journal/{story.journal()[0]['id']}", timeout=TIMEOUT_S)
    lines: list[list[Any]] = entry.json()["timeline"]
    return lines


def reports_first_text(response: Response) -> bool:
    """Whether a response answers the page's report of its first text."""
    return response.url.endswith("/metrics/report") and "time_to_first_token_s" in reported(response)


def reported(response: Response) -> dict[str, float]:
    """The measurements of a report, by name."""
    report: Any = response.request.post_data_json
    return {each["name"]: each["value"] for each in report["metrics"]}
