"""The command: files in, faults out, by file and in words, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from dashboards.check import files, live
from dashboards.check import promtool as prometheus_tool
from dashboards.check.model import Fault
from dashboards.check.rules import RULES, excluded, found_in

OK, FAULTS, USAGE = 0, 1, 2


def run(
    paths: Iterable[Path],
    *,
    prometheus: str | None = None,
    promtool: bool = True,
    as_json: bool = False,
    say: Callable[[str], None] = print,
) -> int:
    """The exit code: 0 without a fault, 1 with some, 2 when something could not be checked at all.

    paths: files and folders; with none, our own.   prometheus: the address of one to ask, besides.
    promtool: whether to have it check rule files and run their tests.
    """
    loaded = files.load(paths)
    found, errors = list[Fault](), list(loaded.errors)
    try:
        if prometheus:
            loaded.documents = replace(loaded.documents, elsewhere=live.names(prometheus))
            found += live.faults(loaded.documents, prometheus)
        if promtool:
            found += prometheus_tool.faults(loaded.rule_files, loaded.rule_tests)
    except (prometheus_tool.Missing, live.Unreachable) as error:
        errors.append(str(error))
    found += [*found_in(loaded.documents), *_in_runbooks(loaded)]
    faults = excluded(found, loaded.documents)
    say(_json(loaded, faults, errors) if as_json else _text(loaded, faults, errors, promtool))
    return USAGE if errors else FAULTS if faults else OK


def _in_runbooks(loaded: files.Loaded) -> list[Fault]:
    """What is wrong with our own pages, when they are among the files."""
    if not any(Path(page).resolve().parent == files.OURS / "runbooks" for page in loaded.documents.runbooks):
        return []
    from dashboards import runbook_lint  # noqa: PLC0415 - it reads with this package's parsers

    return runbook_lint.faults()


def _json(loaded: files.Loaded, faults: list[Fault], errors: list[str]) -> str:
    rows = [{"rule": f.rule, "file": f.file, "place": f.place, "found": f.found, "todo": f.todo} for f in faults]
    about = {"files": loaded.files, "rules": len(RULES), "passed_over": loaded.passed_over}
    return json.dumps({**about, "errors": errors, "faults": rows}, indent=1, ensure_ascii=False)


def _text(loaded: files.Loaded, faults: list[Fault], errors: list[str], promtool: bool) -> str:
    lines = list[str]()
    for file, those in groupby(faults, key=lambda each: each.file):
        lines += [file, *(_line(each) for each in those), ""]
    lines += [f"cannot check: {each}" for each in errors]
    how = "" if promtool else ", without promtool"
    lines.append(
        f"{len(faults) or 'no'} fault{'s' * (len(faults) != 1)} in {loaded.files} files, by {len(RULES)} rules{how}"
    )
    return "\n".join(lines)


def _line(fault: Fault) -> str:
    place = f"{fault.place}: " if fault.place else ""
    return f"  {place}{fault.found}; {fault.todo} [{fault.rule}]"
