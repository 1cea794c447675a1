"""What is committed under dashboards/generated, written from its sources: dashboards, rules, Grafana's alerts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from dashboards import clients, harness, limits, logs, managed, overview, rules, streaming, tokens, tools, upstream
from dashboards.panels import Board, classic

FOLDER = Path(__file__).with_name("generated")

BOARDS: tuple[Board, ...] = (
    overview.BOARD,
    streaming.BOARD,
    upstream.BOARD,
    limits.BOARD,
    tools.BOARD,
    tokens.BOARD,
    clients.BOARD,
    logs.BOARD,
    harness.BOARD,
)
"""In the order in which somebody on call reads them."""


def documents() -> dict[str, str]:
    """The text of every generated file, by its path below `generated`."""
    boards = {f"dashboards/{board.slug}.json": _json(classic(board)) for board in BOARDS}
    written = {f"rules/{name}": rules.text(document) for name, document in rules.documents().items()}
    derived = {f"managed/{name}": rules.text(document) for name, document in managed.documents().items()}
    return boards | written | derived


def run(*, check: bool, folder: Path = FOLDER) -> int:
    """Write what is stale, or only name it.   Returns: the exit code, 4 when something is stale and `check` is set."""
    wanted = documents()
    stale = stale_files(wanted, folder)
    if check:
        for name in stale:
            click.echo(f"{folder / name} is stale: run 'harness.py dashboards build', commit it", err=True)
        return 4 if stale else 0
    for name in stale:
        _write(folder / name, wanted.get(name))
    click.echo(f"{len(wanted)} files in {folder}, {len(stale)} of them written anew or removed")
    return 0


def stale_files(wanted: Mapping[str, str], folder: Path) -> list[str]:
    """Files that are missing, differ, or that nothing generates any more."""
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    differing = {name for name in there & set(wanted) if (folder / name).read_text(encoding="utf-8") != wanted[name]}
    return sorted((there ^ set(wanted)) | differing)


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
