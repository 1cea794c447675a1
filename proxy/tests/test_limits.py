"""Limits count exactly: in memory and in Redis, over threads, processes, moved clocks, restarts and crashes."""

from __future__ import annotations

import contextlib
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from contracts.api import ProblemType
from proxy.limits import (
    Decision,
    Leases,
    MemoryLeases,
    MemoryRateLimiter,
    Quota,
    RateLimiter,
    RedisLeases,
    RedisRateLimiter,
    policy_field,
    state_field,
)
from proxy.policies import Policies, Policy
from proxy.problems import ProblemError
from proxy.redis_client import connect
from proxy.tests.redis_server import RedisServer, redis_server
from proxy.tests.upstream import DEADLINE_S, until


def policy(rate: int = 3, window_s: int = 10, burst: int = 2, burst_s: int = 1) -> Policy:
    """Three in ten seconds, two in one."""
    return Policy(rate=rate, window_s=window_s, burst=burst, burst_s=burst_s, at_once=4)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis for the tests that leave it running."""
    with redis_server() as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """A client of the empty server."""
    with contextlib.closing(connect(server.url)) as made:
        made.flushall()
        yield made


class Rates(Protocol):
    """A limiter whose clock can be moved."""

    limiter: RateLimiter

    def wait(self, seconds: float) -> None:
        """Time passes."""


class InMemory:
    """The clock stands still in between."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.limiter: RateLimiter = MemoryRateLimiter(lambda: self.now)

    def wait(self, seconds: float) -> None:
        """The clock jumps."""
        self.now += seconds


def keys(client: redis.Redis) -> list[bytes]:
    """All that Redis holds."""
    found: Any = client.keys()
    return list(found)


def entries(client: redis.Redis, key: str | bytes) -> list[tuple[bytes, float]]:
    """What is counted under a key, and its time in microseconds."""
    pairs: Any = client.zrange(key, 0, -1, withscores=True)
    return list(pairs)


MOVE = """
for _, key in ipairs(KEYS) do
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, ARGV[1], member) end
end
"""


class InRedis:
    """Redis's clock runs and cannot be moved; what is logged is moved into the past instead."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.limiter: RateLimiter = RedisRateLimiter(client)
        self.waited_us = 0
        self._move = client.register_script(MOVE)

    def wait(self, seconds: float) -> None:
        """Everything was longer ago."""
        moved_us = round(seconds * 1_000_000)
        self.waited_us += moved_us
        self._move(keys(self._client), [-moved_us])

    def logged(self) -> list[float]:
        """When the requests that still count were let through, as if the clock had been moved."""
        pairs = [pair for key in keys(self._client) for pair in entries(self._client, key)]
        return [score + self.waited_us for _, score in pairs]


@pytest.fixture(params=["memory", "redis"])
def rates(request: pytest.FixtureRequest) -> Rates:
    """Both limiters in turn."""
    return InMemory() if request.param == "memory" else InRedis(request.getfixturevalue("client"))


@pytest.fixture(params=["memory", "redis"])
def leases(request: pytest.FixtureRequest) -> Leases:
    """Both kinds of leases in turn."""
    return MemoryLeases() if request.param == "memory" else RedisLeases(request.getfixturevalue("client"))


# --- one decision --------------------------------------------------------------------------------------------------


def test_a_decision_tells_both_windows(rates: Rates) -> None:
    """Each window tells what is left, and when the next place in it becomes free."""
    decision = rates.limiter.hit("chat", policy(), "a")
    assert decision == Decision(True, (Quota("chat", 3, 10, 2, 10), Quota("chat-burst", 2, 1, 1, 1)))
    assert (decision.violated, decision.retry_after_s) == ([], None)


def test_a_decision_tells_how_much_is_used(rates: Rates) -> None:
    """Of the tightest window, this request included; whoever is refused would have been beyond it."""
    used = [rates.limiter.hit("chat", policy(), "a").used for _ in range(4)]
    assert used == [pytest.approx(1 / 2), 1, pytest.approx(3 / 2), pytest.approx(3 / 2)]
    rates.wait(2)
    assert rates.limiter.hit("chat", policy(), "a").used == 1, "the third of ten seconds, the first of this one"
    assert rates.limiter.hit("chat", policy(), "a").used == pytest.approx(4 / 3)


def test_a_full_burst_refuses(rates: Rates) -> None:
    """The third request within a second is refused for the burst, and the wait is the burst's."""
    rates.limiter.hit("chat", policy(), "a")
    rates.limiter.hit("chat", policy(), "a")
    refused = rates.limiter.hit("chat", policy(), "a")
    assert (refused.allowed, refused.violated, refused.retry_after_s) == (False, ["chat-burst"], 1)
    assert [quota.remaining for quota in refused.quotas] == [1, 0]


