"""How often and how many at once: exact counts per endpoint and subject, and the RateLimit fields that tell of them.

RateLimiter             requests per window; every policy has two windows, `rate` and `burst`, decided together
Leases                  requests in progress
policy_field, state_field
                        draft-ietf-httpapi-ratelimit-headers-10, which may still change: its syntax is here only

Both counts are in memory for one process, in Redis for several. Every request is logged with its time, to the
microsecond, until its window has passed; counters of parts of a window would need less room and let through too many.
Whoever is refused uses nothing up. Subjects are hashed, so that whatever they contain makes a key of one length.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import redis
import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from contracts.api import ProblemType
from proxy.policies import Policy
from proxy.problems import ProblemError

log = structlog.get_logger(__name__)

PREFIX = "cortex-proxy"
MAX_FORGOTTEN = 1000
"""Idle subjects that one request clears away: more than it can add, and a fraction of a millisecond's work."""


@dataclass(frozen=True, slots=True)
class Quota:
    """One window of a policy, after the request that was decided."""

    name: str
    limit: int
    window_s: int
    remaining: int
    reset_s: int
    """Within this many seconds only `remaining` more are let through; then another one is. Rounded up, at least 1."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is within its limits."""

    allowed: bool
    quotas: tuple[Quota, ...]

    @property
    def used(self) -> float:
        """Share of the tightest window that is used by this request and those before it; above 1 when refused."""
        refused = 0 if self.allowed else 1
        return max((quota.limit - quota.remaining + refused) / quota.limit for quota in self.quotas)

    @property
    def violated(self) -> list[str]:
        """The names of the quotas that refuse it."""
        return [] if self.allowed else [quota.name for quota in self.quotas if quota.remaining == 0]

    @property
    def retry_after_s(self) -> int | None:
        """When refused, the wait after which the same subject's next request is let through."""
        return max((quota.reset_s for quota in self.quotas if quota.name in self.violated), default=None)


class RateLimiter(Protocol):
    """Counts requests."""

    def hit(self, name: str, policy: Policy, subject: str) -> Decision:
        """Count a request when every window of the policy has room for it.

        Raises: ProblemError when the count cannot be kept.
        """


class Leases(Protocol):
    """Counts requests in progress."""

    def take(self, name: str, subject: str, limit: int, lease_s: float) -> Callable[[], None]:
        """Occupy one of the subject's places; call the result to give it back, once or more often, from any thread.

        lease_s: after this long it is free again, should this process die.
        Raises: ProblemError when all places are taken, or the count cannot be kept.
        """


def _windows(name: str, policy: Policy) -> tuple[tuple[str, int, int], ...]:
    return (name, policy.rate, policy.window_s), (f"{name}-burst", policy.burst, policy.burst_s)


def _key(kind: str, name: str, subject: str) -> str:
    return f"{PREFIX}:{kind}:{name}:{hashlib.sha256(subject.encode()).hexdigest()}"


# --- rates in memory -----------------------------------------------------------------------------------------------


class _Log(MemoryStorage):
    """When each key was hit: the storage of `limits` for moving windows, made fit for many subjects.

    Its own scans all keys every 10 ms while there are hits (most of a core with 50,000), never drops the empty ones,
    knows only the wall clock, and refuses at the very end of a window what it has just counted as free. The caller
    locks.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.timer.cancel()
        self._clock, self._now = clock, 0.0
        self._logs: dict[int, OrderedDict[str, deque[float]]] = {}
        """By the length of the window, then by key, the one that was hit last at the end."""

    def advance(self) -> float:
        """Read the clock, which then stands still until the next call, and forget keys whose windows have passed."""
        # On a grid of 2**-20 s, sums and differences of times are exact: a wait computed from them is not too short.
        self._now = math.floor(self._clock() * 2**20) / 2**20
        for window_s, logs in self._logs.items():
            for _ in range(MAX_FORGOTTEN):
                key = next(iter(logs), None)
                if key is None or logs[key][-1] > self._now - window_s:
                    break
                del logs[key]
        return self._now

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Whether there was room, which is then used."""
        if self._in_window(key, expiry) + amount > limit:
            return False
        logs = self._logs.setdefault(expiry, OrderedDict())
        logs.setdefault(key, deque()).extend([self._now] * amount)
        logs.move_to_end(key)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - the library's
        """The time of the oldest hit in the window, now when there is none, and their number."""
        used = self._in_window(key, expiry)
        return (self._logs[expiry][key][0] if used else self._now), used

    def _in_window(self, key: str, window_s: int) -> int:
        times = self._logs[window_s].get(key) if window_s in self._logs else None
        if times is None:
            return 0
        while len(times) > 1 and times[0] <= self._now - window_s:
            times.popleft()
        return len(times) if times[-1] > self._now - window_s else 0


