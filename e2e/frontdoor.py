"""The proxy's front door, recorded: every story, every scenario and the proxy's own answers, as a client sees them.

Each is asked through the real proxy with the mock behind it, at the recorded pace, many at a time. How far what arrived
was behind the plan is measured and told.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

from e2e.hearing import Floor, FrontDoorError
from e2e.repertoire import (
    REFUSALS,
    RUN_PATH,
    Lane,
    chats,
    is_refused,
    plain,
    refusal,
    stories_alone,
    stories_in_thread,
    times_of,
    tools,
)
from e2e.stack import running
from mocks import export
from mocks.cassette import Cassette
from mocks.cassette import load_all as load_cassettes
from mocks.export import Exchange, Recording
from mocks.scenario import Scenario
from mocks.scenario import load_all as load_scenarios
from mocks.state import HERE

AT_ONCE = 24
"""How many streams run at a time."""

LANES = 2
"""How many proxies are worn out by failures, beside the one that is not."""

ENVIRONMENT = {
    **{f"CORTEX_PROXY_POLICIES__TOKEN__{cell}": "100000" for cell in ("RATE", "BURST", "AT_ONCE")},
    "CORTEX_PROXY_HEARTBEAT_S": "86400",
}
"""Many sessions come from one address. Heartbeats depend on the pace that is played, so the player adds its own."""

_PLAYED = "Documented stand-in: played by the mock through the real proxy."
PROVENANCE = {
    "documented": f"{_PLAYED} Its answers are written from public material: nothing was recorded from Snowflake.",
    "emulated": f"{_PLAYED} Its answers are made by rule: nothing was recorded from Snowflake.",
    "recorded": f"{_PLAYED} Its answers were recorded from an account, and anonymised.",
}


# --- all of it


@dataclass(frozen=True, slots=True)
class Recorded:
    """Every recording, and how far what arrived was behind the plan, in milliseconds, each frame.

    left_out: cassettes whose answers another agent gave, or no agent.
    """

    recordings: tuple[Recording, ...]
    late_ms: tuple[float, ...]
    left_out: tuple[str, ...] = ()

    def lateness(self) -> str:
        """In words."""
        if not self.late_ms:
            return "no frames"
        ordered = sorted(self.late_ms)
        p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
        return f"{len(ordered)} frames arrived {p50:.1f} ms behind the plan at p50, {p99:.1f} ms at p99"


def record(
    cassettes: Path | None = None,
    scenarios: Path | None = None,
    say: Callable[[str], object] = lambda _line: None,
    *,
    pace: float = 1.0,
) -> Recorded:
    """Play and record everything; the shipped cassettes and scenarios when no folders are named. Takes about a minute.

    pace: another than 1 is quicker, and good for bytes only.
    Raises: FrontDoorError, StackError, CassetteError, ScenarioFormatError.
    """
    every = load_cassettes(cassettes or HERE / "cassettes")
    tapes = [each for each in every if _is_asked(each)]
    if not tapes:
        raise FrontDoorError(f"no cassette answers {RUN_PATH}, which is what the proxy runs")
    known = load_scenarios(scenarios or HERE / "scenarios", every)
    folders = {"--cassettes": cassettes, "--scenarios": scenarios}
    given = [text for name, folder in folders.items() if folder is not None for text in (name, str(folder))]
    with ExitStack() as started:
        stacks = [
            started.enter_context(running(pace=1.0, strict=True, mock_arguments=given, proxy_environment=ENVIRONMENT))
            for _ in range(1 + LANES)
        ]
        floor, *apart = (Floor(each, pace) for each in stacks)
        recordings = tuple(_all(floor, apart, tapes, list(known.values()), say))
    left_out = tuple(each.name for each in every if each not in tapes)
    return Recorded(recordings, tuple(floor.late_ms), left_out)


def _is_asked(tape: Cassette) -> bool:
    return tape.interactions[0].request.path == RUN_PATH


Job = tuple[Recording, list[Future[list[Exchange]]]]
"""A recording, and the exchanges that it will have."""


def _all(
    floor: Floor,
    apart: Sequence[Floor],
    tapes: Sequence[Cassette],
    scenarios: Sequence[Scenario],
    say: Callable[[str], object],
) -> Iterator[Recording]:
    """The recordings, each when it is done."""
    usual = sorted(tapes, key=lambda tape: tape.name != "agents/net_sales_by_region")
    says = PROVENANCE[max((tape.header.provenance for tape in tapes), key=list(PROVENANCE).index)]
    yield Recording("proxy", "plain", "sessions, history, reports and health", says, tuple(plain(floor)))
    with ExitStack() as stopping:
        pool, *one_by_one = ThreadPoolExecutor(AT_ONCE), *(ThreadPoolExecutor(1) for _ in apart)
        for each in (pool, *one_by_one):
            stopping.callback(each.shutdown, wait=True, cancel_futures=True)
        jobs: list[Job] = []
        lanes = cycle(zip(one_by_one, [Lane() for _ in apart], apart, strict=True))
        # What takes longest begins first.
        for scenario in sorted(scenarios, key=times_of, reverse=True):
            if is_refused(scenario):
                queue, lane, own = next(lanes)
                futures = [queue.submit(lane.alone, own, scenario, usual)]
            else:
                futures = [pool.submit(chats, floor, scenario, usual, thread) for thread in ("none", "new")]
            jobs.append((Recording("scenario", scenario.scenario, scenario.about, says, ()), futures))
        for tape in sorted(usual, key=lambda tape: -tape.interactions[0].frames[-1].at_ms):
            recording = Recording("story", tape.name, tape.header.about, PROVENANCE[tape.header.provenance], ())
            jobs.append((recording, [pool.submit(each, floor, tape) for each in (stories_alone, stories_in_thread)]))
        jobs.append((Recording("proxy", "tools", "what the tools answer", says, ()), [pool.submit(tools, floor)]))
        for refused in REFUSALS:
            about = f"the proxy refuses by itself: {refused.problem}"
            recording = Recording("problem", f"problem/{refused.problem}", about, says, ())
            jobs.append((recording, [pool.submit(refusal, floor, refused)]))
        for done, (recording, futures) in enumerate(jobs, start=1):
            yield replace(recording, exchanges=tuple(each for future in futures for each in future.result()))
            say(f"{done} of {len(jobs)}: {recording.name}")


def run(
    kind: export.Target,
    *,
    out: Path | None,
    check: bool,
    cassettes: Path | None,
    scenarios: Path | None,
    say: Callable[[str], object],
) -> int:
    """Record, and write or check the package; exit code 0, or 4 when `check` finds it stale.

    Raises: as `record`; export.ExportError.
    """
    if out is None and (cassettes is not None or scenarios is not None):
        raise export.ExportError("what is here plays the shipped cassettes; name a folder of your own with --out")
    recorded = record(cassettes, scenarios)
    say(f"{len(recorded.recordings)} recordings; {recorded.lateness()}")
    if recorded.left_out:
        say(f"left out, since the proxy runs another agent: {', '.join(recorded.left_out)}")
    return export.run(kind, recorded.recordings, out=out, check=check, say=say)