def test_a_full_window_refuses(rates: Rates) -> None:
    """A request beyond the rate is refused until the oldest one leaves the window."""
    for _ in range(3):
        rates.limiter.hit("chat", policy(), "a")
        rates.wait(2)
    refused = rates.limiter.hit("chat", policy(), "a")
    assert (refused.allowed, refused.violated, refused.retry_after_s) == (False, ["chat"], 4)


def test_both_windows_can_refuse(rates: Rates) -> None:
    """When both windows are full, both are named, and the wait is the longer one."""
    for _ in range(2):
        rates.limiter.hit("chat", policy(rate=2), "a")
    refused = rates.limiter.hit("chat", policy(rate=2), "a")
    assert (refused.violated, refused.retry_after_s) == (["chat", "chat-burst"], 10)


def test_equal_windows_are_counted_once_each(rates: Rates) -> None:
    """A burst that equals the rate takes nothing from it."""
    same = policy(rate=2, window_s=1, burst=2, burst_s=1)
    assert [rates.limiter.hit("chat", same, "a").allowed for _ in range(3)] == [True, True, False]


def test_a_refused_request_uses_nothing_up(rates: Rates) -> None:
    """However often one asks in vain, the answer stays, and a place becomes free as if nobody had asked."""
    wide = policy(rate=5, burst=2)
    rates.limiter.hit("chat", wide, "a")
    rates.limiter.hit("chat", wide, "a")
    refusals = {rates.limiter.hit("chat", wide, "a") for _ in range(20)}
    assert {(refusal.allowed, refusal.quotas[0].remaining) for refusal in refusals} == {(False, 3)}
    rates.wait(1)
    assert rates.limiter.hit("chat", wide, "a").quotas[0].remaining == 2


def test_subjects_and_endpoints_are_counted_apart(rates: Rates) -> None:
    """Neither another user nor another endpoint uses up what is mine."""
    one = policy(rate=1, burst=1)
    asked = [("chat", "a"), ("chat", "b"), ("history", "a"), ("chat", "a:b"), ("chat", "ä\n{b}")]
    assert [rates.limiter.hit(name, one, subject).allowed for name, subject in asked] == [True] * 5
    assert [rates.limiter.hit(name, one, subject).allowed for name, subject in asked] == [False] * 5


# --- over time -----------------------------------------------------------------------------------------------------


def seeded(seed: int) -> random.Random:
    """The same chance in every run."""
    return random.Random(seed)  # noqa: S311 - no secret


def most_in_a_window(times: list[float], window: float) -> int:
    """The largest number of these times that any window of the length holds; its end is not part of it."""
    return max((sum(start <= at < start + window for at in times) for start in times), default=0)


policies = st.builds(policy, st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(1, 5))
TICK_S = 2**-20
"""What the limiter's clock can tell apart."""
gaps = st.lists(st.one_of(st.integers(0, 12).map(lambda n: n / 4), st.integers(0, 3 * 2**20).map(lambda n: n * TICK_S)))