class MemoryRateLimiter:
    """For one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = _Log(clock)
        self._strategy = MovingWindowRateLimiter(self._log)
        self._lock = threading.Lock()

    def hit(self, name: str, policy: Policy, subject: str) -> Decision:
        """See `RateLimiter`; this count is always kept."""
        windows = [(quota, RateLimitItemPerSecond(limit, s, PREFIX)) for quota, limit, s in _windows(name, policy)]
        key = _key("rate", name, subject)
        with self._lock:
            now = self._log.advance()
            allowed = all(self._strategy.test(item, quota, key) for quota, item in windows)
            if allowed:
                for quota, item in windows:
                    self._strategy.hit(item, quota, key)
            return Decision(allowed, tuple(self._quota(quota, item, key, now) for quota, item in windows))

    def _quota(self, quota: str, item: RateLimitItem, key: str, now: float) -> Quota:
        stats = self._strategy.get_window_stats(item, quota, key)
        return Quota(quota, item.amount, item.get_expiry(), stats.remaining, math.ceil(stats.reset_time - now))


# --- rates in Redis ------------------------------------------------------------------------------------------------

_NOW = """
local function exact(number) return string.format('%.0f', number) end  -- otherwise Lua writes 14 digits, too few
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
"""

_HIT = f"""{_NOW}
-- KEYS: the log, scored by time in microseconds.   ARGV: the new entry, then limit and microseconds of each window
local longest = 0
for i = 2, #ARGV, 2 do longest = math.max(longest, tonumber(ARGV[i + 1])) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', exact(now - longest))

local function used(window) return redis.call('ZCOUNT', KEYS[1], '(' .. exact(now - window), '+inf') end

local allowed = 1
for i = 2, #ARGV, 2 do
  if used(ARGV[i + 1]) >= tonumber(ARGV[i]) then allowed = 0 end
end
if allowed == 1 then
  redis.call('ZADD', KEYS[1], exact(now), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], exact(longest / 1000))
end

local answer = {{allowed}}
for i = 2, #ARGV, 2 do
  local limit, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local count, start = used(window), now
  if count > 0 then  -- a limit that was lowered meanwhile is exceeded: then more than the oldest must leave
    local rank = math.min(count, limit) - 1
    start = redis.call('ZREVRANGE', KEYS[1], rank, rank, 'WITHSCORES')[2]
  end
  table.insert(answer, count)
  table.insert(answer, start + window - now)
