"""The pack as one page: no scripts, nothing from elsewhere, in light and dark, narrow and on paper."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from contracts.review.markdown import CONCERNS_NOBODY, LINES_ARE_MISSING, users
from contracts.review.pack import GONE, NEW, SAME, Pack

_FOLDER = Path(__file__).parent


def render(pack: Pack) -> str:
    """The pack as HTML."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(marked=marked, users=users)
    css = (_FOLDER / "page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html").render(
        pack=pack,
        css=Markup(css),  # noqa: S704 - our own file
        gone=GONE,
        new=NEW,
        same=SAME,
        concerns_nobody=CONCERNS_NOBODY,
        lines_are_missing=LINES_ARE_MISSING,
    )


def marked(text: str) -> Markup:
    """Text with its `code` marked up."""
    parts = re.split(r"`([^`]+)`", text)
    pieces = [Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)]
    return Markup("").join(pieces)
