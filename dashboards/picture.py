"""`docs/dashboards/`: for each dashboard its question, a picture, and what each panel means; from the generated JSON.

python -m dashboards.picture             write pages and pictures, over a made-up fortnight
python -m dashboards.picture --check     exit 4 when a page is not what would be written; pictures are not compared
python -m dashboards.picture --no-png    write the pages alone

Pictures are previews, drawn from a Prometheus' answers without Grafana, and they say so.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from contracts.telemetry import ALL_METRICS, Metric, MetricKind
from dashboards import alerts
from dashboards.preview import gallery, page
from dashboards.preview.ask import Span
from e2e.browser import launch
from e2e.program import StackError

FOLDER = Path(__file__).parent.parent / "docs" / "dashboards"
RUNBOOKS = "../../dashboards/runbooks"
EXIT_STALE = 4
MOST_BYTES = 300_000


class PictureError(Exception):
    """A picture cannot be taken; the message says what is missing."""


# --- pages


def pages() -> dict[str, str]:
    """The text of every page, by file name.   Raises: gallery.NoDashboards."""
    found = gallery.documents()
    return {
        "README.md": _index(found),
        **{f"{slug}.md": _page(slug, document) for slug, document in found.items()},
    }


def _index(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = "".join(
        f"| [{each['title']}]({slug}.md) | {each.get('description') or ''} | {len(list(_asking(each)))} |\n"
        for slug, each in found.items()
    )
    return (
        "# Dashboards\n\n"
        f"{_WRITTEN}\n\n"
        "| dashboard | the question it answers | panels |\n|---|---|---|\n"
        f"{rows}\n"
        "To look at them before installing anything: `cortex-harness dashboards demo`.\n"
    )


_WRITTEN = """\
Written by `python -m dashboards.picture` from `dashboards/generated/`. The pictures are previews: real answers of a
Prometheus that holds a made-up fortnight, drawn without Grafana, which shows the same panels in its own way."""


def _page(slug: str, document: Mapping[str, Any]) -> str:
    title = document["title"]
    parts = [
        f"# {title}\n\n{document.get('description') or ''}\n\n{_WRITTEN}\n",
        f"![{title}: a preview over a made-up week, not Grafana]({slug}.png)\n",
    ]
    for panel in page.panels(document):
        if panel["type"] == "row":
            parts.append(f"## {panel['title']}\n")
        elif panel.get("targets"):
            parts.append("\n".join(_panel(slug, panel)))
    return "\n".join(parts)


def _panel(slug: str, panel: Mapping[str, Any]) -> Iterator[str]:
    address = f"{slug}/{slug_of(panel['title'])}"
    yield f"### {panel['title']}\n"
    yield f"{panel.get('description') or ''}\n"
    named = [f"`{name}`" for name in names(panel)]
    yield f"- `{address}`, {panel['type']}" + (f"; from {', '.join(named)}" if named else "")
    pointing = sorted({each.name for each in alerts.ALERTS if each.panel == address})
    if pointing:
        yield "- " + ", ".join(f"[{name}]({RUNBOOKS}/{name}.md)" for name in pointing)
    yield ""


def _asking(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (panel for panel in page.panels(document) if panel.get("targets"))


def slug_of(title: str) -> str:
    """A title as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def names(panel: Mapping[str, Any]) -> list[str]:
    """The metrics that a panel asks for, and the series of rules and of Prometheus itself."""
    words = {
        word
        for target in panel.get("targets") or []
        for word in re.findall(r"[a-zA-Z_:][\w:]*", str(target.get("expr") or ""))
    }
    metrics = [metric.exposed for metric in ALL_METRICS if words & set(_series(metric))]
    others = sorted(word for word in words if word.startswith("slo:") or word in _OF_PROMETHEUS)
    return [*metrics, *others]


_OF_PROMETHEUS = frozenset(["up", "scrape_samples_scraped", "ALERTS"])


def _series(metric: Metric) -> list[str]:
    if metric.kind is MetricKind.HISTOGRAM:
        return [f"{metric.exposed}_{part}" for part in ("bucket", "sum", "count")]
    return [metric.exposed]


def check(folder: Path = FOLDER) -> list[str]:
    """The pages that are not what would be written: missing, stale, or of a dashboard that is gone."""
    wanted = pages()
    stale = [name for name, text in wanted.items() if _read(folder / name) != text]
    return stale + sorted(path.name for path in folder.glob("*.md") if path.name not in wanted)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def write(folder: Path = FOLDER) -> None:
    """The pages are in the folder, and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


# --- pictures


def take(span: Span, folder: Path = FOLDER, *, width_px: int = page.WIDE_PX, scheme: str = "dark") -> list[Path]:
    """A picture of each dashboard over a span of time.   Raises: PictureError, ask.AskError."""
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - only who takes pictures has it
    except ImportError as error:
        raise PictureError("pictures need Playwright, of the group test: uv sync --group test") from error
    taken = []
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(**launch({}, playwright.chromium.executable_path))
        except StackError as error:
            raise PictureError(str(error)) from error
        except Error as error:
            raise PictureError(f"Chromium does not start; apt-get install chromium: {error.message}") from error
        for slug, document in gallery.documents().items():
            shown = browser.new_page(viewport={"width": width_px, "height": 800}, color_scheme=_scheme(scheme))
            shown.set_content(gallery.draw(document, span))
            path = folder / f"{slug}.png"
            shown.screenshot(path=path, full_page=True)
            shown.close()
            taken.append(path)
        browser.close()
    large = [path.name for path in taken if path.stat().st_size > MOST_BYTES]
    if large:
        raise PictureError(f"{', '.join(large)}: larger than {MOST_BYTES:,} bytes; the repository keeps small ones")
    return taken


def _scheme(name: str) -> Any:
    return name


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check, as asked; 4 when something is stale."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.picture", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare the pages, write nothing")
    parser.add_argument("--no-png", action="store_true", help="write the pages alone")
    chosen = parser.parse_args(arguments)
    if chosen.check:
        stale = check()
        for name in stale:
            click.echo(f"docs/dashboards/{name} is stale; run python -m dashboards.picture --no-png", err=True)
        return EXIT_STALE if stale else 0
    write()
    if not chosen.no_png:
        _take_over_a_made_up_fortnight()
    return 0


def _take_over_a_made_up_fortnight() -> None:
    from dashboards import demo  # noqa: PLC0415 - the pages need none of it

    def say(text: str) -> None:
        click.echo(text, err=True)

    with tempfile.TemporaryDirectory(prefix="cortex-picture-") as folder, demo.running(Path(folder), say=say) as shown:
        shown_gallery = gallery.Gallery(shown.prometheus_url, shown.step_s, gallery.DAYS, {})
        for path in take(shown_gallery.span()):
            say(f"{path.name}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
