"""The reference page, outside production only: its files, and what can be rehearsed on it."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, jsonify, send_from_directory
from flask.typing import ResponseReturnValue

import contracts
from proxy.parts import parts

CLIENT_PACKAGE = Path(contracts.__file__).parent / "shared" / "lib"
"""The modules of `@cortex-harness/shared`: what the page asks the API with is of this proxy's own contract."""
IN_PACKAGE = "shared/"

PAGE_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> Response:
    """The page."""
    return _file("index.html")


@blueprint.get("/client/<path:name>")
def file(name: str) -> Response:
    """One of its files, or of the client's package below `shared/`; never from outside the two folders."""
    if name.startswith(IN_PACKAGE):
        return _from(CLIENT_PACKAGE, name.removeprefix(IN_PACKAGE))
    return _file(name)


@blueprint.get("/rehearsal.json")
def rehearsal() -> ResponseReturnValue:
    """The questions and scenarios that the stand-in knows; when the upstream is Snowflake itself, only that it is.

    Not a 404: the browser would note it as an error of the page.
    """
    wired = parts()
    if wired.settings.is_live:
        return jsonify(mode="live")
    questions = wired.cortex.rehearsal(f"/__mock/questions?path={wired.settings.run_path}")
    scenarios = wired.cortex.rehearsal("/__mock/scenarios")
    return jsonify(
        mode="rehearsal",
        questions=[{key: each[key] for key in ("text", "about", "story", "provenance")} for each in questions],
        scenarios=[{"name": each["scenario"], "about": each["about"]} for each in scenarios],
    )


def _file(name: str) -> Response:
    folder = parts().settings.page_dir
    assert folder is not None, "the page's routes are only registered with a folder"
    return _from(folder, name)


def _from(folder: Path, name: str) -> Response:
    response = send_from_directory(folder.resolve(), name)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["Cache-Control"] = "no-cache"
    return response
