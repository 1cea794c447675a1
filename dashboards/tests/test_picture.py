"""The pages of the dashboards: written from the JSON, and held to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dashboards import alerts, picture
from dashboards.preview import gallery, page


def test_the_committed_pages_are_those_that_would_be_written() -> None:
    """Else `python -m dashboards.picture --no-png` is due."""
    assert picture.check() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("overview.md", "something else"), ("gone.md", "of a dashboard that is no more"), ("overview.md", None)],
    ids=["stale", "left over", "missing"],
)
def test_a_page_that_is_not_right_is_found(tmp_path: Path, name: str, text: str | None) -> None:
    """By its name; writing puts it right."""
    picture.write(tmp_path)
    (tmp_path / name).unlink(missing_ok=True) if text is None else (tmp_path / name).write_text(text)
    assert picture.check(tmp_path) == [name]
    picture.write(tmp_path)
    assert picture.check(tmp_path) == []


def test_every_panel_is_explained_with_its_alerts() -> None:
    """Each alert leads back to the panel that it sends its reader to."""
    written = picture.pages()
    for slug, document in gallery.documents().items():
        for panel in page.panels(document):
            if panel.get("targets"):
                assert f"`{slug}/{picture.slug_of(panel['title'])}`" in written[f"{slug}.md"]
    for alert in alerts.ALERTS:
        slug = alert.panel.partition("/")[0]
        assert f"[{alert.name}]" in written[f"{slug}.md"].partition(f"`{alert.panel}`")[2].partition("###")[0]


def test_links_lead_somewhere() -> None:
    """To runbooks, pages and pictures that are there."""
    for text in picture.pages().values():
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (picture.FOLDER / link).exists(), link


def test_pictures_are_small_and_of_every_dashboard() -> None:
    """And there is none of a dashboard that is gone."""
    sizes = {path.stem: path.stat().st_size for path in picture.FOLDER.glob("*.png")}
    assert sizes.keys() == gallery.documents().keys()
    assert max(sizes.values()) <= picture.MOST_BYTES


def test_pages_say_that_pictures_are_previews() -> None:
    """Of made-up data, without Grafana."""
    for name, text in picture.pages().items():
        assert "made-up" in text, name
        assert "without Grafana" in text, name


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        ("sum(rate(cortex_proxy_stream_gap_seconds_bucket[5m]))", ["cortex_proxy_stream_gap_seconds"]),
        ("up + slo:current_burn_rate:ratio", ["slo:current_burn_rate:ratio", "up"]),
        ("cortex_proxy_nothing_total", []),
    ],
    ids=["a histogram", "of rules and of Prometheus", "nobody's"],
)
def test_a_panel_s_metrics_are_those_of_the_catalogue(expr: str, names: list[str]) -> None:
    """By the name that Prometheus has for the whole."""
    panel: dict[str, Any] = {"targets": [{"expr": expr}]}
    assert picture.names(panel) == names


def test_a_stale_page_ends_with_status_four(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says what to run."""
    monkeypatch.setattr(picture, "check", lambda: ["overview.md"])
    assert picture.main(["--check"]) == picture.EXIT_STALE
    assert "python -m dashboards.picture --no-png" in capsys.readouterr().err