@given(policies, gaps)
def test_exactly_what_fits_is_let_through(limits: Policy, waits: list[float]) -> None:
    """A request is let through if and only if both windows before it have room; so no window ever holds too many."""
    rates, admitted = InMemory(), list[float]()
    for wait in waits:
        rates.wait(wait)
        counted = [at for at in admitted if at > rates.now - limits.window_s]
        burst = [at for at in admitted if at > rates.now - limits.burst_s]
        decision = rates.limiter.hit("chat", limits, "a")
        assert decision.allowed == (len(counted) < limits.rate and len(burst) < limits.burst)
        left = [limits.rate - len(counted) - decision.allowed, limits.burst - len(burst) - decision.allowed]
        assert [quota.remaining for quota in decision.quotas] == left
        admitted += [rates.now] * decision.allowed
    assert most_in_a_window(admitted, limits.window_s) <= limits.rate
    assert most_in_a_window(admitted, limits.burst_s) <= limits.burst


def test_redis_never_lets_too_many_through(client: redis.Redis) -> None:
    """By Redis's own times no window holds more than its limit, and what is refused is not logged."""
    rates, chance, admitted = InRedis(client), seeded(7), list[float]()
    limits = policy(rate=6, window_s=4, burst=3, burst_s=1)
    decisions = []
    for _ in range(150):
        before = rates.logged()
        decisions.append(rates.limiter.hit("chat", limits, "a").allowed)
        new = set(rates.logged()) - set(before)
        assert len(new) == decisions[-1]
        admitted += new
        rates.wait(chance.choice([0, 0, 0.1, 0.25, 0.5, 1.5]))
    assert set(decisions) == {True, False}
    assert most_in_a_window(admitted, limits.window_s * 1e6) <= limits.rate
    assert most_in_a_window(admitted, limits.burst_s * 1e6) <= limits.burst


def test_waiting_as_told_succeeds_100_of_100(rates: Rates) -> None:
    """Whatever came before, waiting exactly as long as told is enough, every time."""
    chance, kept = seeded(42), 0
    for history in range(100):
        limits = policy(chance.randint(1, 6), chance.randint(1, 60), chance.randint(1, 4), chance.randint(1, 5))
        while (refused := rates.limiter.hit("chat", limits, f"user-{history}")).allowed:
            rates.wait(chance.choice([0, 0, 0.1, 1 / 3, 0.999999, 1]))
        assert refused.retry_after_s is not None
        assert refused.retry_after_s >= 1
        rates.wait(refused.retry_after_s)
        kept += rates.limiter.hit("chat", limits, f"user-{history}").allowed
    assert kept == 100


def test_the_wait_is_not_a_second_too_long() -> None:
    """A second before the time told, one is still refused."""
    chance, kept = seeded(43), 0
    for history in range(100):
        rates = InMemory()
        rates.wait(chance.random())
        limits = policy(chance.randint(1, 6), chance.randint(2, 60), chance.randint(1, 4), chance.randint(1, 5))
        while (refused := rates.limiter.hit("chat", limits, f"user-{history}")).allowed:
            rates.wait(chance.choice([0, 0.1, 1 / 3, 1]))
        rates.wait((refused.retry_after_s or 0) - 1)
        kept += rates.limiter.hit("chat", limits, f"user-{history}").retry_after_s == 1
    assert kept == 100


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_waiting_as_told_succeeds_in_real_time(kind: str, client: redis.Redis) -> None:
    """At the clocks that production uses, waiting exactly as long as told is enough, too."""
    limiter: RateLimiter = MemoryRateLimiter() if kind == "memory" else RedisRateLimiter(client)
    limits = policy(rate=2, window_s=1)
    while (refused := limiter.hit("chat", limits, "a")).allowed:
        pass
    assert refused.retry_after_s == 1
    time.sleep(refused.retry_after_s)
    assert limiter.hit("chat", limits, "a").allowed


