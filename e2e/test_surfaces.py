"""One recording, every surface: mock and proxy, MSW 2, MSW 3 and the Playwright helpers show a client the same.

**Sequences.** Every exchange of every recording is asked at pace 0; status, headers that matter and parsed events are
compared, ids aside, with what mock and proxy show now.

**Times.** A gap is the time between the arrivals of two frames, on the client's monotonic clock. Each surface is held
to the recorded gaps, every one of them, within 5 ms: so no two surfaces are further than 10 ms apart. A loaded machine
delays arrivals, and nothing makes one early; so each answer is played several times, begun at different moments, and of
each frame the least late arrival counts. What a surface itself holds back, or sends too early, is so in every play:
that this is found out is tested as well. (How late frames are under load is measured by `load`, not here.)
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, BrowserType, Page, expect

from contracts import nodejs
from contracts.examples import SESSION_ID
from e2e import frontdoor
from e2e.client_api import TIMEOUT_S
from e2e.page import Chat
from e2e.stack import Stack, running
from e2e.surfaces import (
    CHAT,
    QUESTION,
    THE_SERVER,
    Arrivals,
    Json,
    Surface,
    Told,
    arrivals,
    ask_in_thread,
    asks_of_stack,
    body_of,
    compared,
    difference,
    differences,
    headers,
    heard_body,
    history,
    installed,
    misplaced,
    package_beside,
    play,
    served,
    spoil,
    timed_asks,
    told,
)
from e2e.tests.running import until
from mocks import export
from mocks.playwright.cortex_playback import Playback, catalogue, lead, playing

MSW_VERSIONS = ("msw2", "msw3")


# --- surfaces


@pytest.fixture(scope="module", params=MSW_VERSIONS)
def msw(request: pytest.FixtureRequest) -> Surface:
    """The exported package beside one version of MSW."""
    return {"msw": str(package_beside(request.param))}


@pytest.fixture(scope="module")
def as_played() -> Iterator[Stack]:
    """Mock and proxy at the recorded pace."""
    with running(pace=1.0, strict=True, proxy_environment=frontdoor.ENVIRONMENT) as stack:
        yield stack


@pytest.fixture
def playback() -> Iterator[Playback]:
    """The helper of pytest-playwright."""
    with playing() as server:
        yield server


# --- sequences


def test_recordings_are_what_mock_and_proxy_show() -> None:
    """Recorded anew, every file says the same, times aside; whoever changed something exports again."""
    recorded = frontdoor.record(pace=0.0)

    fresh = {each.name: _timeless(each.as_json()) for each in recorded.recordings}
    kept = {each["name"]: _timeless(each) for each in catalogue().recordings.values() if each["kind"] != "network"}
    names = sorted(fresh.keys() | kept.keys())
    stale = [told for name in names if (told := _changed(name, fresh.get(name, ""), kept.get(name, ""))) is not None]
    assert stale == [], "run 'python3 harness.py export msw' and 'python3 harness.py export playwright'"


def _changed(name: str, fresh: str, kept: str) -> str | None:
    """Where two texts begin to differ."""
    if fresh == kept:
        return None
    pairs = enumerate(zip(fresh, kept, strict=False))
    at = next((place for place, (one, other) in pairs if one != other), min(len(fresh), len(kept)))
    return f"{name}: now {fresh[max(at - 60, 0) : at + 90]!r}, recorded {kept[max(at - 60, 0) : at + 90]!r}"


def _timeless(document: Json) -> str:
    """A recording without times, durations among them."""
    text = re.sub(r'\\"(firstEventMs|durationMs)\\":[0-9.]+', "", json.dumps(document))
    return re.sub(r'"(atMs|heldMs)": [0-9.]+, ', "", text)


def test_msw_shows_every_sequence(msw: Surface) -> None:
    """Every exchange, asked of the handlers in Node, has the recorded status, type and events."""
    assert differences(msw, told()) == []


def test_the_playwright_server_shows_every_sequence() -> None:
    """Every exchange, asked of the TypeScript fixture's server, has the recorded status, type and events."""
    assert differences(THE_SERVER, told()) == []


def test_the_pytest_server_shows_every_sequence() -> None:
    """Every exchange, asked of the Python fixture's server, has the recorded status, type and events, bytes kept."""
    with ThreadPoolExecutor(8) as pool:
        found = [each for each in pool.map(_asked_of_python, told()) if each is not None]

    assert found == []


