"""Recordings as files: what is written, that it is the same each time, and that a stale package is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mocks import export
from mocks.cassette import Frame
from mocks.export import Answer, Exchange, ExportError, Recording

CHAT = {"method": "POST", "path": "/api/v1/chat", "message": "Net sales by region"}
STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}
DELTA = b'event: response.text.delta\ndata: {"text":"EMEA \xe2\x80\xa8leads"}\n\n'
FRAMES = (
    Frame(0.0, b"event: proxy.start\ndata: {}\n\n", held_ms=1500.0),
    Frame(412.6, DELTA),
    Frame(420.0, DELTA),
    Frame(430.0, DELTA),
    Frame(440.0, b"event: response.text.delta\ndata: \xff\n\n"),
    Frame(500.0, b"event: proxy.end\ndata: {}\n\n"),
)


def exchange(thread: str, **changes: Any) -> Exchange:
    """An exchange whose answer streams."""
    return Exchange({**CHAT, "thread": thread}, (Answer(200, STREAM, FRAMES, 1500.0, **changes),))


STORY = Recording("story", export.USUAL, "net sales", "documented", (exchange("none"), exchange("new")))
SCENARIO = Recording(
    "scenario",
    "flaky",
    "one in two breaks",
    "documented",
    (replace(exchange("none"), order=(0, 1), begins_again=True, answers=exchange("none").answers * 2),),
)
REFUSED = Recording(
    "problem",
    "problem/token-missing",
    "no token",
    "documented",
    (Exchange({**CHAT, "anything": True}, (Answer(401, {}, (Frame(0.0, b"{}"),)),)),),
)
PARTS = tuple(
    Recording("proxy", name, name, "documented", (Exchange({"method": "GET", "path": "/livez"}, ()),))
    for name in ("tools", "plain")
)
RECORDINGS = (STORY, SCENARIO, REFUSED, *PARTS)


def document(module: str) -> Any:
    """What a module exports."""
    return json.loads(module.removeprefix("export default ").removesuffix(";\n"))


def exported(target: export.Target, folder: Path, *, check: bool = False) -> tuple[int, list[str]]:
    """The exit code of an export, and what it said."""
    said: list[str] = []
    return export.run(target, RECORDINGS, out=folder, check=check, say=said.append), said


def test_a_frame_is_written_with_its_times_and_its_bytes() -> None:
    """What the pace scales and what a fault holds back stand apart; bytes that are no UTF-8 are base64."""
    module = export.files("msw", RECORDINGS, is_apart=False)["recordings/story.agents.net_sales_by_region.js"]

    frames = document(module)["exchanges"][0]["answers"][0]["frames"]
    assert frames[0] == {"atMs": 0.0, "heldMs": 1500.0, "text": "event: proxy.start\ndata: {}\n\n"}
    assert frames[1]["text"].encode() == DELTA
    assert frames[4] == {"atMs": 440.0, "base64": "ZXZlbnQ6IHJlc3BvbnNlLnRleHQuZGVsdGEKZGF0YTog/woK"}
    assert "\u2028" not in module


def test_the_same_recordings_are_the_same_files() -> None:
    """Two exports of one recording do not differ by a byte, in whichever order its parts came."""
    one, other = (export.files("msw", each, is_apart=True) for each in (RECORDINGS, RECORDINGS[::-1]))

    assert one == other


def test_order_and_chance_are_written() -> None:
    """Which answer each request gets stands beside the answers; a plain exchange says nothing of it."""
    flaky, story = (each.as_json()["exchanges"][0] for each in (SCENARIO, STORY))

    assert (flaky["order"], flaky["beginsAgain"], len(flaky["answers"])) == ([0, 1], True, 2)
    assert not {"order", "beginsAgain"} & story.keys()


def test_failures_of_the_network_are_made_and_say_so() -> None:
    """Nobody answers, or the connection ends after the second text delta; each is said to be made up."""
    made = {each.name: each for each in export.with_network(RECORDINGS) if each.kind == "network"}

    assert made.keys() == {"network/unreachable", "network/cut", "network/reset"}
    assert {each.provenance for each in made.values()} == {export.MADE_UP}
    cut = made["network/cut"].exchanges[0].answers[0]
    assert (cut.ends, cut.frames) == ("cut", FRAMES[:3])
    unreachable = made["network/unreachable"].exchanges[0]
    assert (unreachable.request["anything"], unreachable.answers[0].frames) == (True, ())


def test_without_a_story_there_is_nothing_to_export() -> None:
    """Recordings of refusals alone are refused, with the reason."""
    with pytest.raises(ExportError, match="no story is recorded"):
        export.with_network((REFUSED,))


@pytest.mark.parametrize("target", ["msw", "playwright"])
def test_an_exported_package_is_whole_and_current(tmp_path: Path, target: export.Target) -> None:
    """Elsewhere a package has all that it imports; exported once more, nothing is written."""
    exported(target, tmp_path)

    assert exported(target, tmp_path, check=True) == (export.OK, [])
    assert ": 0 of " in exported(target, tmp_path)[1][0]
    for module in tmp_path.glob("*.js"):
        for line in module.read_text("utf-8").splitlines():
            if 'from "./' in line or 'import("./' in line:
                path = line.rpartition('"./')[2].partition('"')[0]
                assert (tmp_path / path).is_file(), f"{module.name} imports {path}"


def test_in_this_repository_one_copy_of_the_recordings_does() -> None:
    """The Playwright fixtures play what the MSW package holds, unless they stand alone."""
    here, apart = (export.files("playwright", RECORDINGS, is_apart=each) for each in (False, True))

    assert not any(name.startswith("recordings/") for name in here)
    assert 'import("../msw/recordings/scenario.flaky.js")' in here["catalogue.js"]
    assert 'import("./recordings/scenario.flaky.js")' in apart["catalogue.js"]
    assert here["stage.js"] == (export.MSW / "stage.js").read_text("utf-8")


def spoil(path: Path) -> None:
    """Change a file, by whatever means."""
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: spoil(folder / "recordings" / "scenario.flaky.js"),
        lambda folder: (folder / "recordings" / "scenario.flaky.js").unlink(),
        lambda folder: (folder / "recordings" / "scenario.gone.js").write_text("export default {};\n"),
        lambda folder: spoil(folder / "catalogue.d.ts"),
    ],
    ids=["changed", "missing", "left over", "types"],
)
def test_a_stale_package_is_named(tmp_path: Path, change: Any) -> None:
    """A file that is changed, missing or left over is told by name, with exit code 4; an export puts it right."""
    exported("msw", tmp_path)
    change(tmp_path)

    code, said = exported("msw", tmp_path, check=True)

    assert code == export.DRIFT
    assert len(said) == 1
    assert "is stale: run 'python3 harness.py export msw'" in said[0]
    assert exported("msw", tmp_path)[0] == export.OK
    assert exported("msw", tmp_path, check=True) == (export.OK, [])


def test_scenarios_are_a_type() -> None:
    """Every name that can be played is a member of the union, with what it means."""
    types = export.files("msw", RECORDINGS, is_apart=False)["catalogue.d.ts"]

    for name in ("flaky", "problem/token-missing", "network/cut"):
        assert f'  | "{name}"\n' in types or f'  | "{name}";' in types
    assert "/** one in two breaks */" in types


def test_the_readmes_tell_what_is_there() -> None:
    """The tables list each scenario with its question, and in how many recordings each end occurs."""
    readme = "<!-- scenarios: written -->\nold\n<!-- end -->\n<!-- ends: written -->\n<!-- end -->\n"

    written = export.with_tables(readme, export.with_network(RECORDINGS))

    assert "old" not in written
    assert "| `flaky` | one in two breaks | chat: *Net sales by region* | 200 |" in written
    assert "| `problem/token-missing` | no token | chat: anything | 401 |" in written
    assert "| reset | 1 | TCP reset | stream error, as a cut | stream error, as a cut | TCP reset |" in written
