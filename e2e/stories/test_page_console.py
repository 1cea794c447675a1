"""The mock's console in a real browser: live journal, misses, scenarios, the composer, cassettes, copied commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import requests
from playwright.sync_api import Locator, Page, Route, expect

from contracts.cortex import agent_run_path
from e2e.axe import findings
from e2e.client_api import TIMEOUT_S, ask_mock
from e2e.page import Watch, pressed
from e2e.stack import ACCOUNT, USER, Stack
from mocks import cassette
from mocks.state import HERE
from proxy.keypair import KeyPairSigner

RUN = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")
QUESTION = "Net sales by region"
TAPE = "agents/net_sales_by_region"
FRAMES = 24
VIEWS = ("journal", "faults", "scenarios", "cassettes", f"cassettes/{TAPE.replace('/', '%2F')}/0")
DRAWN = dict(zip(VIEWS, ("a.row", ".preview .lane-label", ".card h3", ".tapes a", ".detail-head h2"), strict=True))
"""What each view shows once the mock has answered it."""
HIDDEN, ODD, TRAP = {"authorization": "***"}, {"x-a": "$(id)", "x-b": ""}, {"x-`id`$(id)": "***"}
NARROW = {"width": 360, "height": 740}


@pytest.fixture
def watch(stack: Stack) -> Watch:
    """The faults of this test's page, which the mock serves."""
    return Watch(stack.mock_url)