def _asked_of_python(wanted: Told) -> str | None:
    ask, shown = wanted.ask(), []
    with playing(pace=0.0, scenario=wanted.scenario) as server:
        for _ in range(wanted.times):
            url = f"{server.url}{ask['path']}"
            sent = {"headers": ask["headers"], "data": ask.get("body")}
            answer = requests.request(ask["method"], url, timeout=TIMEOUT_S, **sent)
            shown.append(compared(answer.status_code, answer.headers, answer.content))
    differs = difference(wanted.expected(), shown)
    return None if differs is None else f"{wanted.name}: {differs}"


def test_the_first_play_is_the_recording_to_the_byte() -> None:
    """Whoever sends the examples' ids gets a whole scenario byte for byte, bad bytes included."""
    wanted = [each for each in told() if each.times == 1 and each.scenario not in ("none", "problem/token-missing")]
    answers = play(THE_SERVER, [each.ask() for each in wanted])

    expected = {each.name: body_of(each.exchange["answers"][0]) for each in wanted}
    assert {each.name: heard_body(heard[0]) for each, heard in zip(wanted, answers, strict=True)} == expected


# --- times


def test_mock_and_proxy_keep_the_recorded_gaps(as_played: Stack) -> None:
    """What the recordings plan is what comes out of the proxy."""

    def listen(scenarios: Sequence[str]) -> Arrivals:
        asks = asks_of_stack(as_played, scenarios)
        return arrivals(asks, play({"url": as_played.proxy_url}, asks))

    assert misplaced(listen) == []


def heard_from(where: Surface, scenarios: Sequence[str]) -> Arrivals:
    """When the frames of scenarios arrive from a surface."""
    asks = timed_asks(scenarios)
    return arrivals(asks, play(where, asks))


def test_msw_keeps_the_recorded_gaps(msw: Surface) -> None:
    """The handlers' streams do."""
    assert misplaced(partial(heard_from, msw)) == []


def test_the_playwright_server_keeps_the_recorded_gaps() -> None:
    """The TypeScript fixture's server does."""
    assert misplaced(partial(heard_from, THE_SERVER)) == []


IN_THE_BROWSER = """
async ({ asks }) => Promise.all(asks.map(async ({ path, headers, body, afterMs }) => {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const startedMs = performance.now();
  const answer = await fetch(path, { method: "POST", headers, body });
  const chunks = [];
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return [{ status: answer.status, headers: Object.fromEntries(answer.headers), chunks }];
    const text = Array.from(value, (byte) => String.fromCharCode(byte)).join("");
    chunks.push([performance.now() - startedMs, btoa(text)]);
  }
}))
"""


def test_a_page_led_to_the_server_keeps_the_recorded_gaps(page: Page, playback: Playback) -> None:
    """Chromium does, led to the pytest fixture's server."""
    lead(page.context, playback)
    page.goto("/")

    assert misplaced(partial(heard_in, page), ("none", "stall_mid_stream")) == []


def heard_in(page: Page, scenarios: Sequence[str]) -> Arrivals:
    """When the frames of scenarios arrive in a page."""
    asks = timed_asks(scenarios)
    for ask in asks:
        ask["headers"] = headers(**{"x-mock-scenario": ask["scenario"], "x-mock-pace": "1"})
    return arrivals(asks, page.evaluate(IN_THE_BROWSER, {"asks": asks}))


@pytest.mark.parametrize("version", MSW_VERSIONS)
def test_msw_in_a_page_shows_the_same(context: BrowserContext, version: str) -> None:
    """In Chromium, behind MSW's service worker, the sequences are as recorded, and the gaps are kept."""
    wanted = [each for each in told() if each.name in IN_A_PAGE]
    asks = [{**each.ask(), "afterMs": 0} for each in wanted]
    for each, ask in zip(wanted, asks, strict=True):
        ask["headers"] |= {"x-mock-scenario": each.scenario, "x-mock-pace": "0"}
    with served(version) as url:
        page = context.new_page()
        page.goto(url)
        expect(page).to_have_title("ready")
        answers = page.evaluate(IN_THE_BROWSER, {"asks": asks})
        off = misplaced(partial(heard_in, page), ("none", "stall_mid_stream"))

    shown = [compared(heard["status"], heard["headers"], heard_body(heard)) for (heard,) in answers]
    assert [difference(each.expected(), [one]) for each, one in zip(wanted, shown, strict=True)] == [None] * len(wanted)
    assert off == []


IN_A_PAGE = ("agents/large_table:1", "delta_not_utf8:0", "cut_inside_frame:1", "throttled:0", "tools:0")
"""Exchanges: a large one, one with bad bytes, one that breaks off, a refusal, one that is no stream."""


