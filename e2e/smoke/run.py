"""A run: waves of checks, each check within its time and all within theirs, whatever the target does or does not do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Thread

from e2e.smoke.checks import WAVES, Check
from e2e.smoke.result import CheckResult, Report, now
from e2e.smoke.visit import Ask, NotApplicable, Options, Trouble, Visit, silent

GOODBYE_S = 5.0
"""So much of the time is kept for deleting what the run has made."""

GRACE_S = 0.5
"""So long after its time a check may still say by itself what it missed."""


@dataclass(slots=True)
class _Under:
    """A check that runs."""

    check: Check
    ask: Ask
    began_s: float
    thread: Thread | None = None
    said: list[CheckResult] = field(default_factory=list)


def run(
    options: Options,
    tell: Callable[[CheckResult], object] | None = None,
    *,
    waves: Sequence[Sequence[Check]] = WAVES,
    trace_url: str | None = None,
) -> Report:
    """The report of a run.

    tell: hears each result, in the order of the list, as soon as its wave has ended.
    trace_url: a template with {trace_id}.
    """
    visit, results = Visit(options), list[CheckResult]()
    started_at, began_s = now(), time.monotonic()
    ends_s = began_s + options.deadline_s
    *asking, last = waves
    try:
        for wave in asking:
            results += _wave(visit, wave, results, ends_s - GOODBYE_S, tell)
    finally:
        results += _wave(visit, last, results, time.monotonic() + GOODBYE_S, tell)
    return Report.of(
        results,
        target=options.target,
        started_at=started_at,
        duration_ms=_since_ms(began_s),
        mode=visit.status.mode if visit.status else None,
        version=visit.status.version if visit.status else None,
        trace_id=visit.trace_id,
        trace_url=trace_url and trace_url.replace("{trace_id}", visit.trace_id),
    )


def _wave(
    visit: Visit,
    wave: Sequence[Check],
    before: Sequence[CheckResult],
    ends_s: float,
    tell: Callable[[CheckResult], object] | None,
) -> list[CheckResult]:
    began = [_begin(visit, check, before, ends_s) for check in wave]
    ended = []
    for each in began:
        result = each if isinstance(each, CheckResult) else _end(visit, each)
        if tell is not None:
            tell(result)
        ended.append(result)
    return ended


def _begin(visit: Visit, check: Check, before: Sequence[CheckResult], ends_s: float) -> _Under | CheckResult:
    """The check, under way on a thread of its own; its result when it cannot begin."""
    passed = {each.name for each in before if each.result == "passed"}
    missing = [name for name in check.needs if name not in passed]
    now_s = time.monotonic()
    if missing:
        reason = _root(before, missing)
        return _result(visit, check, now_s, NotApplicable(reason), [])
    if now_s >= ends_s:
        reason = f"the run's {visit.options.deadline_s:.0f} s were used up before it began"
        return _result(visit, check, now_s, Trouble(reason, "see which check before it took so long"), [])
    under = _Under(check, Ask(visit, min(ends_s, now_s + check.timeout_s)), now_s)
    under.thread = Thread(target=_look, args=(visit, under), name=check.name, daemon=True)
    under.thread.start()
    return under


def _root(before: Sequence[CheckResult], missing: Sequence[str]) -> str:
    """Why a check cannot begin: what failed, not what could not begin either."""
    needed = next((each for each in before if each.name == missing[0]), None)
    if needed is not None and needed.result == "not_applicable":
        return needed.found
    return f"needs {missing[0]}, which did not pass"


def _look(visit: Visit, under: _Under) -> None:
    check, ask = under.check, under.ask
    found: str | Exception
    try:
        found = check.look(ask)
    except Exception as error:  # a defect of the check must not end the run, nor pass
        found = error
    under.said.append(_result(visit, check, under.began_s, found, ask.asked))


def _end(visit: Visit, under: _Under) -> CheckResult:
    assert under.thread is not None, "it was started"
    under.thread.join(under.ask.left_s() + GRACE_S)
    result = under.said[0] if under.said else _result(visit, under.check, under.began_s, silent(), under.ask.asked)
    under.ask.close()
    return result


def _result(visit: Visit, check: Check, began_s: float, found: str | Exception, asked: Sequence[str]) -> CheckResult:
    do = None
    match found:
        case NotApplicable():
            result = "not_applicable"
        case Trouble():
            result, do = "failed", found.do
        case Exception():
            result, do = "failed", "this is a defect of the smoke itself: report it with the command"
            found = f"{type(found).__name__}: {found}"
        case _:
            result = "passed"
    return CheckResult.model_validate(
        {
            "name": check.name,
            "about": check.about,
            "result": result,
            "duration_ms": round(_since_ms(began_s), 1),
            "asked": [visit.masked(each) for each in asked],
            "found": visit.masked(str(found)),
            "do": do and visit.masked(do),
        }
    )


def _since_ms(began_s: float) -> float:
    return (time.monotonic() - began_s) * 1000
