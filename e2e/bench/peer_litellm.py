"""The proxy against LiteLLM's: `python -m e2e.bench.peer_litellm` in a clone, about a minute; it needs a package index.

Both get the same client, one worker, no database, and a stream of as many events of the same size, sent at once. Their
tasks differ: LiteLLM reads and writes anew OpenAI's form of a stream, ours passes Cortex's unchanged. LiteLLM lives in
a throw-away environment and is not among our dependencies.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from e2e.bench import source
from e2e.bench.client import Timeline, stream
from e2e.bench.figures import Figure, Figures, percentile, under
from e2e.bench.proxy import Ask, Server, bench
from e2e.bench.source import Plan
from e2e.stack import LOOPBACK, STOP_TIMEOUT_S, StackError, await_answer, free_port

REQUIREMENT = "litellm[proxy]==1.106.2"
"""When it is raised: never 1.82.7 or 1.82.8, which are not to be installed."""

CONFIG = """
model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "{base}", api_key: none}}
"""
START_TIMEOUT_S = 90.0

PLAN = Plan(events=100)
WARM_UP, ALONE, CROWD, AT_ONCE = 20, 100, 200, 8
RATIO_BAR = 3.0


@dataclass(frozen=True, slots=True)
class Contest:
    """How one server did: milliseconds of whole streams, one after the other; streams per CPU-second, many at once."""

    alone_ms: list[float]
    per_core_s: float


def measure() -> Figures:
    """Both contestants, each against its own straight way."""
    count = WARM_UP + ALONE + CROWD
    with bench({}) as stage:
        floor = asyncio.run(_contest(stage.straight(), None))
        ours = asyncio.run(_contest(stage.through(count), stage.server))
        key = f"sk-{secrets.token_hex(32)}"  # both check a credential
        with _litellm(stage.source_url, key) as (url, server):
            their_floor = asyncio.run(_contest(_asks_openai(stage.source_url, key), None))
            theirs = asyncio.run(_contest(_asks_openai(url, key), server))
    slower = RATIO_BAR * theirs.per_core_s / ours.per_core_s
    rows = [
        Figure("streams per CPU-second: proxy", ours.per_core_s, "1/s"),
        Figure("streams per CPU-second: LiteLLM", theirs.per_core_s, "1/s"),
        Figure(f"{RATIO_BAR:g} times LiteLLM's streams per CPU-second, as a share of the proxy's", slower, "", 1.0),
    ]
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        added = percentile(ours.alone_ms, share) - percentile(floor.alone_ms, share)
        their_added = percentile(theirs.alone_ms, share) - percentile(their_floor.alone_ms, share)
        rows.append(Figure(f"added to a whole stream, difference of the {name}s: LiteLLM", their_added, "ms"))
        rows.append(Figure(f"added to a whole stream, difference of the {name}s: proxy", added, "ms", their_added))
    about = (
        f"{REQUIREMENT}; {PLAN.events} events of {len(source.event(1, time.monotonic()))} bytes a stream, sent at once"
    )
    return Figures(about, tuple(under("Proxy against LiteLLM", rows)))


async def _contest(ask: Ask, server: Server | None) -> Contest:
    for _ in range(WARM_UP):
        await _whole(ask)
    alone_ms = [await _whole(ask) for _ in range(ALONE)]
    if server is None:
        return Contest(alone_ms, 0.0)
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            await _whole(ask)

    cpu_s = server.cpu_s()
    await asyncio.gather(*(one() for _ in range(CROWD)))
    return Contest(alone_ms, CROWD / (server.cpu_s() - cpu_s))


async def _whole(ask: Ask) -> float:
    """Milliseconds from the request to the last frame of a stream that came whole."""
    timeline = await stream(*ask(PLAN))
    assert _is_whole(timeline), f"status {timeline.status}, {len(timeline.frames)} frames: what was cut is not faster"
    return (timeline.frames[-1][0] - timeline.sent_s) * 1000


def _is_whole(timeline: Timeline) -> bool:
    return timeline.ended_cleanly and len(timeline.frames) >= PLAN.events


def _asks_openai(url: str, key: str) -> Ask:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": PLAN.question()}]}
    return lambda _plan: (f"{url}{source.OPENAI_PATH}", {"Authorization": f"Bearer {key}"}, body)


@contextlib.contextmanager
def _litellm(source_url: str, key: str) -> Iterator[tuple[str, Server]]:
    """LiteLLM's proxy in front of the source, in an environment of its own; its URL and its process."""
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as folder:
        home, uv, port = Path(folder), str(Path(sys.executable).with_name("uv")), free_port()
        python = home / "venv" / "bin" / "python"
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(home / "venv"))
        _run(uv, "pip", "install", "--quiet", "--python", str(python), REQUIREMENT)
        config = home / "config.yaml"
        config.write_text(CONFIG.format(base=f"{source_url}{source.OPENAI_BASE}"), encoding="utf-8")
        command = [str(python.with_name("litellm")), "--config", str(config), "--host", LOOPBACK, "--port", str(port)]
        told = {"LITELLM_MASTER_KEY": key, "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        with (home / "litellm.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - what was installed above
                [*command, "--num_workers", "1"],
                cwd=home,
                env={**os.environ, **told},
                stdout=log,
                stderr=log,
            )
        try:
            try:
                await_answer(f"http://{LOOPBACK}:{port}/health/liveliness", START_TIMEOUT_S)
            except StackError as error:
                words = (home / "litellm.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise StackError(f"LiteLLM did not start:\n{words}") from error
            yield f"http://{LOOPBACK}:{port}", Server(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - our own commands


if __name__ == "__main__":
    figures = measure()
    print(figures.as_text())  # noqa: T201
    sys.exit(0 if figures.all_reached else 1)