# --- the fixture, used


def test_the_reference_page_plays_a_recording(page: Page, playback: Playback) -> None:
    """The page, led to the server, shows a recorded answer, and then the scenario that a test chooses."""
    lead(page.context, playback)
    playback.pace = 0.0
    chat = Chat(page).open()

    expect(chat.ask(QUESTION)).to_contain_text("EMEA leads with 1,250.50, APAC follows with 980.00.")
    playback.scenario = "cut_mid_stream"
    expect(chat.ask(QUESTION)).to_contain_text("The connection to Snowflake broke.")


def test_a_page_that_leaves_leaves_a_turn_that_says_so() -> None:
    """A client that hangs up in mid-answer finds, in the history, a turn that was not completed."""
    with playing(pace=1.0) as server:
        body = {"sessionId": SESSION_ID, "message": QUESTION, "parentMessageId": 0}
        with requests.post(f"{server.url}{CHAT}", json=body, headers=headers(), stream=True, timeout=TIMEOUT_S) as left:
            assert left.raw.read1(100)
        turn = until(lambda: history(server.url), "the turn is in the history")[0]

    assert (turn["complete"], turn["endReason"], turn["content"]) == (False, "client_gone", None)


def test_a_follow_up_goes_on_in_its_thread() -> None:
    """Any question may follow in a thread: its ids are that thread's, in the stream and in the history."""
    with playing(pace=0.0) as server:
        first = ask_in_thread(server.url, QUESTION, {"parentMessageId": 0})
        thread = json.loads(first[0][1].removeprefix("data="))["threadId"]
        second = ask_in_thread(server.url, "What is the refund deadline?", {"threadId": thread, "parentMessageId": 7})
        turns = history(server.url)

    assert json.loads(second[0][1].removeprefix("data="))["threadId"] == thread
    final = next(json.loads(each[1].removeprefix("data=")) for each in second if each[0] == "event=response")
    assert final["metadata"]["thread_id"] == thread
    assert [turn["threadId"] for turn in turns] == [thread, thread]
    assert turns[0]["assistantMessageId"] == final["metadata"]["assistant_message_id"]
    assert len({turn["assistantMessageId"] for turn in turns}) == len({turn["turnId"] for turn in turns}) == 2


@pytest.mark.parametrize(
    ("scenario", "status", "words"),
    [("network/cut", 200, "terminated"), ("network/reset", 200, "terminated"), ("network/unreachable", 0, "failed")],
)
def test_a_network_that_fails_is_an_error_of_the_client(msw: Surface, scenario: str, status: int, words: str) -> None:
    """Every surface breaks the answer off as a network does: fetch, or reading its body, is rejected."""
    body = json.dumps({"sessionId": SESSION_ID, "message": QUESTION})
    ask = {"method": "POST", "path": CHAT, "headers": headers(), "body": body, "pace": 0, "scenario": scenario}
    of_msw, of_server = (play(where, [ask])[0][0] for where in (msw, THE_SERVER))

    assert (of_msw["status"], of_server["status"]) == (status, status)
    assert of_msw["error"].startswith("TypeError")
    assert of_server["error"].startswith("TypeError")
    assert words in of_server["error"]
    short, long = sorted((heard_body(of_msw), heard_body(of_server)), key=len)
    assert long.startswith(short)  # what was not read yet may be lost with the connection


def test_a_question_that_nobody_recorded_is_answered_with_the_nearest(msw: Surface) -> None:
    """All three players answer 404 and name the same questions."""
    body = {"sessionId": SESSION_ID, "message": "Sales by regions?"}
    ask = {"method": "POST", "path": CHAT, "headers": headers(), "body": json.dumps(body), "pace": 0}
    found = [json.loads(heard_body(play(where, [ask])[0][0])) for where in (msw, THE_SERVER)]
    with playing() as server:
        found.append(requests.post(f"{server.url}{CHAT}", json=body, headers=headers(), timeout=TIMEOUT_S).json())

    assert [each["status"] for each in found] == [404] * 3
    assert found[0]["known"] == found[1]["known"] == found[2]["known"]
    assert found[0]["known"][0] == QUESTION


