"""From a client's leaving to the mock's noticing, through the proxy; both read the same monotonic clock."""

from __future__ import annotations

import asyncio
import secrets
import time

import requests

from e2e.bench.client import leave
from e2e.bench.figures import Figure, percentile
from e2e.stack import Stack

BAR_MS = 250.0
NOTICE_TIMEOUT_S = 10.0
QUESTION = "Net sales by region"


async def measure(stack: Stack, session: tuple[str, str], trials: int) -> list[Figure]:
    """Cancel times in mid-stream and before the first byte."""
    middle = [await _once(stack, session, scenario=None) for _ in range(trials)]
    before = [await _once(stack, session, scenario="slow_start") for _ in range(trials)]
    return [
        Figure("upstream closed after the client left, in mid-stream, p50", percentile(middle, 0.5), "ms"),
        Figure("upstream closed after the client left, in mid-stream, max", max(middle), "ms", BAR_MS),
        Figure("upstream closed after the client left, before the first byte, p50", percentile(before, 0.5), "ms"),
        Figure("upstream closed after the client left, before the first byte, max", max(before), "ms", BAR_MS),
    ]


async def _once(stack: Stack, session: tuple[str, str], scenario: str | None) -> float:
    """Milliseconds from closing our socket to the mock seeing its own closed."""
    session_id, token = session
    test_id = secrets.token_hex(8)
    baggage = f"mock.pace=1,test.id={test_id}" + (f",mock.scenario={scenario}" if scenario else "")
    headers = {"Authorization": f"Bearer {token}", "baggage": baggage}
    body = {"sessionId": session_id, "message": QUESTION}
    after = b"event: response.status" if scenario is None else None
    wait_s = NOTICE_TIMEOUT_S if after else 0.3
    left_s = await leave(f"{stack.proxy_url}/api/v1/chat", headers, body, after=after, wait_s=wait_s)
    return (await _noticed_s(stack, test_id) - left_s) * 1000


async def _noticed_s(stack: Stack, test_id: str) -> float:
    url = f"{stack.mock_url}/__mock/journal?outcome=client_gone"

    def ask() -> list[dict[str, float]]:
        entries: list[dict[str, float]] = requests.get(url, headers={"X-Test-Id": test_id}, timeout=5).json()
        return entries

    deadline_s = time.monotonic() + NOTICE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        await asyncio.sleep(0.05)
        if entries := await asyncio.to_thread(ask):
            return entries[0]["ended_mono_s"]
    raise TimeoutError(f"the mock never noticed that the client of test {test_id} had left")
