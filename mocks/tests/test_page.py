"""The console page: what is served, how, and nothing else."""

from __future__ import annotations

import re

import pytest

from mocks import page
from mocks.grammar import PARTS
from mocks.tests.running import RunningMock

NAMES = sorted(page.files())
ASSET = re.compile(r'(?:src|href)="/__mock/console/([^"]+)"')
IMPORT = re.compile(r'^import .* from "\./([^"]+)";$', re.MULTILINE)


def test_the_page_is_at_the_root_without_a_credential(mock: RunningMock) -> None:
    """Anybody who reaches the mock can look at it."""
    answer = mock.call("GET", "/", headers={"Authorization": ""})
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"cortex-harness" in answer.body


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_served_with_its_type_and_guards(mock: RunningMock, name: str) -> None:
    """Bytes as on disk, the right type, no sniffing, no foreign content, asked anew each time."""
    answer = mock.call("GET", f"/__mock/console/{name}")
    assert (answer.status, answer.body) == (200, (page.FOLDER / name).read_bytes())
    assert answer.headers["content-type"] == page.TYPES[name[name.rindex(".") :]]
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["page.py", "../page.py", "..%2Fpage.py", "%2e%2e/page.py", "index.html.bak", "INDEX.HTML", "missing.js", ""],
)
def test_nothing_else_is_served(mock: RunningMock, path: str) -> None:
    """A name that is no file of the page is 404, wherever it would lead on disk."""
    assert mock.call("GET", f"/__mock/console/{path}").status == 404


@pytest.mark.parametrize("wrapped", ["{}", "W/{}", '"other", {}'], ids=["same", "weak", "among others"])
def test_an_unchanged_file_is_not_sent_again(mock: RunningMock, wrapped: str) -> None:
    """The known tag gives 304 without a body, another one the file."""
    fresh = mock.call("GET", "/__mock/console/main.js")
    again = mock.call(
        "GET", "/__mock/console/main.js", headers={"If-None-Match": wrapped.format(fresh.headers["etag"])}
    )
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", fresh.headers["etag"])
    assert mock.call("GET", "/__mock/console/main.js", headers={"If-None-Match": '"other"'}).status == 200


def test_the_page_can_be_asked_for_its_head(mock: RunningMock) -> None:
    """HEAD is GET without the body."""
    answer = mock.call("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")


def test_the_page_leaves_no_trace_in_the_journal(mock: RunningMock) -> None:
    """Looking does not change what is looked at."""
    mine = {"X-Test-Id": "looking"}
    for path in ("/", "/__mock/console/main.js", "/__mock/faults/schema"):
        assert mock.call("GET", path, headers=mine).status == 200
    assert mock.journal("looking") == []


def test_the_page_names_only_files_that_there_are() -> None:
    """Every stylesheet, script and import of the page is among its files."""
    files = page.files()
    named = set(ASSET.findall(files["index.html"].body.decode()))
    for name, file in files.items():
        if name.endswith(".js"):
            named |= set(IMPORT.findall(file.body.decode()))
    assert named | {"index.html"} == set(files)


def test_the_page_has_no_inline_script_and_no_foreign_address() -> None:
    """Its own policy would refuse the first, and it must work without any network for the second."""
    html = page.files()["index.html"].body.decode()
    assert re.findall(r"<script(?![^>]* src=)", html) == []
    assert re.findall(r"\son\w+=|\sstyle=", html) == []
    for name, file in page.files().items():
        assert set(re.findall(r"https?://[^\s\"'`)]+", file.body.decode())) <= {"http://www.w3.org/2000/svg"}, name


def test_text_never_becomes_markup() -> None:
    """No module has a way to turn a string into elements."""
    for name, file in page.files().items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(", file.body.decode()
        ), name


def test_the_fault_schema_follows_the_grammar(mock: RunningMock) -> None:
    """Every part of a fault is a property, and answers that have names are offered."""
    schema = mock.call("GET", "/__mock/faults/schema").json()
    fault = schema["$defs"]["Fault"]
    assert set(PARTS) < set(fault["properties"])
    assert "too_many_requests" in schema["$defs"]["Respond"]["properties"]["like"]["examples"]