@pytest.fixture
def console(page: Page, stack: Stack) -> Iterator[Page]:
    """The console, joined to the live events, its journal empty; what a test set for everyone is undone."""
    requests.post(f"{stack.mock_url}/__mock/reset", timeout=TIMEOUT_S).raise_for_status()
    page.goto(f"{stack.mock_url}/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    yield page
    for path in ("scenarios/active", "faults"):
        requests.delete(f"{stack.mock_url}/__mock/{path}", timeout=TIMEOUT_S)


def asked(question: str = QUESTION, **fields: Any) -> dict[str, Any]:
    """The body of a run request."""
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": question}]}], **fields}


def rows(page: Page, test_id: str) -> Locator:
    """The journal's rows of one test, newest first."""
    return page.get_by_role("list", name="Exchanges, newest first").get_by_role("listitem").filter(has_text=test_id)


def opened(page: Page, test_id: str) -> Locator:
    """The newest exchange of a test, which has ended, in full."""
    row = rows(page, test_id).first
    expect(row.locator(".status")).not_to_have_text("running")  # when it ends, what is opened is drawn anew
    row.get_by_role("link").click()
    return page.get_by_role("region", name="Exchange", exact=True)


def go(page: Page, view: str) -> None:
    """Choose a view by its link."""
    page.get_by_role("navigation", name="Views").get_by_role("link", name=view).click()


def set_scope(page: Page, test_id: str) -> None:
    """Choose for whom something is set."""
    box = page.get_by_label("For", exact=True)
    box.fill(test_id)
    box.press("Enter")


def step(stack: Stack, test_id: str, count: int) -> None:
    """Let so many frames of a test leave."""
    body, mine = {"count": count}, {"X-Test-Id": test_id}
    requests.post(f"{stack.mock_url}/__mock/step", json=body, headers=mine, timeout=TIMEOUT_S).raise_for_status()


def holding(page: Page, url: str | re.Pattern[str]) -> list[Route]:
    """The requests for a URL, oldest first; each waits until it is answered here."""
    held = list[Route]()
    page.route(url, lambda route: held.append(route))  # noqa: PLW0108 - a builtin has no signature to look at
    return held


def answer(page: Page, held: list[Route], **what: Any) -> None:
    """Answer the oldest request that is held, once it has come: a page may draw that it asks before it does."""
    while not held:
        page.wait_for_timeout(20)
    held[0].fulfill(**what)


def copied(page: Page, stack: Stack, button: Locator) -> str:
    """What a button puts on the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=stack.mock_url)
    assert pressed(button) == "Copied"
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def shell(command: str, stack: Stack, **environment: str) -> str:
    """What a copied command prints when run with a token in the environment."""
    token = KeyPairSigner(ACCOUNT, USER, stack.log_dir / "rsa_key.p8").token()
    surroundings = {"PATH": os.environ["PATH"], "TOKEN": token, "no_proxy": "*", **environment}
    done = subprocess.run(  # noqa: S603 - the page's own command
        ["/bin/sh", "-c", command], env=surroundings, capture_output=True, timeout=TIMEOUT_S, check=True
    )
    return done.stdout.decode()


# --- the journal


def test_a_run_appears_live_with_its_frames(console: Page, stack: Stack) -> None:
    """A row comes when the request does, counts its frames as they leave, and says how it ended."""
    test_id = "live-run"
    headers = {"X-Test-Id": test_id, "X-Mock-Fault": '{"step":{"wait_s":20}}'}
    asking = threading.Thread(target=ask_mock, args=(stack, RUN, asked(), headers))
    asking.start()
    row = rows(console, test_id)
    expect(row).to_contain_text("running")
    expect(row).to_contain_text(f"0 / {FRAMES}")
    expect(row.locator("path.tick.planned")).to_have_count(1)
    step(stack, test_id, 3)
    expect(row).to_contain_text(f"3 / {FRAMES}")
    expect(row.locator("path.tick.thinking")).to_have_count(1)
    step(stack, test_id, FRAMES - 3)
    expect(row.locator(".status")).to_have_text("200")
    expect(row).to_contain_text(f"{FRAMES} / {FRAMES}")
    expect(row.locator("path.tick.planned")).to_have_count(0)
    asking.join(TIMEOUT_S)


def test_an_exchange_tells_planned_and_actual_times_of_each_frame(console: Page, stack: Stack) -> None:
    """The cursor of the time line says of a frame when it was planned, when it left and how late that was."""
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "frames", "X-Mock-Pace": "0.05"})
    detail = opened(console, "frames")
    line = detail.get_by_role("slider", name="Frames of this answer")
    expect(detail.locator(".timeline-drawing")).to_contain_text("Planned")
    expect(detail.locator(".timeline-drawing")).to_contain_text(re.compile(r"Lateness, worst [\d.]+ ms"))
    expect(line).to_have_attribute("aria-valuemax", str(FRAMES))
    line.press("End")
    told = rf"{FRAMES} of {FRAMES}: done, planned [\d.,]+ ms, left [\d.,]+ ms \([\d.,]+ ms late\), \d+ B"
    expect(line).to_have_attribute("aria-valuetext", re.compile(told))
    line.press("Home")
    expect(detail).to_contain_text(f"1 of {FRAMES}: metadata")
    detail.get_by_text("Every frame as a table").click()
    expect(detail.get_by_role("region", name="Frames").get_by_role("row")).to_have_count(FRAMES + 1)


def test_an_answer_says_why_it_matched(console: Page, stack: Stack) -> None:
    """The cassette, as a link, and the fields that agreed."""
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "matched"})
    detail = opened(console, "matched")
    expect(detail).to_contain_text(f"Answered by {TAPE} interaction 0, because these agreed:")
    expect(detail.locator("dl", has_text="last_user_text")).to_contain_text(QUESTION)
    detail.get_by_role("link", name=TAPE).click()
    expect(console.get_by_role("heading", name=TAPE)).to_be_visible()


def test_a_miss_explains_itself_field_by_field(console: Page, stack: Stack) -> None:
    """The nearest recordings, expected against found, with what differs marked."""
    ask_mock(stack, RUN, asked("Net sales by planet"), {"X-Test-Id": "of-planets"})
    expect(rows(console, "of-planets")).to_contain_text("missed")
    detail = opened(console, "of-planets")
    row = detail.get_by_role("row", name=re.compile("last_user_text")).first
    expect(row.get_by_role("cell").nth(0)).to_have_text(QUESTION)
    expect(row.get_by_role("cell").nth(1)).to_have_text("Net sales by planet")
    expect(row.locator("mark")).to_have_text(["region", "planet"])


def test_filters_and_search_narrow_the_journal(console: Page, stack: Stack) -> None:
    """By outcome, scenario, test and words; an empty result says so, and the filters can be cleared at once."""
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "filter-a", "X-Mock-Scenario": "throttled"})
    ask_mock(stack, RUN, asked("Filter me"), {"X-Test-Id": "filter-b"})
    for label, value, kept, gone in (
        ("Scenario", "throttled", "filter-a", "filter-b"),
        ("Outcome", "missed", "filter-b", "filter-a"),
        ("Test id", "filter-b", "filter-b", "filter-a"),
    ):
        expect(rows(console, gone)).to_have_count(1)
        console.get_by_label(label, exact=True).select_option(value)
        expect(rows(console, gone)).to_have_count(0)
        expect(rows(console, kept)).to_have_count(1)
        console.get_by_role("button", name="Clear filters").click()
    console.get_by_label("Search the journal").fill("FILTER-A 429")
    expect(rows(console, "filter-b")).to_have_count(0)
    expect(rows(console, "filter-a")).to_have_count(1)
    console.get_by_label("Search the journal").fill("nothing at all like this")
    expect(console.get_by_role("heading", name="Nothing fits these filters")).to_be_visible()


def test_a_filtered_journal_stays_live(console: Page, stack: Stack) -> None:
    """New exchanges appear when they fit, and only then."""
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "fits"})
    console.get_by_label("Test id", exact=True).select_option("fits")
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "stays out"})
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "fits"})
    expect(rows(console, "fits")).to_have_count(2)
    expect(console.get_by_text("2 exchanges", exact=True)).to_be_visible()


def test_a_paused_journal_holds_still_and_counts(console: Page, stack: Stack) -> None:
    """What comes meanwhile is counted, and shown on resuming."""
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "before the pause"})
    expect(rows(console, "before the pause").locator(".status")).to_have_text("200")
    console.get_by_role("button", name="Pause").click()
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "in the pause"})
    resume = console.get_by_role("button", name="Resume, 1 new")
    expect(resume).to_be_visible()
    expect(rows(console, "in the pause")).to_have_count(0)
    resume.click()
    expect(rows(console, "in the pause")).to_have_count(1)


def test_an_empty_journal_says_what_to_try(console: Page, stack: Stack) -> None:
    """After a reset, which the page hears of, it offers a command that fills it."""
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "forgotten"})
    expect(rows(console, "forgotten")).to_have_count(1)
    requests.post(f"{stack.mock_url}/__mock/reset", timeout=TIMEOUT_S).raise_for_status()
    expect(console.get_by_role("heading", name="Nothing was asked yet")).to_be_visible()
    command = copied(console, stack, console.get_by_role("button", name="Copy"))
    assert "event: done" in shell(command, stack)
    expect(console.get_by_role("list", name="Exchanges, newest first").get_by_role("listitem")).to_have_count(1)


def test_what_to_try_is_what_this_mock_knows(page: Page, stack: Stack, watch: Watch) -> None:
    """Once the cassettes are listed, the command that is offered asks what one of them answers."""
    watch.allow("Failed to load resource")
    question = "Which of our own questions is recorded?"
    path = agent_run_path("OWN_DB", "OWN", "OWN_AGENT")
    request = {"method": "POST", "path": path, "match": {"last_user_text": question}}
    held = holding(page, "**/__mock/cassettes")
    page.goto(f"{stack.mock_url}/#scenarios")
    offered = page.get_by_role("region", name="Try it")
    expect(offered).to_contain_text("curl")
    expect(offered).not_to_contain_text(question)
    answer(page, held, json=[{"name": "own", "interactions": [{"request": request, "frames": 1}]}])
    expect(offered).to_contain_text(question)
    expect(offered).to_contain_text(path)


def test_lost_live_events_are_told_and_caught_up(console: Page, stack: Stack, watch: Watch) -> None:
    """While the mock is away the page says so, tries again by itself, and fetches what it did not hear."""
    watch.allow("Failed to load resource")
    console.route("**/__mock/live", lambda route: route.abort())
    console.reload()
    expect(console.locator("#live")).to_have_text("Away")
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "unheard"})
    console.unroute("**/__mock/live")
    expect(console.locator("#live")).to_have_text("Live", timeout=20_000)  # its pauses grow to ten seconds
    expect(rows(console, "unheard")).to_have_count(1)


def test_the_journal_is_bounded(console: Page) -> None:
    """Of more exchanges than fit the newest stay, with the frames that were told."""
    kept = console.evaluate(
        """async () => {
          const { Journal, MAX_ENTRIES } = await import("/__mock/console/journal.js");
          const journal = new Journal();
          const frames = { frames_planned: 1, frames_sent: 1, timeline: [[0, 1, 2, "a"]] };
          const entry = (id) => ({ id, path: "/", outcome: "answered", duration_ms: 1, ...frames });
          for (let id = 1; id <= MAX_ENTRIES + 50; id++) journal.take(entry(id));
          const { entries, isFull } = journal;
          return [entries.length, entries[0].id, entries.at(-1).id, isFull, MAX_ENTRIES];
        }"""
    )
    limit = kept[-1]
    assert kept == [limit, limit + 50, 51, True, limit]


def test_ten_thousand_frames_are_a_few_nodes(console: Page) -> None:
    """Time lines of any length stay light."""
    nodes = console.evaluate(
        """async () => {
          const { Timeline, drawLane, emptyLane } = await import("/__mock/console/timeline.js");
          const names = ["response.text.delta", "response.thinking.delta", "error", "done"];
          const timeline = Array.from({ length: 10000 }, (_, i) => [i, i + (i % 20), 100 + i % 900, names[i % 4]]);
          const lane = emptyLane();
          drawLane(lane, { timeline, endMs: 10000, outcome: "answered", offset: 0, span: 10000 });
          const large = new Timeline("Test");
          document.getElementById("view").replaceChildren(large.element);
          const frames = timeline.map(([, at, bytes, event]) => ({ at, bytes, event }));
          large.show([{ label: "one", frames }], { lateness: timeline.map(([a, b]) => [b, b - a]) });
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          return [lane.childElementCount, large.svg.childElementCount];
        }"""
    )
    assert 0 < nodes[0] < 10
    assert 10 < nodes[1] < 80


# --- what strangers write


def test_what_clients_write_stays_text(console: Page, stack: Stack) -> None:
    """Markup in a question, a test id and a header is shown letter by letter, in list, exchange and filters."""
    question, test_id = "<img src=x onerror=document.title='owned'>", "<b onclick=alert(1)>id</b>"
    headers = {"X-Test-Id": test_id, "X-Trick": "<script>document.title='owned'</script>"}
    ask_mock(stack, RUN, asked(question), headers)
    expect(rows(console, test_id)).to_contain_text(question)
    detail = opened(console, test_id)
    expect(detail.get_by_role("heading", name=question)).to_be_visible()
    detail.get_by_text("Headers").click()
    expect(detail).to_contain_text(headers["X-Trick"])
    expect(console.get_by_label("Test id", exact=True)).to_contain_text(test_id)
    assert console.locator("#view :is(img, b, script)").count() == 0
    assert "owned" not in console.title()


def test_credentials_are_never_shown(console: Page, stack: Stack) -> None:
    """Neither in the headers of an exchange nor in its command."""
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "secretive", "Cookie": "session=hidden-value"})
    detail = opened(console, "secretive")
    for fold in ("Headers", "As a command"):
        detail.get_by_text(fold).click()
    expect(detail).to_contain_text("Bearer $TOKEN")
    expect(detail).to_contain_text("$COOKIE")
    assert "hidden-value" not in console.content()
    assert "eyJ" not in console.content()


# --- copied commands


def test_a_copied_request_can_be_asked_again(console: Page, stack: Stack) -> None:
    """The command, with a token in the environment, gives the same answer, and its exchange appears."""
    ask_mock(stack, RUN, asked('What\'s the "refund" deadline? $HOME `id` \\'), {"X-Test-Id": "again"})
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "again"})
    expect(rows(console, "again")).to_have_count(2)
    detail = opened(console, "again")
    command = copied(console, stack, detail.get_by_role("button", name="Copy as curl"))
    assert "$TOKEN" in command
    assert "event: done" in shell(command, stack)
    expect(rows(console, "again")).to_have_count(3)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            {"method": "POST", "path": "/a", "request_headers": HIDDEN, "request_body": "it's $X `id`\n!"},
            ["http://mock/a", "--header", "Authorization: Bearer T", "--data-raw", "it's $X `id`\n!"],
        ),
        (
            {"method": "GET", "path": "/a b?c#d%e", "query": "q=1&r='2'", "request_headers": ODD},
            ["http://mock/a%20b%3Fc%23d%25e?q=1&r='2'", "--header", "x-a: $(id)", "--header", "x-b;"],
        ),
        (
            {"method": "GET", "path": "/a", "request_headers": TRAP},
            ["http://mock/a", "--header", "x-`id`$(id): ***"],
        ),
        (
            {"method": "DELETE", "path": "/a", "request_headers": {"host": "h"}},
            ["--request", "DELETE", "http://mock/a"],
        ),
        (
            {"method": "POST", "path": "/a", "request_body": "@/etc/passwd"},
            ["http://mock/a", "--data-raw", "@/etc/passwd"],
        ),
    ],
    ids=["quotes", "path and empty header", "name of a header", "method", "file name"],
)
def test_a_command_survives_the_shell(console: Page, stack: Stack, entry: dict[str, Any], expected: list[str]) -> None:
    """Whatever was asked reaches curl letter by letter, and nothing of it is run."""
    make = """async (entry) => (await import("/__mock/console/curl.js")).curlOf(entry, "http://mock")"""
    command = console.evaluate(make, entry)
    printed = shell(f"curl() {{ printf '%s\\0' \"$@\"; }}\n{command}", stack, TOKEN="T")
    given = printed.removesuffix("\0").split("\0")
    assert given[:2] == ["--no-buffer", "--globoff"]
    assert given[2:] == expected


# --- scenarios


def test_switching_a_scenario_changes_the_next_answer(console: Page, stack: Stack) -> None:
    """For one test: set, seen at the next answer, cleared, and others did not notice."""
    mine = {"X-Test-Id": "switched"}
    go(console, "Scenarios")
    set_scope(console, "switched")
    console.get_by_label("Search scenarios").fill("over its rate")
    console.get_by_role("button", name="Activate throttled", exact=True).click()
    expect(console.get_by_text("throttled is active for test switched.")).to_be_visible()
    assert [ask_mock(stack, RUN, asked(), headers).status_code for headers in (mine, {})] == [429, 200]
    go(console, "Journal")
    expect(rows(console, "switched")).to_contain_text("throttled")
    expect(rows(console, "switched").locator(".status")).to_have_text("429")
    go(console, "Scenarios")
    console.get_by_role("button", name="Clear").click()
    expect(console.get_by_text("No scenario is active for test switched.")).to_be_visible()
    assert ask_mock(stack, RUN, asked(), mine).status_code == 200


def test_a_scenario_for_everyone_is_announced_everywhere(console: Page, stack: Stack) -> None:
    """A banner tells of it in each view until it is cleared, also when somebody else set it."""
    body = {"scenario": "throttled"}
    requests.put(f"{stack.mock_url}/__mock/scenarios/active", json=body, timeout=TIMEOUT_S).raise_for_status()
    console.reload()
    banner = console.get_by_text("Scenario throttled is active for everyone.")
    expect(banner).to_be_visible()
    assert ask_mock(stack, RUN, asked()).status_code == 429
    banner.get_by_role("link", name="Change").click()
    console.get_by_role("button", name="Clear").click()
    expect(banner).to_have_count(0)
    assert ask_mock(stack, RUN, asked()).status_code == 200


# --- the fault composer


@pytest.fixture
def composer(console: Page) -> Page:
    """The composer, looking at the recorded answer to `QUESTION`."""
    go(console, "Faults")
    console.get_by_label("On this recorded answer").select_option(f"0 {TAPE}")
    expect(preview(console)).to_contain_text("Without a fault the answer leaves as recorded.")
    return console


def preview(page: Page) -> Locator:
    """The composer's preview."""
    return page.get_by_role("region", name="Preview")


def test_the_preview_changes_with_the_form(composer: Page) -> None:
    """A part is added, edited and removed; frames, end and JSON follow."""
    told = preview(composer)
    expect(told).to_contain_text("Without a fault the answer leaves as recorded.")
    composer.get_by_role("button", name="cut", exact=True).click()
    frames = told.get_by_role("row", name=re.compile("^Frames"))
    expect(frames.get_by_role("cell")).to_have_text([str(FRAMES), "18"])
    expect(told).to_contain_text("connection dropped")
    composer.get_by_role("group", name="cut").get_by_label("count", exact=True).fill("2")
    expect(frames.get_by_role("cell")).to_have_text([str(FRAMES), "19"])
    written = json.loads(composer.get_by_label("The same as JSON").input_value())
    assert written == {"cut": {"after": "response.text.delta", "count": 2}}
    told.get_by_text("Frame by frame").click()
    expect(told.get_by_role("region", name="Frame by frame").locator("tr.differs")).to_have_count(FRAMES - 19)
    composer.get_by_role("button", name="Remove cut").click()
    expect(told).to_contain_text("Without a fault the answer leaves as recorded.")


def test_the_form_follows_the_json(composer: Page) -> None:
    """A fault written as JSON fills the form; what is no JSON yet is told and changes nothing."""
    box = composer.get_by_label("The same as JSON")
    box.fill('{"stall": {"before": "done", "ms": 700}, "times": 2}')
    stall = composer.get_by_role("group", name="stall")
    expect(stall.get_by_label("ms", exact=False).last).to_have_value("700")
    expect(stall.get_by_label("before", exact=True)).to_have_value("done")
    expect(preview(composer)).to_contain_text("on 2 requests of a test, later ones succeed")
    box.fill('{"stall": ')
    expect(composer.get_by_text("Not JSON yet")).to_be_visible()
    expect(stall).to_be_visible()


def test_a_fault_that_cannot_apply_says_why(composer: Page, watch: Watch) -> None:
    """Both kinds: one that this answer has no place for, and one that the grammar does not know."""
    watch.allow("400")  # the browser logs the refused document
    box = composer.get_by_label("The same as JSON")
    box.fill('{"cut": {"after": "response.text.delta", "count": 99}}')
    expect(preview(composer)).to_contain_text("occurs 2 times here, the fault needs 99")
    box.fill('{"cutt": {}}')
    expect(preview(composer)).to_contain_text("did you mean 'cut'?")
    expect(composer.get_by_role("button", name="Apply for everyone")).to_be_disabled()


def test_a_composed_fault_is_applied_for_one_test(composer: Page, stack: Stack) -> None:
    """The next answer of that test has it, the journal shows it, and clearing ends it."""
    mine = {"X-Test-Id": "composed"}
    composer.get_by_role("button", name="respond", exact=True).click()
    composer.get_by_role("group", name="respond").get_by_label("like", exact=True).fill("too_many_requests")
    set_scope(composer, "composed")
    expect(preview(composer).get_by_role("row", name=re.compile("^Status"))).to_contain_text("429")
    composer.get_by_role("button", name="Apply for test composed").click()
    expect(composer.get_by_text("Set for test composed:")).to_be_visible()
    assert [ask_mock(stack, RUN, asked(), headers).status_code for headers in (mine, {})] == [429, 200]
    composer.get_by_role("region", name="Apply").get_by_role("button", name="Clear").click()
    expect(composer.get_by_text("No fault is set for test composed.")).to_be_visible()
    assert ask_mock(stack, RUN, asked(), mine).status_code == 200


def test_a_long_fault_is_copied_whole(console: Page, stack: Stack) -> None:
    """The journal clips headers, but the command carries all of a fault that came in one."""
    fault = {"respond": {"status": 418, "text": "long " * 200}}
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "long fault", "X-Mock-Fault": json.dumps(fault)})
    command = copied(console, stack, opened(console, "long fault").get_by_role("button", name="Copy as curl"))
    assert shell(command, stack) == "long " * 200


