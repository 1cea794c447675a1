"""Fidelity and lateness: many streams at once, each frame's arrival against its cassette's schedule."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from e2e.bench.client import Timeline, stream
from e2e.bench.figures import Figure, percentile
from e2e.stack import ACCOUNT, USER, Stack
from mocks.cassette import Interaction, load_all
from mocks.state import HERE
from proxy.keypair import KeyPairSigner

START_SPREAD_S = 1.0
LATENESS_P99_MS = 5.0


@dataclass(frozen=True, slots=True)
class Played:
    """One stream as it was to be and as it came."""

    interaction: Interaction
    timeline: Timeline

    def upstream_frames(self) -> list[tuple[float, bytes]]:
        """The frames that are Snowflake's, not the proxy's own."""
        own = (b"event: proxy.", b": heartbeat", b'event: error\ndata: {"type":')
        return [(at_s, data) for at_s, data in self.timeline.frames if not data.startswith(own)]

    def is_identical(self) -> bool:
        """Whether frames and bytes are the cassette's."""
        return [data for _, data in self.upstream_frames()] == [frame.data for frame in self.interaction.frames]

    def lateness_ms(self) -> list[float]:
        """How far behind its schedule each frame arrived, counted from the moment the request was sent."""
        arrived = self.upstream_frames()
        return [
            (at_s - self.timeline.sent_s) * 1000 - frame.at_ms
            for (at_s, _), frame in zip(arrived, self.interaction.frames, strict=True)
        ]


def openings() -> list[Interaction]:
    """Recorded questions that need no earlier turn, of the stored agent."""
    return [
        each
        for tape in load_all(HERE / "cassettes")
        for each in tape.interactions
        if "/agents/" in each.request.path
        and each.request.match.last_user_text is not None
        and each.request.match.parent_message_id is None
    ]


async def through_mock(stack: Stack, streams: int) -> list[Played]:
    """That many streams straight from the mock."""
    signer = KeyPairSigner(ACCOUNT, USER, stack.log_dir / "rsa_key.p8")
    headers = {"Authorization": f"Bearer {signer.token()}"}

    async def play(interaction: Interaction) -> Played:
        text = interaction.request.match.last_user_text
        body = {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]}
        return Played(interaction, await stream(f"{stack.mock_url}{interaction.request.path}", headers, body))

    return await _spread([play(each) for each in _cycle(streams)])


async def through_proxy(stack: Stack, streams: int, session: tuple[str, str]) -> list[Played]:
    """The same through the proxy; `session` is a session id and its token."""
    session_id, token = session

    async def play(interaction: Interaction) -> Played:
        body = {"sessionId": session_id, "message": interaction.request.match.last_user_text}
        headers = {"Authorization": f"Bearer {token}"}
        return Played(interaction, await stream(f"{stack.proxy_url}/api/v1/chat", headers, body))

    return await _spread([play(each) for each in _cycle(streams)])


def figures(name: str, played: Sequence[Played], bar_ms: float | None) -> list[Figure]:
    """Identity, lateness and drift of a set of streams.

    Lateness counts from the request, so a late start makes the whole stream late; lag leaves the start out.
    """
    identical = [each.lateness_ms() for each in played if each.is_identical()]
    late = [ms for stream_ms in identical for ms in stream_ms]
    first = [stream_ms[0] for stream_ms in identical]
    lag = [ms - stream_ms[0] for stream_ms in identical for ms in stream_ms[1:]]
    drift = [_drift_ms(stream_ms) for stream_ms in identical]
    return [
        Figure(f"{name}: streams not identical to their cassette", len(played) - len(identical), "", 0),
        Figure(f"{name}: frames", len(late), ""),
        Figure(f"{name}: frame lateness p50", percentile(late, 0.50), "ms"),
        Figure(f"{name}: frame lateness p99", percentile(late, 0.99), "ms", bar_ms),
        Figure(f"{name}: frame lateness max", max(late), "ms"),
        Figure(f"{name}: first frame's lateness p50", percentile(first, 0.50), "ms"),
        Figure(f"{name}: first frame's lateness p99", percentile(first, 0.99), "ms"),
        Figure(f"{name}: lag behind the first frame p50", percentile(lag, 0.50), "ms"),
        Figure(f"{name}: lag behind the first frame p99", percentile(lag, 0.99), "ms"),
        Figure(f"{name}: drift, last tenth against first, p50", percentile(drift, 0.50), "ms"),
    ]


def _cycle(streams: int) -> list[Interaction]:
    known = openings()
    return [known[number % len(known)] for number in range(streams)]


async def _spread(plays: Sequence[Awaitable[Played]]) -> list[Played]:
    """Start them at random moments within a second, as people would, not in one burst."""
    moments = random.Random(7)  # noqa: S311 - a schedule, not a secret
    gc.collect()
    gc.freeze()  # or our own collections would be told as somebody's lateness

    async def later(play: Awaitable[Played], delay_s: float) -> Played:
        await asyncio.sleep(delay_s)
        return await play

    return list(await asyncio.gather(*(later(play, moments.uniform(0, START_SPREAD_S)) for play in plays)))


def _drift_ms(late_ms: Sequence[float]) -> float:
    tenth = max(1, len(late_ms) // 10)
    return sum(late_ms[-tenth:]) / tenth - sum(late_ms[:tenth]) / tenth