A_SUITE = """
from e2e.plugin import browser_type_launch_args

pytest_plugins = ["cortex_playback"]
"""
A_TEST = """
import os

ASK = '''async () => {
  const headers = { authorization: "Bearer anything", "content-type": "application/json" };
  const body = JSON.stringify({ sessionId: "a-session", message: "What is the refund deadline?" });
  return (await fetch("/api/v1/chat", { method: "POST", headers, body })).text();
}'''


def test_a_page_reads_a_recording(page, cortex):
    cortex.pace = 0
    page.goto(os.environ["APP_URL"])
    assert "event: proxy.end" in page.evaluate(ASK)
    assert "throttled" in cortex.scenarios
    cortex.scenario = "throttled"
    assert "upstream-throttled" in page.evaluate(ASK)


def test_the_next_test_begins_anew(cortex):
    assert (cortex.scenario, cortex.pace) == (None, 1.0)
"""


def test_the_pytest_fixture_leads_a_page(stack: Stack, tmp_path: Path) -> None:
    """A suite elsewhere that names the exported module as a plugin plays recordings to its pages."""
    shutil.copy(export.PLAYWRIGHT / "cortex_playback.py", tmp_path)
    shutil.copytree(export.MSW / export.RECORDINGS, tmp_path / export.RECORDINGS)
    (tmp_path / "conftest.py").write_text(A_SUITE)
    (tmp_path / "test_page.py").write_text(A_TEST)
    found = os.pathsep.join([str(tmp_path), str(export.HERE.parent)])
    done = subprocess.run(  # noqa: S603 - a suite of ours
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "APP_URL": stack.page_url, "PYTHONPATH": found, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "2 passed" in done.stdout


def test_the_types_hold(msw: Surface) -> None:
    """A strict compiler accepts what can be asked for, and refuses names of scenarios and options that are none."""
    assert compiled(Path(msw["msw"]).parent) == ""


def compiled(folder: Path) -> str:
    """What TypeScript has to say of a folder of `conformance/`."""
    compiler = installed("playwright", export.MSW, export.PLAYWRIGHT) / "node_modules/typescript/lib/tsc.js"
    command = [nodejs.node(), str(compiler), "-p", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False).stdout  # noqa: S603 - ours


def test_the_typescript_fixture_leads_a_page(
    stack: Stack, browser_type: BrowserType, browser_type_launch_args: dict[str, Any], tmp_path: Path
) -> None:
    """`npx playwright test` with our fixture: it compiles, frames stream into a real page, scenarios are chosen."""
    folder = installed("playwright", export.MSW, export.PLAYWRIGHT)
    assert compiled(folder) == ""
    variables = {
        "APP_URL": stack.page_url,
        "CHROMIUM": str(browser_type_launch_args.get("executable_path", browser_type.executable_path)),
        "CHROMIUM_ARGUMENTS": " ".join(browser_type_launch_args.get("args", [])),
        "OUTPUT_DIR": str(tmp_path),
    }
    done = subprocess.run(  # noqa: S603 - our own tests
        [nodejs.node(), str(folder / "node_modules/@playwright/test/cli.js"), "test"],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "3 passed" in done.stdout


# --- what must be found out


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Playwright package in a folder of its own, where its recordings may be spoilt."""
    folder = tmp_path_factory.mktemp("spoilt")
    for name in (export.MSW.name, export.PLAYWRIGHT.name):
        shutil.copytree(export.HERE / name, folder / name, ignore=shutil.ignore_patterns("node_modules"))
    return folder


@pytest.mark.parametrize(
    "change",
    [lambda frames: frames.pop(5), lambda frames: frames.reverse(), lambda frames: frames.insert(3, frames[2])],
    ids=["dropped", "reversed", "twice"],
)
def test_a_changed_sequence_is_found_out(spoilt: Path, change: Any) -> None:
    """A frame that is missing, twice there or in another place is named."""
    wanted = [each for each in told() if each.name == "unknown_event:0"]

    (found,) = differences(spoil(spoilt, "scenario.unknown_event", change), wanted)

    assert re.search(r"unknown_event:0: answer 0, content: event \d+ was to be", found)


@pytest.mark.parametrize("more_ms", [25, -25], ids=["late", "early"])
def test_a_frame_at_another_time_is_found_out(spoilt: Path, more_ms: int) -> None:
    """A frame that is held back, or sent too early, is named by the gap before it and the gap behind it."""

    def move(frames: list[Json]) -> None:
        frames[12]["atMs"] += more_ms

    where = spoil(spoilt, "story.agents.net_sales_by_region", move)
    found = misplaced(partial(heard_from, where), ("none",), rounds=2)

    assert {"none: gap 11", "none: gap 12"} <= {text.split(" is ")[0] for text in found}