def test_a_composed_fault_is_copied_as_a_header(composer: Page, stack: Stack) -> None:
    """The copied line works as it is, letters outside ASCII included."""
    composer.get_by_label("The same as JSON").fill('{"respond": {"status": 418, "text": "Zürich 東京"}}')
    expect(preview(composer)).to_contain_text("418")
    line = copied(composer, stack, composer.get_by_role("button", name="Copy as X-Mock-Fault"))
    name, _, value = line.partition(": ")
    answer = ask_mock(stack, RUN, asked(), {name: value})
    assert (answer.status_code, answer.content.decode()) == (418, "Zürich 東京")


def test_an_exchange_goes_to_the_composer(console: Page, stack: Stack) -> None:
    """Its recording and its fault are what the composer begins with."""
    fault = {"stall": {"after": "response.text.delta", "ms": 5}}
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "carried", "X-Mock-Fault": json.dumps(fault)})
    opened(console, "carried").get_by_role("button", name="Change this fault").click()
    expect(console.get_by_label("On this recorded answer")).to_have_value(f"0 {TAPE}")
    assert json.loads(console.get_by_label("The same as JSON").input_value()) == fault
    expect(preview(console)).to_contain_text("It applies to")


def test_every_part_of_the_grammar_has_a_form(composer: Page, watch: Watch) -> None:
    """Each part can be added by its button, edited and taken away again, lists and nested faults included."""
    watch.allow("400")  # parts that contradict each other are refused
    names = composer.locator(".adders button").all_inner_texts()
    assert len(names) > 15
    for name in names:
        composer.locator(".composition > .adders").get_by_role("button", name=name, exact=True).click()
    assert set(json.loads(composer.get_by_label("The same as JSON").input_value())) == set(names)
    nested = composer.get_by_role("group", name="in_order").last
    nested.get_by_role("button", name="delay", exact=True).click()
    written = json.loads(composer.get_by_label("The same as JSON").input_value())
    assert written["in_order"] == [{"respond": {"like": "bad_gateway"}, "delay": {"headers_ms": 1000}}]
    for name in names:
        composer.get_by_role("button", name=f"Remove {name}", exact=True).first.click()
    expect(composer.get_by_text("No part yet: the answer leaves as recorded.")).to_be_visible()


