"""A data folder of Prometheus filled with the past: samples, and what recording rules and alerts would have made of it.

promtool does both. Rules are read from a running Prometheus, those that read other rules after them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dashboards import rules
from dashboards.history import History
from dashboards.ledger import written

BLOCK_S = 18 * 3_600
"""How much time one block spans. promtool reads its whole input once for each block, so each has a file of its own."""

RECORDED_BLOCK_S = 9 * BLOCK_S
"""The same for what rules make: a series each, and every block is a query of its own."""

RECORDED_EVERY = 2
"""Steps between two evaluations of the past's rules. Five minutes may lie between them, or there are holes."""

INSTALL = "apt-get install prometheus"


class BackfillError(Exception):
    """promtool is missing or did not take what it was given."""


def samples(history: History, data: Path) -> int:
    """How many samples are now in the data folder: the history up to the end of its story.   Raises: BackfillError."""
    data.mkdir(parents=True, exist_ok=True)
    importing: subprocess.Popen[bytes] | None = None
    every = 0
    try:
        for number, columns in enumerate(_blocks(history)):
            path = data / f"samples-{number}.om"
            every += _write(path, columns)
            _await(importing)
            importing = _import(path, data)
        _await(importing)
    finally:
        if importing is not None and importing.poll() is None:
            importing.kill()
            importing.wait()
        for path in data.glob("samples-*.om"):
            path.unlink()
    return every


_Columns = dict[str, list[str]]
"""The samples of a block by series, as text."""


def _blocks(history: History) -> Iterator[_Columns]:
    columns: _Columns = {}
    block = None
    while history.at_s + history.step_s <= history.told.end_s:
        history.advance()
        if block not in (None, history.at_s // BLOCK_S):
            yield columns
            columns = {}
        block = history.at_s // BLOCK_S
        moment = f" {history.at_s}\n"
        for name, value in history.rows():
            column = columns.get(name)
            if column is None:
                column = columns[name] = []
            column.append(f"{name} {written(value)}{moment}")
    if columns:
        yield columns


def _write(path: Path, columns: _Columns) -> int:
    with path.open("w", encoding="utf-8") as file:
        for column in columns.values():
            file.writelines(column)
        file.write("# EOF\n")
    return sum(map(len, columns.values()))


def _import(path: Path, data: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own arguments
        [*_promtool(), f"--max-block-duration={BLOCK_S // 3600}h", "openmetrics", path.name, "."],
        cwd=data,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _await(importing: subprocess.Popen[bytes] | None) -> None:
    if importing is None:
        return
    _, said = importing.communicate()
    if importing.returncode:
        words = said.decode("utf-8", "replace").strip()[-1000:]
        raise BackfillError(f"promtool did not take the samples (status {importing.returncode}): {words}")
    path = Path(str(importing.args[-2]))  # type: ignore[index]
    assert path.suffix == ".om", "the file is the last but one of the arguments"


def _promtool() -> list[str]:
    found = shutil.which("promtool")
    if found is None:
        raise BackfillError(f"promtool is not installed, and the past is written with it: {INSTALL}")
    return [found, "tsdb", "create-blocks-from", "--quiet"]


# --- rules


def stages(step_s: int) -> list[dict[str, Any]]:
    """The recording rules in documents, each of which reads nothing that it or a later one writes; at last the alerts.

    promtool looks at no alert, so an alert becomes the rule that records what it would have left: the series `ALERTS`.
    """
    every_s = RECORDED_EVERY * step_s
    recorded, alerts = _rules(every_s)
    found: list[list[dict[str, Any]]] = []
    while recorded:
        waiting = {rule["record"] for rule in recorded}
        ready = [rule for rule in recorded if not _reads(rule["expr"], waiting)]
        assert ready, f"rules read each other: {', '.join(sorted(waiting))}"
        found.append(ready)
        recorded = [rule for rule in recorded if rule not in ready]
    found.append(alerts)
    return [_document(each, every_s) for each in found]


def _reads(expr: str, names: set[str]) -> bool:
    return any(re.search(rf"(?<![\w:]){re.escape(name)}(?![\w:])", expr) for name in names)


def _rules(step_s: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    every = [rule for document in rules.documents().values() for group in document["groups"] for rule in group["rules"]]
    return [each for each in every if "record" in each], [_fired(each, step_s) for each in every if "alert" in each]


_FOR = re.compile(r"(\d+)([dhms])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def _fired(alert: dict[str, Any], step_s: int) -> dict[str, Any]:
    """What an alert would have left: 1 wherever its condition had held for as long as it must."""
    held_s = sum(int(count) * _SECONDS[unit] for count, unit in _FOR.findall(alert.get("for", "0s")))
    looks = held_s // step_s + 1
    holds = f"(({alert['expr']}) * 0 + 1)"
    if looks > 1:
        holds = f"count_over_time({holds}[{looks * step_s - 1}s:{step_s}s]) >= {looks}"
    labels = {**alert["labels"], "alertname": alert["alert"], "alertstate": "firing"}
    return {"record": "ALERTS", "expr": f"({holds}) * 0 + 1", "labels": labels}


def _document(found: list[dict[str, Any]], step_s: int) -> dict[str, Any]:
    return {"groups": [{"name": "past", "interval": f"{step_s}s", "rules": found}]}


def recordings(document: dict[str, Any], data: Path, url: str, start_s: int, end_s: int) -> None:
    """What a document's rules make of the samples that Prometheus has is now in the data folder.

    It sees it once it is started anew.   Raises: BackfillError.
    """
    path = data / "past.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    span = (f"--start={start_s}", f"--end={end_s}", f"--url={url}", "--output-dir=.")
    done = subprocess.run(  # noqa: S603 - our own arguments
        [*_promtool(), f"--max-block-duration={RECORDED_BLOCK_S // 3600}h", "rules", *span, path.name],
        cwd=data,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    path.unlink()
    if done.returncode or "err=" in done.stderr:
        raise BackfillError(f"promtool did not record the rules (status {done.returncode}): {done.stderr[-2000:]}")