def test_a_lowered_limit_tells_the_longer_wait(client: redis.Redis) -> None:
    """When a limit is lowered over what is already counted, the wait is until enough of it has passed."""
    rates = InRedis(client)
    for _ in range(5):
        rates.limiter.hit("chat", policy(rate=5, burst=5), "a")
        rates.wait(1)
    refused = rates.limiter.hit("chat", policy(rate=2, burst=5), "a")
    assert (refused.quotas[0].remaining, refused.retry_after_s) == (0, 8)
    rates.wait(8)
    assert rates.limiter.hit("chat", policy(rate=2, burst=5), "a").allowed


# --- side by side --------------------------------------------------------------------------------------------------


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads started now give way to others after every line of the limits: what needs a lock and has none shows."""

    def give_way(frame: FrameType, event: str, _: object) -> Any:
        if event == "call":
            return give_way if frame.f_globals["__name__"] == MemoryRateLimiter.__module__ else None
        time.sleep(0)
        return give_way

    before: Any = threading.gettrace()
    threading.settrace(give_way)
    yield
    threading.settrace(before)


def race(act: Callable[[], bool], threads: int = 32) -> int:
    """How many of so many threads, all let go at once, succeed."""
    barrier = threading.Barrier(threads)

    def run() -> bool:
        barrier.wait(DEADLINE_S)
        return act()

    with ThreadPoolExecutor(threads) as pool:
        return sum(future.result() for future in [pool.submit(run) for _ in range(threads)])


@pytest.mark.usefixtures("restless")
def test_racing_threads_get_exactly_the_rate(rates: Rates) -> None:
    """Of 32 threads that ask at once, exactly as many get through as the limit says."""
    row = policy(rate=10, window_s=3600, burst=1000)
    assert race(lambda: rates.limiter.hit("chat", row, "a").allowed) == 10


@pytest.mark.usefixtures("restless")
def test_racing_threads_get_exactly_the_places(leases: Leases) -> None:
    """Of 32 threads that want a place at once, exactly as many get one as there are."""
    assert race(lambda: taken(leases, limit=10) is not None) == 10


ASK = """
import sys
from pydantic import SecretStr
from proxy.limits import RedisLeases, RedisRateLimiter
from proxy.policies import Policy
from proxy.problems import ProblemError
from proxy.redis_client import connect

def place():
    try:
        leases.take("chat", "a", 50, 3600)
    except ProblemError:
        return False
    return True

client = connect(SecretStr(sys.argv[1]))
rates, leases = RedisRateLimiter(client), RedisLeases(client)
policy = Policy(rate=50, window_s=3600, burst=1000, at_once=1)
ask = place if sys.argv[2] == "leases" else lambda: rates.hit("chat", policy, "a").allowed
print("ready", flush=True)
sys.stdin.readline()
print(sum(ask() for _ in range(100)), flush=True)
sys.stdin.readline()
"""


@dataclass(slots=True)
class Process:
    """A process of its own that asks a hundred times."""

    url: str
    wanted: str
    popen: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Process:
        command = [sys.executable, "-c", ASK, self.url, self.wanted]
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.communicate()

    def line(self) -> str:
        """The next line that it prints."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def go(self) -> None:
        """Let it continue."""
        assert self.popen.stdin is not None
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()


@pytest.mark.parametrize("wanted", ["rates", "leases"])
def test_two_processes_share_one_limit(wanted: str, server: RedisServer, client: redis.Redis) -> None:
    """Two processes that ask at the same time get exactly one limit between them."""
    url = server.url.get_secret_value()
    with Process(url, wanted) as one, Process(url, wanted) as two:
        assert (one.line(), two.line()) == ("ready", "ready")
        one.go()
        two.go()
        assert int(one.line()) + int(two.line()) == 50


# --- leases --------------------------------------------------------------------------------------------------------


def taken(leases: Leases, limit: int = 1, subject: str = "a", lease_s: float = 3600) -> Callable[[], None] | None:
    """What gives the place back, None when it is refused."""
    try:
        return leases.take("tool_sql", subject, limit, lease_s)
    except ProblemError:
        return None