# --- cassettes


def test_a_cassette_shows_transcript_and_pacing(console: Page) -> None:
    """Deltas joined to a readable text, tools with their SQL, every event with its data, the pace as bars."""
    go(console, "Cassettes")
    console.get_by_label("Search cassettes").fill("net_sales_by")
    console.get_by_role("link", name=TAPE).click()
    expect(console.get_by_text("EMEA leads with 1,250.50, APAC follows with 980.00.", exact=True)).to_be_visible()
    expect(console.get_by_text("SELECT region, SUM(net_amount)").first).to_be_visible()
    pacing = console.get_by_role("slider", name="Pacing of this answer")
    pacing.press("End")
    expect(pacing).to_have_attribute("aria-valuetext", re.compile(rf"{FRAMES} of {FRAMES}: done, at 4,006 ms"))
    console.get_by_role("button", name="Events").click()
    events = console.locator(".events > li")
    expect(events).to_have_count(FRAMES)
    events.nth(1).locator("summary").click()
    expect(events.nth(1)).to_contain_text('"message": "Planning the next steps"')


def test_a_cassette_that_cannot_be_read_does_not_cover_another(console: Page, watch: Watch) -> None:
    """An older view's failure that comes late is nobody's concern any more."""
    watch.allow("500")
    held = holding(console, "**/__mock/cassettes/agents/refund_deadline")
    go(console, "Cassettes")
    console.get_by_role("link", name="agents/refund_deadline").first.click()
    expect(console.locator(".tape[aria-current]")).to_contain_text("agents/refund_deadline")
    console.get_by_role("link", name=TAPE).click()
    heading = console.get_by_role("heading", name=TAPE)
    expect(heading).to_be_visible()
    with console.expect_response(held[0].request.url):
        answer(console, held, status=500, json={"message": "too late"})
    expect(heading).to_be_visible()
    expect(console.get_by_text("too late")).to_have_count(0)


