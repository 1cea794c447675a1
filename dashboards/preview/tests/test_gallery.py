"""The gallery serves every generated dashboard."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dashboards.preview import gallery
from dashboards.preview.gallery import Gallery


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_first_page_leads_to_every_dashboard() -> None:
    """The overview first."""
    found = gallery.documents()
    with gallery.serving(Gallery("http://127.0.0.1:9", 15, 1, found)) as url:
        status, text = _get(url)
    assert status == 200
    assert [text.index(f'href="/{slug}"') for slug in found] == sorted(text.index(f'href="/{slug}"') for slug in found)
    assert next(iter(found)) == "overview"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [("/nobody", 404, "No such dashboard"), ("/overview", 502, "does not answer")],
)
def test_what_cannot_be_shown_is_said(path: str, status: int, words: str) -> None:
    """A dashboard that is not there, and a Prometheus that is not there."""
    with gallery.serving(Gallery("http://127.0.0.1:9", 15, 1, gallery.documents())) as url:
        answered, text = _get(url + path)
    assert (answered, words in text) == (status, True)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """That says how dashboards are made."""
    with pytest.raises(gallery.NoDashboards, match="dashboards build"):
        gallery.documents(tmp_path)