@pytest.mark.parametrize(
    ("name", "kind"), [("chat", ProblemType.TOO_MANY_STREAMS), ("tool_sql", ProblemType.TOO_MANY_AT_ONCE)]
)
def test_taken_places_are_a_problem(leases: Leases, name: str, kind: ProblemType) -> None:
    """The refusal says which quota is used up, and when asking again makes sense."""
    leases.take(name, "a", 1, 3600)
    with pytest.raises(ProblemError, match=f"{name}: 1 requests at once are allowed") as caught:
        leases.take(name, "a", 1, 3600)
    refused = caught.value
    assert (refused.kind, refused.retry_after_s, refused.violated_policies) == (kind, 1, [f"{name}-at-once"])


def test_a_place_given_back_is_free_once(leases: Leases) -> None:
    """Giving back frees one place, however often it is called; others' places stay theirs."""
    release = taken(leases, limit=2)
    assert release is not None
    assert taken(leases, limit=2) is not None
    assert taken(leases, limit=2) is None
    for _ in range(3):
        release()
    assert taken(leases, limit=2) is not None
    assert taken(leases, limit=2) is None


def test_places_are_counted_apart(leases: Leases) -> None:
    """Another user's places, and another endpoint's, are not mine."""
    assert taken(leases) is not None
    assert taken(leases, subject="b") is not None
    leases.take("tool_search", "a", 1, 3600)
    assert taken(leases) is None


@pytest.mark.usefixtures("restless")
def test_threads_keep_the_count(leases: Leases) -> None:
    """After threads have taken and given back at random, all places are free, and never were more taken."""
    most, running, lock = 0, 0, threading.Lock()

    def use() -> bool:
        nonlocal most, running
        for _ in range(20):
            release = taken(leases, limit=3)
            if release is None:
                continue
            with lock:
                running += 1
                most = max(most, running)
            with lock:
                running -= 1
            release()
        return True

    race(use, threads=8)
    assert 1 <= most <= 3
    assert [taken(leases, limit=3) is not None for _ in range(4)] == [True, True, True, False]


def test_the_lease_of_a_killed_process_runs_out(server: RedisServer, client: redis.Redis) -> None:
    """What a process held when it was killed stays taken until the lease ends, and is free then."""
    with Process(server.url.get_secret_value(), "leases") as process:
        process.line()
        process.go()
        assert process.line() == "50"
    leases = RedisLeases(client)
    with pytest.raises(ProblemError):
        leases.take("chat", "a", 50, 3600)
    InRedis(client).wait(3599)
    with pytest.raises(ProblemError):
        leases.take("chat", "a", 50, 3600)
    InRedis(client).wait(1)
    leases.take("chat", "a", 50, 3600)


def test_a_lease_runs_out_in_real_time(client: redis.Redis) -> None:
    """By Redis's own clock, a lease that nobody gives back ends."""
    leases = RedisLeases(client)
    assert taken(leases, lease_s=0.05) is not None
    until(lambda: taken(leases) is not None, "the lease runs out")


# --- nothing stays -------------------------------------------------------------------------------------------------


def test_idle_subjects_are_forgotten_in_memory() -> None:
    """After its windows a flood of subjects leaves nothing; the requests after it share in clearing it away."""
    now, limits = 0.0, policy()
    limiter = MemoryRateLimiter(lambda: now)
    for number in range(50_000):
        limiter.hit("chat", limits, f"user-{number}")
    now = 9.0
    limiter.hit("chat", limits, "user-0")
    now = 10.0
    for _ in range(60):
        limiter.hit("chat", limits, "late")
    # Besides the late one, the first is still counted for its second request, in the longer window.
    assert {window_s: len(logs) for window_s, logs in limiter._log._logs.items()} == {10: 2, 1: 1}