def test_transcripts_lose_no_text(console: Page) -> None:
    """Of every shipped run, the joined deltas of a text are the text that its closing event repeats."""
    compared = 0
    for path in sorted((HERE / "cassettes" / "agents").glob("*.jsonl")):
        for interaction in cassette.load(path).interactions:
            frames = [[each.at_ms, len(each.data), each.event, each.payload.decode()] for each in interaction.frames]
            blocks = console.evaluate(
                """async (frames) => {
                  const { blocksOf } = await import("/__mock/console/transcript.js");
                  return blocksOf(frames).map(({ event, text }) => [event, text ?? null]);
                }""",
                frames,
            )
            joined = "".join(text for event, text in blocks if event == "response.text.delta")
            ends = [each for each in interaction.frames if each.event == "response.text"]
            whole = "".join(json.loads(each.payload)["text"] for each in ends)
            assert not whole or joined == whole, path
            compared += bool(whole)
    assert compared > 10


# --- for every reader


@pytest.mark.parametrize(("scheme", "views"), [("light", VIEWS), ("dark", VIEWS[:2])], ids=["light", "dark"])
def test_every_view_is_for_everyone(
    console: Page, stack: Stack, scheme: Literal["light", "dark"], views: tuple[str, ...]
) -> None:
    """In either theme axe finds nothing in any view, nor in a miss that is opened."""
    console.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    test_id = f"for-everyone-{scheme}"
    ask_mock(stack, RUN, asked("A miss"), {"X-Test-Id": test_id})
    found = dict[str, list[str]]()
    for view in views:
        console.goto(f"{stack.mock_url}/#{view}")
        expect(console.locator(DRAWN[view])).not_to_have_count(0)
        if view == "journal":
            expect(opened(console, test_id).get_by_role("heading", name="A miss")).to_be_visible()
        found[view] = findings(console)
    assert not any(found.values()), found