end
return answer
"""


class RedisRateLimiter:
    """For all processes that share the Redis, by its clock.

    A script of our own, since `limits` cannot be exact here: its windows are two commands, between which others ask and
    after which a refused request would have to be taken back; and its times are those of each process's own clock.
    """

    def __init__(self, client: redis.Redis, on_use: OnUse = lambda _works: None) -> None:
        self._hit, self._on_use = client.register_script(_HIT), on_use

    def hit(self, name: str, policy: Policy, subject: str) -> Decision:
        """See `RateLimiter`."""
        windows = _windows(name, policy)
        numbers = [number for _, limit, window_s in windows for number in (limit, window_s * 1_000_000)]
        with _counting(self._on_use):
            allowed, *counts = self._hit([_key("rate", name, subject)], [secrets.token_hex(8), *numbers])
        quotas = [
            Quota(quota, limit, window_s, max(0, limit - used), math.ceil(wait_us / 1_000_000))
            for (quota, limit, window_s), used, wait_us in zip(windows, counts[::2], counts[1::2], strict=True)
        ]
        return Decision(bool(allowed), tuple(quotas))


OnUse = Callable[[bool], None]
"""Told after each use whether the store worked."""


@contextlib.contextmanager
def _counting(on_use: OnUse) -> Iterator[None]:
    try:
        yield
        on_use(True)
    except redis.RedisError as error:
        on_use(False)
        # Refused rather than let through: an exact limit that is not counted is none.
        log.warning("store unavailable", error=type(error).__name__)
        detail = "The store in which requests are counted does not answer; nothing was done. Try again."
        raise ProblemError(ProblemType.STORE_UNAVAILABLE, detail, retry_after_s=1) from error


# --- requests in progress ------------------------------------------------------------------------------------------


def _too_many(name: str, limit: int) -> ProblemError:
    kind = ProblemType.TOO_MANY_STREAMS if name == "chat" else ProblemType.TOO_MANY_AT_ONCE
    detail = f"{name}: {limit} requests at once are allowed, and all are in progress; wait for one or end it."
    return ProblemError(kind, detail, retry_after_s=1, violated_policies=[f"{name}-at-once"])


def _once(act: Callable[[], None]) -> Callable[[], None]:
    first = threading.Lock()

    def act_once() -> None:
        if first.acquire(blocking=False):
            act()

    return act_once


class MemoryLeases:
    """For one process. They need not run out: what takes them dies with them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}

    def take(self, name: str, subject: str, limit: int, lease_s: float) -> Callable[[], None]:  # noqa: ARG002 - above
        """See `Leases`; this count is always kept."""
        key = _key("lease", name, subject)
        with self._lock:
            taken = self._taken.get(key, 0)
            if taken >= limit:
                raise _too_many(name, limit)
            self._taken[key] = taken + 1
        return _once(lambda: self._give_back(key))

    def _give_back(self, key: str) -> None:
        with self._lock:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


_TAKE = f"""{_NOW}
-- KEYS: the leases, scored by their end in microseconds.   ARGV: the new lease, its microseconds, the limit
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', exact(now))
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], exact(now + ARGV[2]), ARGV[1])
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
redis.call('PEXPIREAT', KEYS[1], exact(math.ceil(last / 1000)))
return 1
"""


class RedisLeases:
    """For all processes that share the Redis, by its clock."""

    def __init__(self, client: redis.Redis, on_use: OnUse = lambda _works: None) -> None:
        self._client, self._take, self._on_use = client, client.register_script(_TAKE), on_use
        self._owed: deque[tuple[str, str]] = deque()
        """Leases that Redis could not be told of; without telling it later they would count until they run out."""

    def take(self, name: str, subject: str, limit: int, lease_s: float) -> Callable[[], None]:
        """See `Leases`. Giving back never raises: what Redis does not hear now, it hears before the next lease."""
        key, lease = _key("lease", name, subject), secrets.token_hex(8)
        with _counting(self._on_use):
            self._settle()
            try:
                taken = self._take([key], [lease, math.ceil(lease_s * 1_000_000), limit])
            except redis.RedisError:
                self._owed.append((key, lease))  # it may have been taken, and only the answer is lost
                raise
        if not taken:
            raise _too_many(name, limit)
        return _once(lambda: self._give_back(key, lease))

    def _give_back(self, key: str, lease: str) -> None:
        self._owed.append((key, lease))
        try:
            self._settle()
        except redis.RedisError as error:
            log.warning("lease not given back yet", error=type(error).__name__)

    def _settle(self) -> None:
        while self._owed:
            try:
                key, lease = self._owed.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                self._client.zrem(key, lease)
            except redis.RedisError:
                self._owed.append((key, lease))
                raise


# --- the fields ----------------------------------------------------------------------------------------------------


def policy_field(name: str, policy: Policy) -> str:
    """The value of RateLimit-Policy: every quota of the endpoint."""
    windows = [f'"{quota}";q={limit};w={window_s}' for quota, limit, window_s in _windows(name, policy)]
    return ", ".join([*windows, f'"{name}-at-once";q={policy.at_once};qu="concurrent-requests"'])


def state_field(decision: Decision, retry_after_s: int | None = None) -> str:
    """The value of RateLimit: what is left of each quota; empty when nothing is to be said.

    retry_after_s: of the same response. It should not be earlier than any reset beside it, so quotas that the client
    does not wait for are left out.
    """
    told = [quota for quota in decision.quotas if retry_after_s is None or quota.reset_s <= retry_after_s]
    return ", ".join(f'"{quota.name}";r={quota.remaining};t={quota.reset_s}' for quota in told)