def test_a_long_window_does_not_keep_a_short_one() -> None:
    """Subjects of one endpoint are forgotten while those of another are still counted."""
    now = 0.0
    limiter = MemoryRateLimiter(lambda: now)
    limiter.hit("token", policy(window_s=86_400), "a")
    limiter.hit("chat", policy(window_s=60), "b")
    now = 60.0
    limiter.hit("token", policy(window_s=86_400), "c")
    assert {window_s: len(logs) for window_s, logs in limiter._log._logs.items()} == {86_400: 2, 1: 1, 60: 0}


def test_the_limiter_has_no_thread() -> None:
    """The timer of the library's storage is gone before anything was counted."""
    before = threading.active_count()
    limiter = MemoryRateLimiter()
    limiter.hit("chat", policy(), "a")
    until(lambda: threading.active_count() == before, "no thread stays")


def test_idle_leases_are_forgotten_in_memory() -> None:
    """Whoever has given everything back leaves nothing."""
    leases = MemoryLeases()
    for release in [leases.take("chat", f"user-{number % 100}", 4, 60) for number in range(400)]:
        release()
    assert not leases._taken


def test_redis_forgets_by_itself(client: redis.Redis) -> None:
    """Every key ends with what it counts, and shows neither whom it counts nor what else is in that Redis."""
    RedisRateLimiter(client).hit("chat", policy(window_s=10), "someone@example.com")
    leases = RedisLeases(client)
    leases.take("chat", "someone@example.com", 2, 20)
    leases.take("chat", "someone@example.com", 2, 5)
    found = [re.fullmatch(r"cortex-proxy:(rate|lease):chat:[0-9a-f]{64}", key.decode()) for key in keys(client)]
    lives_ms = {key[1]: client.pttl(key[0]) for key in found if key}
    assert len(lives_ms) == len(found)
    assert 9_000 < lives_ms["rate"] <= 10_000
    assert 19_000 < lives_ms["lease"] <= 20_001


def test_redis_forgets_what_a_busy_subject_did(client: redis.Redis) -> None:
    """A subject that never pauses keeps no more in Redis than its longest window holds."""
    rates = InRedis(client)
    for _ in range(20):
        rates.limiter.hit("chat", policy(rate=3, window_s=10), "a")
        rates.wait(4)
    assert len(rates.logged()) == 3


# --- Redis away ----------------------------------------------------------------------------------------------------


def test_without_redis_nothing_is_let_through() -> None:
    """A count that cannot be kept refuses, a release then stays silent, and all works again after a restart."""
    with redis_server() as server, contextlib.closing(connect(server.url)) as client:
        told: list[bool] = []
        limiter, leases = RedisRateLimiter(client, told.append), RedisLeases(client, told.append)
        limiter.hit("chat", policy(), "a")
        release = leases.take("chat", "a", 1, 3600)
        server.stop()
        release()
        for ask in (lambda: limiter.hit("chat", policy(), "a"), lambda: leases.take("chat", "a", 1, 3600)):
            with pytest.raises(ProblemError) as caught:
                ask()
            assert (caught.value.kind, caught.value.retry_after_s) == (ProblemType.STORE_UNAVAILABLE, 1)
        server.start()
        assert limiter.hit("chat", policy(), "a").allowed
        leases.take("chat", "a", 1, 3600)
        assert told == [True, True, False, False, True, True]


def test_a_release_that_failed_is_made_up_for(client: redis.Redis) -> None:
    """A place whose giving back Redis did not hear is free at the next request, not when its lease runs out."""
    leases = RedisLeases(client)
    release = leases.take("chat", "a", 1, 3600)
    client.client_pause(60_000, all=False)  # no command that writes is answered, and it is dropped with its connection
    release()
    client.client_unpause()
    leases.take("chat", "a", 1, 3600)


def test_a_lease_without_an_answer_is_given_back(server: RedisServer, client: redis.Redis) -> None:
    """A lease that Redis granted after nobody waited any more does not count until it runs out."""
    leases = RedisLeases(client)
    leases.take("chat", "b", 1, 3600)  # the script is known
    with server.frozen(), pytest.raises(ProblemError):
        leases.take("chat", "a", 1, 3600)
    until(lambda: len(keys(client)) == 2, "the late lease is taken")
    leases.take("chat", "a", 1, 3600)