def test_a_view_that_waits_for_the_mock_is_for_everyone_too(page: Page, stack: Stack) -> None:
    """Before the first answer is there, all that stands in a view has a name, and nothing can be sent."""
    held = holding(page, re.compile(r"/__mock/(?!console/|live)"))
    found = dict[str, list[str]]()
    for view in VIEWS:
        page.goto(f"{stack.mock_url}/#{view}")
        current = page.get_by_role("navigation", name="Views").locator("[aria-current]")
        expect(current).to_have_attribute("href", f"#{view.split('/')[0]}")
        expect(page.locator("#view > *")).to_be_visible()
        expect(page.locator(DRAWN[view])).to_have_count(0)
        found[view] = findings(page)
        if view == "faults":
            expect(page.get_by_role("button", name="Apply for everyone")).to_be_disabled()
            expect(page.get_by_role("button", name="Copy as X-Mock-Fault")).to_be_disabled()
    assert held
    assert not any(found.values()), found


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_a_telephone(console: Page, stack: Stack, view: str) -> None:
    """At 360 pixels each view fits, and so does an exchange."""
    test_id = "narrow" * 12
    ask_mock(stack, RUN, asked("A miss with " + "a_very_long_word_" * 12), {"X-Test-Id": test_id})
    console.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a plain mapping of the two numbers
    console.goto(f"{stack.mock_url}/#{view}")
    expect(console.locator(DRAWN[view])).not_to_have_count(0)
    if view == "journal":
        expect(opened(console, test_id).get_by_role("heading", name=re.compile("A miss with"))).to_be_visible()
    wide = "[...document.querySelectorAll('#view, #view > *')].map((each) => each.scrollWidth - each.clientWidth)"
    assert console.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    assert max(console.evaluate(wide)) <= 0


