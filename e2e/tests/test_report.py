"""The page about a run: what it says first, and what it never lets in."""

from __future__ import annotations

import base64
import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from e2e import quarantine, report
from e2e.cases import Case

pytest_plugins = ["pytester"]

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TEMPLATE = "http://127.0.0.1:3000/explore?trace={trace_id}"
HOSTILE = """</pre><script>alert(1)</script><img src=x onerror=alert(2)>"""


class Page(HTMLParser):
    """A page's tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str, attribute: str) -> list[str]:
        """The values of an attribute, in order."""
        return [each[attribute] or "" for name, each in self.tags if name == tag and attribute in each]


def run(suite: pytest.Pytester, body: str, *arguments: str) -> Page:
    """The page about a run of some tests."""
    suite.makepyfile(test_it=body)
    suite.runpytest_inprocess("--story-report", "out/index.html", "--trace-url", TEMPLATE, *arguments)
    return Page((suite.path / "out" / "index.html").read_text(encoding="utf-8"))


FAILING = '''
def test_it(request):
    """A reader reads why."""
    request.node.user_properties += {told}
    print({printed!r})
    raise ValueError({reason!r})
'''


def failing(*told: tuple[str, str], printed: str = "", reason: str = "no") -> str:
    """A failing test."""
    return FAILING.format(told=list(told), printed=printed, reason=reason)


def test_a_broken_promise_comes_first_with_all_that_is_known(suite: pytest.Pytester) -> None:
    """Promise, reason, scenario, a link to its trace, logs; then what was kept."""
    told = (("scenario", "throttled"), ("test_id", "story-1"), ("trace_id", TRACE_ID))
    body = f'def test_kept():\n    """A table has its columns."""\n{failing(*told, printed="asked", reason="because")}'

    page = run(suite, body)

    assert page.text.startswith("1 of 2 promises broken")
    parts = ["A reader reads why.", "throttled", "story-1", "ValueError: because", "asked", "A table has its columns."]
    assert [page.text.count(part) > 0 for part in parts] == [True] * len(parts)
    assert page.text.index("A reader reads why.") < page.text.index("A table has its columns.")
    assert TEMPLATE.format(trace_id=TRACE_ID) in page.all("a", "href")


ADDING = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.longrepr.addsection("the story", "promise  none")
    return report
"""


def test_what_a_failure_says_stands_apart_from_its_details(suite: pytest.Pytester) -> None:
    """Its first lines are read at once; sections that were added to it open beneath, and once."""
    body = """
import pytest

class Told(Exception): pass

def test_it(): raise Told("asked for EMEA\\nfound APAC\\n\\n- heading\\n- status")
"""
    with (suite.path / "conftest.py").open("a") as conftest:
        conftest.write(ADDING)

    page = run(suite, body, "-p", "xdist", "-n", "1")

    texts = page.text.split("asked for EMEA")
    assert texts[1].startswith(" found APAC the story promise none The failure")
    assert page.text.count("promise none") == 1


def test_workers_tests_are_on_the_same_page(suite: pytest.Pytester) -> None:
    """With xdist the run that started them writes it, once."""
    body = "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n): assert n != 2\n"

    page = run(suite, body, "-p", "xdist", "-n", "2")

    assert page.text.startswith("1 of 4 promises broken")


def test_every_outcome_has_its_place(suite: pytest.Pytester) -> None:
    """Errors, failures, what is quarantined, what was not played and why, what could not be read."""
    entry = quarantine.Entry(
        test="test_it.py::test_listed",
        reason="a set decides the order",
        owner="page team",
        since=quarantine.today(),
        until=quarantine.today() + datetime.timedelta(days=1),
    )
    (suite.path / "list.yaml").write_text(f"- {entry.model_dump_json()}\n")
    suite.makepyfile(test_unread="import no_such_module_at_all")
    body = """
import pytest

@pytest.fixture
def broken(): raise OSError("no browser")

def test_cannot_begin(broken): pass
def test_listed(): assert False
def test_fails(): assert False
def test_passes(): pass
@pytest.mark.skip(reason="the moon is full")
def test_is_skipped(): pass
"""

    page = run(suite, body, "--quarantine", "list.yaml", "--continue-on-collection-errors")

    assert page.text.startswith("3 of 6 promises broken")
    wanted = ("2 error", "1 failed", "1 quarantined", "1 skipped", "1 passed", "the moon is full", "a set decides")
    assert [word for word in wanted if word not in page.text] == []
    assert "test_unread.py" in page.text