# --- the fields ----------------------------------------------------------------------------------------------------

ITEM = re.compile(r'"((?:[^"\\]|\\["\\])*)"((?:;[a-z*][a-z0-9_.*-]*=(?:-?\d{1,15}|"(?:[^"\\]|\\["\\])*"))*)')
"""The part of a structured field (RFC 9651) that the draft uses: strings with integers or strings as parameters."""


def parsed(value: str) -> list[tuple[str, dict[str, int | str]]]:
    """The items of a list, in order.   Raises: AssertionError for anything else."""
    items = []
    for member in re.split(r"[ \t]*,[ \t]*", value):
        found = ITEM.fullmatch(member)
        assert found, f"no item: {member!r}"
        pairs = [pair.split("=") for pair in found[2].split(";")[1:]]
        items.append((found[1], {name: text.strip('"') if '"' in text else int(text) for name, text in pairs}))
    return items


@pytest.mark.parametrize("value", ["", '"a";r=1,', 'a";r=1', '"a";r=1.5', '"a" ;r=1', '"a";R=1', '"a";r'])
def test_the_parser_of_the_tests_refuses(value: str) -> None:
    """What is not of the draft's form does not pass for it."""
    with pytest.raises(AssertionError):
        parsed(value)


def test_the_policy_field_names_every_quota() -> None:
    """RateLimit-Policy is as the draft writes it."""
    shown = policy_field("chat", Policies().chat)
    assert shown == '"chat";q=30;w=60, "chat-burst";q=6;w=2, "chat-at-once";q=4;qu="concurrent-requests"'


ROOMY = (Quota("chat", 30, 60, 7, 31), Quota("chat-burst", 6, 2, 5, 2))
FULL_BURST = (Quota("chat", 30, 60, 7, 31), Quota("chat-burst", 6, 2, 0, 2))
FULL = (Quota("chat", 30, 60, 0, 31), Quota("chat-burst", 6, 2, 0, 2))


@pytest.mark.parametrize(
    ("decision", "retry_after_s", "shown"),
    [
        (Decision(True, ROOMY), None, '"chat";r=7;t=31, "chat-burst";r=5;t=2'),
        (Decision(True, FULL), None, '"chat";r=0;t=31, "chat-burst";r=0;t=2'),
        (Decision(False, FULL_BURST), 2, '"chat-burst";r=0;t=2'),
        (Decision(False, FULL), 31, '"chat";r=0;t=31, "chat-burst";r=0;t=2'),
        (Decision(True, ROOMY), 1, ""),
        (Decision(True, ROOMY), 2, '"chat-burst";r=5;t=2'),
    ],
    ids=["room", "the last", "burst refused", "both refused", "other refusal", "other refusal, later"],
)
def test_the_state_field(decision: Decision, retry_after_s: int | None, shown: str) -> None:
    """RateLimit tells what is left, and never a reset that is later than Retry-After."""
    assert state_field(decision, retry_after_s) == shown


def test_the_fields_are_structured_fields() -> None:
    """Both fields parse, for every endpoint, and each quota whose state is told has a policy."""
    for name, row in Policies():
        policies = dict(parsed(policy_field(name, row)))
        states = dict(parsed(state_field(MemoryRateLimiter().hit(name, row, "a"))))
        assert policies == {
            name: {"q": row.rate, "w": row.window_s},
            f"{name}-burst": {"q": row.burst, "w": row.burst_s},
            f"{name}-at-once": {"q": row.at_once, "qu": "concurrent-requests"},
        }
        assert states == {
            name: {"r": row.rate - 1, "t": row.window_s},
            f"{name}-burst": {"r": row.burst - 1, "t": row.burst_s},
        }
