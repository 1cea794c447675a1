"""A page about a run of the suite: broken promises first, each with its reason, trace, screenshots and logs.

    pytest e2e/stories -n 2 --story-report report/index.html [--trace-url 'http://localhost:3000/...{trace_id}']

One file without scripts and without anything from elsewhere; screenshots are inside it as far as they are small, and
linked where they are not, as all other evidence. What it shows is escaped, has no credential in it and is bounded.
(Written from a template of our own: pytest-html's page needs its script to show anything, has no dark side and no
narrow one, and shows the environment rather than what a test promises.)

A plugin, as e2e.cases is, which notes the promises.
"""

from __future__ import annotations

import base64
import datetime
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import jinja2
import pytest

from contracts.telemetry import TEST_OUTCOMES
from e2e.cases import EVIDENCE, SCENARIO, TEST_ID, TRACE_ID, Case, Cases, first_line
from mocks.redact import text_without_credentials
from mocks.suite import BAD, QUARANTINED

TEMPLATE = Path(__file__).with_name("report.html.jinja")
IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
MAX_TEXT_CHARS = 30_000
MAX_MESSAGE_CHARS = 1_000
MAX_TEXTS_CHARS = 3_000_000
MAX_IMAGE_BYTES = 500_000
MAX_IMAGES_BYTES = 10_000_000
MAX_FILES = 60
"""Of a test's evidence; the folder is linked besides."""

_UNPRINTABLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_ORDER = (*reversed(BAD), QUARANTINED, "skipped", "passed")
"""Outcomes as a reader wants them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    words = "write a page about the run there"
    parser.getgroup("cortex-harness").addoption("--story-report", metavar="FILE", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Report on the run that starts the workers, or that has none.   Raises: pytest.UsageError."""
    template = config.getoption("--trace-url", None)  # the stories' own, as --target is
    if template and (urlsplit(template).scheme not in ("http", "https") or "{trace_id}" not in template):
        raise pytest.UsageError(f"--trace-url {template}: expected an http URL with {{trace_id}} in it")
    path = config.getoption("--story-report")
    if path and not hasattr(config, "workerinput"):
        target = str(config.getoption("--target", "local"))
        config.pluginmanager.register(Report(Path(path), template or "", target), "cortex-report")


