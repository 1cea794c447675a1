"""The previews of all dashboards on a loopback port, drawn when they are asked for."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dashboards.preview import page
from dashboards.preview.ask import AskError, Span

GENERATED = Path(__file__).parent.parent / "generated" / "dashboards"
LOOPBACK = "127.0.0.1"
DAY_S = 86_400
DAYS = 7.0
"""How far back a preview looks: a week shows weekdays, a weekend, and each of the story's events."""

_KEPT_S = 60.0


class NoDashboards(Exception):
    """There is nothing to draw."""


def documents(folder: Path = GENERATED) -> dict[str, Mapping[str, Any]]:
    """The dashboards' JSON by slug, the overview first.   Raises: NoDashboards."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    if not found:
        raise NoDashboards(f"{folder}: no dashboards here; write them with cortex-harness dashboards build")
    return dict(sorted(found.items(), key=lambda item: item[0] != "overview"))


def draw(document: Mapping[str, Any], span: Span) -> str:
    """A dashboard's page.   Raises: ask.AskError."""
    return page.page(document, page.answers(document, span), page.noted(document, span), span)


def index(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The page that lists them."""
    rows = "".join(
        f'<li><a href="/{slug}">{escape(str(each["title"]))}</a> {escape(str(each.get("description") or ""))}</li>'
        for slug, each in found.items()
    )
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Previews</title>'
    return f"{head}<h1>{page.BANNER}</h1><ul>{rows}</ul></html>"


@dataclass(slots=True)
class Gallery:
    """What is served.   step_s: the interval of scrapes."""

    url: str
    step_s: int
    days: float
    documents: Mapping[str, Mapping[str, Any]]
    _drawn: dict[str, tuple[float, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str) -> tuple[int, str]:
        """Status and page for a path."""
        slug = path.strip("/")
        if not slug:
            return 200, index(self.documents)
        if slug not in self.documents:
            return 404, "No such dashboard. <a href='/'>All</a>"
        with self._lock:
            at_s, drawn = self._drawn.get(slug, (0.0, ""))
            if time.monotonic() - at_s > _KEPT_S or not drawn:
                try:
                    drawn = draw(self.documents[slug], self.span())
                except AskError as error:
                    return 502, f"<pre>{escape(str(error))}</pre>"
                self._drawn[slug] = time.monotonic(), drawn
            return 200, drawn

    def span(self) -> Span:
        """The days before the last step."""
        end_s = int(time.time()) // self.step_s * self.step_s
        return Span(self.url, end_s - round(self.days * DAY_S), end_s, self.step_s)


@contextlib.contextmanager
def serving(gallery: Gallery, port: int = 0) -> Iterator[str]:
    """The gallery's address, while it answers.   Raises: OSError where the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        """Pages."""

        def do_GET(self) -> None:
            status, text = gallery.answer(self.path)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Requests are no news."""

    with ThreadingHTTPServer((LOOPBACK, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="gallery", daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