def test_the_journal_works_by_keyboard(console: Page, stack: Stack) -> None:
    """Arrow keys walk the rows, Enter opens one, Escape closes it again."""
    for number in (1, 2):
        ask_mock(stack, RUN, asked(), {"X-Test-Id": f"keys-{number}"})
    expect(rows(console, "keys-")).to_have_count(2)
    console.locator("a.row").first.focus()
    console.keyboard.press("ArrowDown")
    expect(console.locator("a.row:focus")).to_contain_text("keys-1")
    console.keyboard.press("Enter")
    expect(console.get_by_role("region", name="Exchange", exact=True)).to_contain_text("keys-1")
    console.keyboard.press("Escape")
    expect(console.get_by_role("region", name="Exchange", exact=True)).to_have_count(0)


def test_the_theme_is_kept(console: Page) -> None:
    """A chosen theme survives a reload, and choosing the system's forgets it."""
    root = console.locator("html")
    console.get_by_role("button", name="Switch to the dark theme").click()
    expect(root).to_have_attribute("data-theme", "dark")
    console.reload()
    expect(root).to_have_attribute("data-theme", "dark")
    console.get_by_role("button", name="Switch to the light theme").click()
    assert root.get_attribute("data-theme") is None


def test_an_exchange_that_is_gone_says_so(console: Page, stack: Stack, watch: Watch) -> None:
    """A link to an exchange outlives it."""
    watch.allow("404")
    console.goto(f"{stack.mock_url}/#journal/999999999")
    expect(console.get_by_role("heading", name="No such exchange")).to_be_visible()


def test_an_exchange_that_cannot_be_read_says_why(console: Page, stack: Stack, watch: Watch) -> None:
    """Until the mock answers nothing else is shown in its place, and a failure is not taken for a loss."""
    watch.allow("500")
    ask_mock(stack, RUN, asked(), {"X-Test-Id": "shown before"})
    exchange = opened(console, "shown before")
    expect(exchange).to_contain_text("shown before")
    held = holding(console, "**/__mock/journal/999999999")
    console.goto(f"{stack.mock_url}/#journal/999999999")
    expect(exchange).to_contain_text("Reading the exchange.")
    expect(exchange).not_to_contain_text("shown before")
    answer(console, held, status=500, json={"message": "The disk is full."})
    expect(exchange.get_by_role("heading", name="The exchange cannot be read")).to_be_visible()
    expect(exchange).to_contain_text("The disk is full.")