class Report:
    """A pytest plugin that writes the page when a run ends, also when it was interrupted."""

    def __init__(self, path: Path, trace_url: str, target: str) -> None:
        self._path, self._trace_url, self._target = path.absolute(), trace_url, target
        self._cases, self._broken = Cases(), list[pytest.CollectReport]()
        self._began = datetime.datetime.now(datetime.UTC)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended, here or in a worker."""
        self._cases.take(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was collected, or could not be."""
        if report.failed:
            self._broken.append(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """The run is over.   Raises: pytest.UsageError when the page cannot be written."""
        facts = {
            "began": f"{self._began:%Y-%m-%d %H:%M} UTC",
            "took": duration((datetime.datetime.now(datetime.UTC) - self._began).total_seconds()),
            "played on": self._target,
        }
        broken = [(each.nodeid, first_line(each)) for each in self._broken]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            page = written(self._cases.ended, facts, broken, folder=self._path.parent, trace_url=self._trace_url)
            self._path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise pytest.UsageError(f"--story-report {self._path}: {error.strerror}") from error

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where it is."""
        terminalreporter.line(f"report: {self._path}")


# --- the page


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kept file.   inlined: the whole picture as a URL; empty where it is linked."""

    name: str
    url: str
    is_image: bool = False
    inlined: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the page shows of a test that did not simply pass.   added: sections of its failure, which say the most."""

    case: Case
    message: str
    added: Sequence[tuple[str, str]]
    failure: str
    sections: Sequence[tuple[str, str]]
    evidence: Sequence[Evidence]
    facts: Sequence[tuple[str, str]]
    traces: Sequence[tuple[str, str]]


@dataclass(slots=True)
class Budget:
    """How much the page may still hold."""

    texts: int = MAX_TEXTS_CHARS
    images: int = MAX_IMAGES_BYTES

    def text(self, text: str, most: int = MAX_TEXT_CHARS) -> str:
        """As much of a text as there is room for: its beginning and its end, printable, without credentials."""
        room = min(most, self.texts)
        # What will be clipped anyhow is not worth a search, which takes seconds in a flood.
        clean = text_without_credentials(_UNPRINTABLE.sub("", _clipped(text, 4 * most)))
        shown = _clipped(clean, room)
        self.texts -= min(room, len(shown))
        return shown

    def image(self, path: Path) -> str:
        """A picture as a URL that holds it; empty when it is too large."""
        size = path.stat().st_size
        if size > min(MAX_IMAGE_BYTES, self.images):
            return ""
        self.images -= size
        return f"data:{IMAGES[path.suffix.lower()]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _clipped(text: str, room: int) -> str:
    """A text, or what there is room for of both its ends."""
    half = room // 2
    return text if len(text) <= room else f"{text[:half]}\n[... left out ...]\n{text[len(text) - half :]}"


@dataclass(frozen=True, slots=True)
class Pages:
    """What turns tests into what is shown of them.   folder: where the page will be."""

    folder: Path
    trace_url: str = ""
    budget: Budget = field(default_factory=Budget)

    def told(self, case: Case) -> Told:
        """A test with all that is known of it."""
        sections = {title: text for report in case.reports for title, text in report.sections}
        facts = [("test", case.nodeid), ("took", duration(case.duration_s))]
        facts += [(name, ", ".join(case.told(key))) for name, key in _FACTS.items()]
        facts += [("worker", case.worker), ("run again", ", ".join(case.again)), ("in quarantine", _allowed(case))]
        return Told(
            case,
            self.budget.text(case.message, MAX_MESSAGE_CHARS),
            [(title, self.budget.text(text)) for title, text in case.added],
            self.budget.text(case.failure),
            [(title, self.budget.text(text)) for title, text in sections.items()],
            list(self._evidence(case)),
            [(name, value) for name, value in facts if value],
            [(each, self._trace(each)) for each in case.told(TRACE_ID)],
        )

    def _trace(self, trace_id: str) -> str:
        return self.trace_url.replace("{trace_id}", trace_id) if re.fullmatch(r"[0-9a-f]{32}", trace_id) else ""

    def _evidence(self, case: Case) -> Iterator[Evidence]:
        for folder in map(Path, case.told(EVIDENCE)):
            if folder.is_dir():
                yield Evidence("all files", self._url(folder))
                files = sorted(each for each in folder.rglob("*") if each.is_file())
                yield from (self._file(each, str(each.relative_to(folder))) for each in files[:MAX_FILES])

    def _file(self, path: Path, name: str) -> Evidence:
        is_image = path.suffix.lower() in IMAGES
        return Evidence(name, self._url(path), is_image, self.budget.image(path) if is_image else "")

    def _url(self, path: Path) -> str:
        """The way from the page; it begins with a dot, so that no name is read as a scheme."""
        return f"./{quote(Path(os.path.relpath(path, self.folder)).as_posix())}"


_FACTS: Mapping[str, str] = {
    "scenario": SCENARIO,
    "test id": TEST_ID,
    "not asserted": "not asserted",
    "not kept": "evidence dropped",
}


def _allowed(case: Case) -> str:
    return next((str(getattr(each, QUARANTINED)) for each in case.reports if hasattr(each, QUARANTINED)), "")


def _why_not(case: Case) -> str:
    found = (each.longrepr for each in case.reports if each.skipped)
    return next((str(why[2] if isinstance(why, tuple) else why) for why in found), "")


def written(
    cases: Sequence[Case],
    facts: Mapping[str, str],
    broken: Iterable[tuple[str, str]] = (),
    *,
    folder: Path,
    trace_url: str = "",
) -> str:
    """The page about some tests.

    facts: of the run.   broken: files that could not be collected, with the reason.   folder: where the page will be.
    """
    pages, by_outcome = Pages(folder, trace_url), defaultdict[str, list[Case]](list)
    for case in cases:
        by_outcome[case.outcome].append(case)
    files = defaultdict[str, list[Case]](list)
    for case in sorted(by_outcome["passed"], key=lambda each: each.nodeid):
        files[case.file].append(case)
    counted = Counter({outcome: len(found) for outcome, found in by_outcome.items()})
    unread = list(broken)
    counted["error"] += len(unread)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        headline=_headline(counted),
        counts=[(outcome, counted[outcome]) for outcome in _ORDER if counted[outcome]],
        flaky=sum(case.is_flaky for case in cases),
        facts=facts,
        unread=unread,
        told=[pages.told(case) for outcome in (*reversed(BAD), QUARANTINED) for case in by_outcome[outcome]],
        skipped=[(case, _why_not(case)) for case in by_outcome["skipped"]],
        files=files,
        scenario=SCENARIO,
        duration=duration,
    )


def _headline(counted: Counter[str]) -> str:
    bad, total = sum(counted[outcome] for outcome in BAD), counted.total()
    if bad:
        return f"{bad} of {total} promises broken"
    return f"{counted['passed']} of {total} promises kept" if total else "Nothing was played"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


assert set(_ORDER) >= set(TEST_OUTCOMES), "every outcome has its place"