def test_screenshots_are_inside_and_files_are_linked(suite: pytest.Pytester) -> None:
    """A small picture needs no second file; the way to the others is from where the page is."""
    kept = suite.path / "kept"
    kept.mkdir()
    (kept / "page.png").write_bytes(PIXEL)
    (kept / "large.png").write_bytes(PIXEL + bytes(report.MAX_IMAGE_BYTES))
    (kept / "javascript:alert(1).log").write_text("x")

    page = run(suite, failing(("evidence", str(kept))))

    assert page.all("img", "src") == [f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"]
    assert page.all("a", "href") == [
        "./../kept/page.png",
        "./../kept",
        "./../kept/javascript%3Aalert%281%29.log",
        "./../kept/large.png",
    ]


def test_hostile_words_are_words(suite: pytest.Pytester) -> None:
    """Whatever a test says of itself, prints or fails with, no tag comes of it, and no address."""
    told = [(name, HOSTILE) for name in ("scenario", "test_id", "evidence")]
    body = failing(*told, ("trace_id", '"><b>'), ("trace_id", "javascript:alert(1)"), printed=HOSTILE, reason=HOSTILE)

    page = run(suite, body.replace("A reader reads why.", HOSTILE))

    assert {tag for tag, _ in page.tags} & {"script", "img", "b", "iframe", "object", "form"} == set()
    assert page.all("a", "href") == []
    assert page.text.count("<script>alert(1)</script>") >= 4
    assert [name for _, each in page.tags for name in each if name.startswith("on")] == []


def test_nothing_is_asked_of_anybody(suite: pytest.Pytester) -> None:
    """No script, no style and no picture from elsewhere, and a policy that forbids them."""
    page = run(suite, failing(("trace_id", TRACE_ID)))

    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe"} == set()
    policy = next(each["content"] for tag, each in page.tags if tag == "meta" and "http-equiv" in each)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_no_credential_and_no_escape_is_on_it(suite: pytest.Pytester) -> None:
    """Stars for tokens; what colours a terminal is left out."""
    secret = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2R5In0"

    page = run(suite, failing(printed=f"\x1b[31mred\x1b[0m Bearer {secret}", reason=f"asked with {secret}"))

    assert "red Bearer ***" in page.text
    assert "ValueError: asked with ***" in page.text
    assert secret not in page.text


def test_nothing_of_the_environment_is_on_it(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a pipeline's variables nor the machine's name."""
    monkeypatch.setenv("BUILD_TAG", "made-up-tag")

    assert "made-up-tag" not in run(suite, failing()).text


def test_a_flood_is_clipped(tmp_path: Path) -> None:
    """Of a long text its beginning and its end are shown; of many texts, as much as a page bears."""
    lines = "".join(f"line {number}\n" for number in range(20_000))
    cases = [failed(f"test_it.py::test_{number}", lines) for number in range(150)]

    written = report.written(cases, {}, folder=tmp_path)

    page = Page(written)
    assert "line 0 line 1 " in page.text
    assert "line 19999" in page.text
    assert "[... left out ...]" in page.text
    assert len(written) < report.MAX_TEXTS_CHARS + 500_000


def failed(nodeid: str, printed: str) -> Case:
    """A test that failed after it had printed something."""
    location, sections = ("test_it.py", 1, nodeid), [("Captured stdout call", printed)]
    found = pytest.TestReport(nodeid, location, {}, "failed", "no", "call", sections, 1.0, 10.0, 11.0)
    return Case(nodeid, [found])


def test_an_interrupted_run_has_its_page(suite: pytest.Pytester) -> None:
    """Ctrl-C ends the run; what was played is on it."""
    suite.makepyfile(test_it="def test_a(): pass\ndef test_b(): raise KeyboardInterrupt\n")

    suite.runpytest_inprocess("--story-report", "index.html", no_reraise_ctrlc=True)

    assert Page((suite.path / "index.html").read_text(encoding="utf-8")).text.startswith("1 of 1 promises kept")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trace-url", "javascript:alert({trace_id})"), "--trace-url*expected an http URL with {trace_id}*"),
        (("--trace-url", "http://127.0.0.1/"), "--trace-url*expected an http URL with {trace_id}*"),
        (("--story-report", "file.py/index.html"), "--story-report*file.py/index.html: File exists*"),
    ],
    ids=["scheme", "no place", "no folder"],
)
def test_what_cannot_be_done_is_said(suite: pytest.Pytester, arguments: tuple[str, ...], said: str) -> None:
    """The option and the reason are in one line."""
    (suite.path / "file.py").touch()
    suite.makepyfile(test_it="def test_it(): pass\n")

    result = suite.runpytest_inprocess(*arguments)

    result.stderr.fnmatch_lines([f"*{said}"])
    assert result.ret != 0


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0123, "12 ms"), (1.26, "1.3 s"), (59.9, "59.9 s"), (125, "2 min 5 s")]
)
def test_a_time_is_said_as_people_do(seconds: float, words: str) -> None:
    """In the unit that fits."""
    assert report.duration(seconds) == words
