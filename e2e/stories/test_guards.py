"""What stories assert can fail: a story that expects what was not gets it named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.telemetry import STREAM_ENDS
from e2e import story as stories
from e2e.answers import RUN, THREAD_THEN_RUN, assert_told
from e2e.story import Story
from e2e.telemetry import TelemetryMissing


def test_what_is_not_as_a_story_expects_is_named(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters, lines, the trace's shape and its figures: each failure says what was found, and shows the trace."""
    monkeypatch.setattr(stories, "SETTLE_S", 0.1)
    ends = {"reason": "completed", "delta": 2}
    wrong = r"reason=completed\} moved by 1, expected 2\ntrace \w{32}"
    with pytest.raises(TelemetryMissing, match=wrong), story.moves({STREAM_ENDS.name: ends}):
        story.ask("Net sales by region")
    with pytest.raises(TelemetryMissing, match=r"the line 'request' must not be there\n.*'status': 200"):
        story.never_logged("request")
    with pytest.raises(TelemetryMissing) as told:
        assert_told(story, "How did EMEA develop month by month?", RUN)
    for words in (
        "the trace's spans are",
        "gen_ai.usage.input_tokens 5100, expected 9672",
        "the mock's span says cassette 'agents/net_sales_by_region'",
        "the line 'stream ended' says events 24, expected 355",
    ):
        assert words in str(told.value)


def test_words_in_telemetry_are_found(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A passage of an answer in a line of its trace is a failure."""
    story.ask("Net sales by region")
    line = story.logs("stream ended")[0]
    leaked = replace(line, fields={"detail": "said: EMEA leads with 1,250.50, APAC follows"})
    logs = story.receiver.logs
    monkeypatch.setattr(story.receiver, "logs", lambda **asked: [*logs(**asked), leaked])
    with pytest.raises(TelemetryMissing, match=r"'stream ended' of cortex-proxy holds words .* in 'detail'"):
        assert_told(story, "Net sales by region", THREAD_THEN_RUN)
