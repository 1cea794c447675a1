"""One recording, every surface: mock and proxy, MSW 2, MSW 3 and the Playwright helpers show a client the same.

**Sequences.** Every exchange of every recording is asked at pace 0; status, headers that matter and parsed events are
compared, ids aside, with what mock and proxy show now.

**Times.** A gap is the time between the arrivals of two frames, on the client's monotonic clock. A loaded machine
delays single arrivals on every surface alike, and says nothing about any; a surface that is wrong is wrong each time.
So the same answer is asked several times, begun at different moments, and each gap is the median over these. Each is
held to the same gap of mock and proxy: 10 ms at most between them, for every gap. That a player which drops a frame, or
holds one back by little more than that, is found out is tested as well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserType, Page, expect

from contracts import nodejs
from contracts.examples import SESSION_ID
from e2e import frontdoor
from e2e.client_api import TIMEOUT_S
from e2e.conftest import Chat
from e2e.stack import Stack, running
from e2e.surfaces import (
    CHAT,
    QUESTION,
    STAGGER_MS,
    THE_SERVER,
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
    gaps,
    headers,
    heard_body,
    history,
    installed,
    package_beside,
    planned_gaps,
    play,
    spoil,
    timed_asks,
    told,
    too_far_apart,
)
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
    stale = sorted(name for name in fresh.keys() | kept.keys() if fresh.get(name) != kept.get(name))
    assert stale == [], "run 'python3 harness.py export msw' and 'python3 harness.py export playwright'"


def _timeless(document: Json) -> Any:
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


@pytest.fixture(scope="module")
def stack_gaps(as_played: Stack) -> dict[str, list[float]]:
    """The gaps of mock and proxy."""
    asks = asks_of_stack(as_played)
    return gaps(arrivals(asks, play({"url": as_played.proxy_url}, asks)))


def test_mock_and_proxy_keep_the_recorded_gaps(stack_gaps: dict[str, list[float]]) -> None:
    """What the recordings plan is what comes out of the proxy."""
    assert too_far_apart(stack_gaps, planned_gaps()) == []


def test_msw_keeps_the_gaps(msw: Surface, stack_gaps: dict[str, list[float]]) -> None:
    """Every gap in the handlers' streams is that of mock and proxy, within 10 ms."""
    asks = timed_asks()
    assert too_far_apart(gaps(arrivals(asks, play(msw, asks))), stack_gaps) == []


def test_the_playwright_server_keeps_the_gaps(stack_gaps: dict[str, list[float]]) -> None:
    """Every gap in the streams of the TypeScript fixture's server is that of mock and proxy, within 10 ms."""
    asks = timed_asks()
    assert too_far_apart(gaps(arrivals(asks, play(THE_SERVER, asks))), stack_gaps) == []


IN_THE_BROWSER = """
async ({ asks }) => Promise.all(asks.map(async ({ path, headers, body, afterMs }) => {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const startedMs = performance.now();
  const answer = await fetch(path, { method: "POST", headers, body });
  const chunks = [];
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return [{ status: answer.status, chunks }];
    chunks.push([performance.now() - startedMs, btoa(String.fromCharCode(...value))]);
  }
}))
"""
BROWSER_PLAYS = 3
"""A browser opens six connections to a server at a time."""


def test_a_page_led_to_the_server_keeps_the_gaps(
    page: Page, playback: Playback, stack_gaps: dict[str, list[float]]
) -> None:
    """In Chromium, through the pytest fixture's redirection, every gap is that of mock and proxy, within 10 ms."""
    chosen = ("none", "stall_mid_stream")
    asks = [
        each for each in timed_asks() if each["scenario"] in chosen and each["afterMs"] < BROWSER_PLAYS * STAGGER_MS
    ]
    for ask in asks:
        ask["headers"] = headers(**{"X-Mock-Scenario": ask["scenario"]})
    lead(page.context, playback)
    page.goto("/")

    answers = page.evaluate(IN_THE_BROWSER, {"asks": asks})

    wanted = {scenario: stack_gaps[scenario] for scenario in chosen}
    assert too_far_apart(gaps(arrivals(asks, answers)), wanted) == []


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
        turn = until(lambda: history(server.url))[0]

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
    assert heard_body(of_msw).startswith(heard_body(of_server))  # a reset throws away what was not read yet


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


def test_a_frame_that_is_held_back_is_found_out(spoilt: Path, stack_gaps: dict[str, list[float]]) -> None:
    """15 ms more before one frame, and as many less behind it, are both named."""

    def hold(frames: list[Json]) -> None:
        frames[12]["atMs"] += 15

    where = spoil(spoilt, "story.agents.net_sales_by_region", hold)
    asks = [each for each in timed_asks() if each["scenario"] == "none"]
    found = too_far_apart(gaps(arrivals(asks, play(where, asks))), {"none": stack_gaps["none"]})

    assert [text.split(" is ")[0] for text in found] == ["none: gap 11", "none: gap 12"]


def until(ask: Any, timeout_s: float = 10.0) -> Any:
    """The first truthy answer; fails when none comes in time."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        if found := ask():
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing came in {timeout_s} s")
