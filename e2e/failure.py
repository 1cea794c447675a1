"""What a failed story says: the promise that broke, what the reader saw last, and where to look further.

Everything is asked while the page is still open. What cannot be had is left out: a report never fails a story again.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ExceptionChainRepr
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request

from contracts.api import PREFIX
from e2e import cases
from e2e.casting import scenario_of
from e2e.evidence import Kept, keep, secrets_of
from e2e.page import ChatPage
from e2e.stage import Stage
from e2e.story import Story
from mocks.redact import text_without_credentials

SEEN_CHARS = 400
LOOK_TIMEOUT_MS = 1000
SHOT_TIMEOUT_MS = 5000
LINES = 8
"""How many lines of a kind a report shows."""

SNAPSHOT = "Aria snapshot:"
LOGS = ("mock.log", "proxy.log")


@dataclass
class Recording:
    """What is noted of one story while it plays. HAR holds what was asked of the client API only.

    folder: where evidence of a failure is kept.
    """

    test_id: str
    stage: Stage
    folder: Path
    raw: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="cortex-story-")))
    questions: list[str] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    _starts: dict[str, int] = field(default_factory=dict)
    _secrets: frozenset[bytes] = frozenset()

    def __post_init__(self) -> None:
        self._starts = {path.name: path.stat().st_size for path in self._logs()}

    def _logs(self) -> list[Path]:
        folder = self.stage.log_dir
        return [] if folder is None else [path for name in LOGS if (path := folder / name).exists()]

    @contextmanager
    def watching(self, context: BrowserContext) -> Iterator[None]:
        """In the block, what the pages of a profile ask and say is noted; the profile may outlive it, and be older."""
        heard = {"page": self._see, "request": self._note, "console": self._hear}
        self.pages += context.pages
        for event, listener in heard.items():
            context.on(event, listener)  # type: ignore[call-overload]  # one overload an event
        context.tracing.start_har(self.raw / "network.har", url_filter=f"**{PREFIX}/**")
        try:
            yield
        finally:
            _or_none(context.tracing.stop_har)
            for event, listener in heard.items():
                context.remove_listener(event, listener)

    def _see(self, page: Page) -> None:
        self.pages.append(page)

    def _note(self, request: Request) -> None:
        if not request.url.endswith(f"{PREFIX}/chat"):
            return
        parts = request.headers.get("traceparent", "").split("-")
        self.trace_ids += parts[1:2]
        self.questions.append(_question(request.post_data or ""))

    def _hear(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")

    def freeze(self) -> None:
        """Note what is gone once the test is over: what its pages show, what mock and proxy say."""
        for number, page in enumerate(self.pages, 1):
            _or_none(partial(page.screenshot, path=self.raw / f"page-{number}.png", timeout=SHOT_TIMEOUT_MS))
            _write(self.raw / f"page-{number}.txt", _or_none(page.locator("body").aria_snapshot) or "")
        for path in self._logs():
            with path.open("rb") as file:
                file.seek(self._starts.get(path.name, 0))
                (self.raw / path.name).write_bytes(file.read())
        journal = _or_none(lambda: self.stage.journal(self.test_id))
        _write(self.raw / "journal.json", json.dumps(journal, indent=1) if journal else "")
        self._secrets = secrets_of(self.stage.log_dir)

    def forget(self) -> None:
        """Keep nothing."""
        shutil.rmtree(self.raw, ignore_errors=True)

    def keep(self, report: str) -> Kept:
        """Keep what can be kept safely, once its profile is not watched any more: its HAR is complete only then."""
        if self.folder.exists():  # what pytest-playwright left there: trace, film, pictures
            for path in self.folder.iterdir():
                shutil.move(path, self.raw / path.name)
        _write(self.raw / "story.txt", report)
        _write(self.raw / "console.txt", "\n".join(self.console))
        return keep(self.raw, self.folder, secrets=self._secrets, pictures=self.stage.mode != "live")


def _question(body: str) -> str:
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return "?"
    return message if isinstance(message, str) else str(message.get("text", "an answer of the page itself"))


def _write(path: Path, text: str) -> None:
    if text:
        path.write_text(f"{text}\n", encoding="utf-8")


def _or_none(ask: Callable[[], Any]) -> Any:
    """The answer; None where page or stage do not give one any more."""
    try:
        return ask()
    except Exception:  # whatever broke the story may break this, too, and must not hide the story's own failure
        return None


@dataclass(frozen=True, slots=True)
class Broken:
    """A failed story.   promise: the first line of its docstring.   trace_url: a template with `{trace_id}`."""

    promise: str
    scenario: str | None
    recording: Recording
    chat: ChatPage | None = None
    story: Story | None = None
    trace_url: str | None = None
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, item: pytest.Item, recording: Recording) -> Broken:
        """What is known of a test that just failed."""
        parts = getattr(item, "funcargs", {})
        watch = parts.get("watch")
        return cls(
            promise=str(dict(item.user_properties).get(cases.PROMISE, item.name)),
            scenario=scenario_of(item),
            recording=recording,
            chat=parts.get("chat"),
            story=parts.get("story"),
            trace_url=item.config.getoption("trace_url"),
            faults=tuple(watch.unexpected()) if watch is not None else (),
        )

    def report(self) -> str:
        """All that is known, in an order that a tired reader can use: what broke, what was seen, where it went on."""
        lines = [*self._facts(), *self._trace(), *self._journal()]
        return text_without_credentials("\n".join([*lines, _row("evidence", near(self.recording.folder))]))

    def _facts(self) -> Iterator[str]:
        recording = self.recording
        yield _row("promise", self.promise)
        if self.scenario:
            yield _row("scenario", self.scenario)
        if recording.questions:
            yield _row("asked", " | ".join(recording.questions[-3:]))
        yield from (_row(name, text) for name, text in self._seen())
        yield from (_row("page fault", fault) for fault in self.faults[:LINES])
        yield _row("test id", recording.test_id)

    def _seen(self) -> Iterator[tuple[str, str]]:
        """What the reader had before them."""
        own = self.chat.page if self.chat else None
        page = next(reversed(self.recording.pages), own)
        if page is not None:
            yield "page", page.url
        roles: Mapping[str, Locator] = {}
        if self.chat is not None:
            roles = {"last turn": self.chat.turn, "problem": self.chat.problem, "status": self.chat.status}
        elif page is not None:
            roles = {"page shows": page.locator("body")}
        read = {name: text for name, locator in roles.items() if (text := _text(locator))}
        if "problem" in read:
            read["last turn"] = read["last turn"].replace(read["problem"], "[…]")
        yield from ((name, _clipped(text)) for name, text in read.items())

    def _trace(self) -> Iterator[str]:
        if not (traces := self._traces()):
            return
        *earlier, newest = traces
        yield _row("trace", newest)
        if self.trace_url:
            yield _row("", self.trace_url.replace("{trace_id}", newest))
        tree = _or_none(lambda: self.recording.stage.telemetry().tree(newest))
        yield from (f"    {line}" for line in (tree or "").splitlines())
        if earlier:
            yield _row("earlier", ", ".join(earlier[-LINES:]))

    def _traces(self) -> list[str]:
        """Of what the page asked; of what the story noted where the page is older than this test."""
        own: list[str] = _or_none(lambda: self.story.trace_ids if self.story else []) or []
        return self.recording.trace_ids or own

    def _journal(self) -> Iterator[str]:
        entries = _or_none(lambda: self.recording.stage.journal(self.recording.test_id))
        if entries is None:
            return
        yield _row("mock", "was asked nothing" if not entries else f"was asked {len(entries)} times, the last:")
        yield from (f"    {_told(entry)}" for entry in reversed(entries[:LINES]))


def _told(entry: Mapping[str, Any]) -> str:
    """An exchange of the mock in a line."""
    path = str(entry["path"]).rsplit("/", 1)[-1]
    parts = [f"{entry['method']} {path} -> {entry['status']} {entry['outcome']}"]
    parts += [f"{entry['frames_sent']}/{entry['frames_planned']} frames"] if entry.get("frames_planned") else []
    parts += [f"{name} {entry[name]}" for name in ("scenario", "cassette") if entry.get(name)]
    parts += [f"because {entry['why']}"] if entry.get("why") else []
    return ", ".join(parts)


def _text(locator: Locator) -> str:
    """What can be read there, in one line; empty when there is nothing."""

    def look() -> str:
        return locator.inner_text(timeout=LOOK_TIMEOUT_MS) if locator.count() else ""

    return " ".join((_or_none(look) or "").split())


def _clipped(words: str) -> str:
    return words if len(words) <= SEEN_CHARS else f"{words[: SEEN_CHARS // 2]} […] {words[-SEEN_CHARS // 2 :]}"


def _row(name: str, text: str) -> str:
    return f"{name:<11}{text}"


def near(path: Path) -> str:
    """A path as whoever started the suite would type it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def add_to(report: pytest.TestReport, told: str) -> None:
    """Put a story's words behind what pytest says."""
    if not isinstance(report.longrepr, ExceptionChainRepr):
        report.sections.append(("the story", told))
        return
    for traceback, _, _ in report.longrepr.chain:
        for entry in traceback.reprentries:
            entry.lines = without_snapshot(entry.lines)
    report.longrepr.addsection("the story", told)


def without_snapshot(lines: Sequence[str]) -> list[str]:
    """A traceback's lines without Playwright's picture of the whole page in words, which is kept as evidence."""
    return [line for line, is_told in zip(lines, _before_snapshot(lines), strict=True) if is_told]


def _before_snapshot(lines: Sequence[str]) -> Iterator[bool]:
    is_within = False
    for line in lines:
        is_within = line.startswith("E") and (is_within or line[1:].strip() == SNAPSHOT)
        yield not is_within
