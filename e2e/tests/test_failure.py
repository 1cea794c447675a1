"""What a failed story says: short, in the order in which it is needed, and whatever else has broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2e.failure import Broken, Recording, near, without_snapshot
from e2e.stage import Stage

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.Y2FuYXJ5LWNhbmFyeS1jYW5hcnk"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
UNREACHABLE = "http://127.0.0.1:9"


class Telling(Stage):
    """A stage whose mock was asked these things."""

    def journal(self, test_id: str) -> list[dict[str, Any]]:
        """What was asked, newest first."""
        assert test_id == "story-1"
        common = {"method": "POST", "outcome": "answered", "frames_planned": 2, "frames_sent": 2}
        run = {**common, "path": "/api/v2/agents/A:run", "status": 429, "scenario": "throttled", "why": "told so"}
        return [run, {**common, "path": "/api/v2/cortex/threads", "status": 200}]


def recording(folder: Path, stage: Stage | None = None) -> Recording:
    """Of a story without a browser, which asked once."""
    made = Recording("story-1", stage or Stage(UNREACHABLE, None, None, None, "rehearsal"), folder)
    made.questions.append("Net sales by region")
    made.trace_ids.append(TRACE_ID)
    return made


def test_a_report_is_in_the_order_in_which_it_is_needed(tmp_path: Path) -> None:
    """Promise and scenario, what was asked, what the page did wrong, the trace and its link, the mock, the evidence."""
    stage = Telling(UNREACHABLE, UNREACHABLE, None, None, "rehearsal")
    told = Broken(
        "It is so.",
        "throttled",
        recording(tmp_path, stage),
        trace_url="https://traces.example/{trace_id}",
        faults=("console error: oops",),
    ).report()
    assert told.splitlines() == [
        "promise    It is so.",
        "scenario   throttled",
        "asked      Net sales by region",
        "page fault console error: oops",
        "test id    story-1",
        f"trace      {TRACE_ID}",
        f"           https://traces.example/{TRACE_ID}",
        "mock       was asked 2 times, the last:",
        "    POST threads -> 200 answered, 2/2 frames",
        "    POST A:run -> 429 answered, 2/2 frames, scenario throttled, because told so",
        f"evidence   {tmp_path}",
    ]


def test_what_cannot_be_had_is_left_out(tmp_path: Path) -> None:
    """A mock that is gone and telemetry that nobody took do not hide the failure."""
    gone = Stage(UNREACHABLE, UNREACHABLE, None, None, "rehearsal")
    told = Broken("It is so.", None, recording(tmp_path, gone)).report()
    assert [line.split()[0] for line in told.splitlines()] == ["promise", "asked", "test", "trace", "evidence"]


def test_a_report_holds_no_credential(tmp_path: Path) -> None:
    """What a page said is told without the token that it said."""
    told = Broken("It is so.", None, recording(tmp_path), faults=(f"console error: Bearer {TOKEN}",)).report()
    assert "console error: Bearer ***" in told
    assert TOKEN not in told


def test_what_was_recorded_is_gone_when_the_story_passed(tmp_path: Path) -> None:
    """Nothing is left of a passed story, neither where it was recorded nor where evidence goes."""
    passed = recording(tmp_path / "kept")
    (passed.raw / "network.har").write_text("{}")
    passed.forget()
    assert not passed.raw.exists()
    assert not (tmp_path / "kept").exists()


def test_what_others_left_in_the_folder_is_looked_through(tmp_path: Path) -> None:
    """A trace or a log that was put there before has its credentials starred, too."""
    failed = recording(tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "left.json").write_text(f'{{"token": "{TOKEN}"}}')
    failed.freeze()
    kept = failed.keep("the report")
    assert kept.files == ["left.json", "story.txt"]
    assert TOKEN not in (tmp_path / "kept" / "left.json").read_text()
    assert not failed.raw.exists()


def test_the_pages_content_does_not_stand_in_the_traceback() -> None:
    """Playwright's snapshot of the whole page goes to the evidence; what stands before and behind it stays."""
    lines = [
        "    expect(turn)",
        ">   .to_be_visible()",
        "E   not found",
        "E   Aria snapshot:",
        "E   - main:",
        "    more",
    ]
    assert without_snapshot(lines) == [*lines[:3], "    more"]


@pytest.mark.parametrize(("below", "said"), [(True, "test-results"), (False, "/elsewhere")])
def test_evidence_is_named_as_it_would_be_typed(below: bool, said: str) -> None:
    """Relative to where the suite was started, when it is below."""
    assert near(Path.cwd() / "test-results" if below else Path("/elsewhere")) == said
