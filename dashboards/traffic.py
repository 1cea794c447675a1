"""Questions at a rhythm, so that panels have something to show: the profile `load` of compose.yaml.

    python -m dashboards.traffic --url http://127.0.0.1:8080 --per-minute 20

It asks a proxy in front of the mock what the mock knows, at random but the same with the same seed. One turn in five
meets trouble: a scenario of the mock's, which a development proxy carries through as baggage.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import click
import requests

from contracts.api import PREFIX

TROUBLE = (
    "cut_mid_stream",
    "stall_mid_stream",
    "throttled_then_served",
    "unavailable_then_served",
    "server_error",
    "slow_tokens",
)
"""Scenarios of the mock's that each move another panel."""

TROUBLED_SHARE = 0.2
MOST_AT_ONCE = 8
"""Turns under way; one that would be the next is left out, so that a slow proxy is not buried."""

TIMEOUT_S = 60
START_S = 30


class TrafficError(Exception):
    """What was asked is no proxy in front of the mock."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question, and what goes wrong meanwhile, if anything."""

    question: str
    trouble: str | None = None


def turns(questions: Sequence[str], seed: int) -> Iterator[Turn]:
    """Questions without end."""
    rng = random.Random(seed)  # noqa: S311 - nobody has to guess it
    while True:
        trouble = rng.choice(TROUBLE) if rng.random() < TROUBLED_SHARE else None
        yield Turn(rng.choice(questions), trouble)


def questions_of(url: str) -> list[str]:
    """What the mock behind this proxy can be asked.   Raises: TrafficError."""
    try:
        answer = requests.get(f"{url}/rehearsal.json", timeout=START_S)
        answer.raise_for_status()
        found = [str(each["text"]) for each in answer.json()["questions"]]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise TrafficError(f"{url} is no development proxy before the mock, with its page: {error}") from error
    if not found:
        raise TrafficError(f"the mock behind {url} knows no question")
    return found


def ask(url: str, turn: Turn) -> str:
    """The reason for which a turn's stream ended, or the status of the refusal."""
    try:
        issued = requests.post(f"{url}{PREFIX}/session/token", timeout=TIMEOUT_S)
        if issued.status_code != requests.codes.ok:
            return str(issued.status_code)
        session = issued.json()
        headers = {"Authorization": f"Bearer {session['token']}"}
        if turn.trouble is not None:
            headers["baggage"] = f"mock.scenario={turn.trouble}"
        body = {"sessionId": session["sessionId"], "message": turn.question}
        answer = requests.post(f"{url}{PREFIX}/chat", json=body, headers=headers, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        return type(error).__name__
    return "streamed" if answer.status_code == requests.codes.ok else str(answer.status_code)


def run(url: str, planned: Iterable[Turn], *, per_minute: float, stop: threading.Event) -> Counter[str]:
    """Ask until there is no more turn, or until stopped, which waits for no stream; how many turns ended how."""
    counted: Counter[str] = Counter()
    counting = threading.Lock()
    under_way = threading.BoundedSemaphore(MOST_AT_ONCE)

    def one(turn: Turn) -> None:
        try:
            how = ask(url, turn)
            with counting:
                counted[how] += 1
        finally:
            under_way.release()

    due = time.monotonic()
    for turn in planned:
        if stop.wait(max(0.0, due - time.monotonic())):
            return counted
        due += 60 / per_minute
        if under_way.acquire(blocking=False):
            threading.Thread(target=one, args=[turn], daemon=True).start()
        else:
            with counting:
                counted["left out"] += 1
    for _ in range(MOST_AT_ONCE):
        under_way.acquire()
    return counted


@click.command()
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The proxy.")
@click.option("--per-minute", type=click.FloatRange(0.1, 6000), default=20, show_default=True, help="Turns.")
@click.option("--turns", "most", type=click.IntRange(1), help="End after so many.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same one asks the same.")
def main(url: str, per_minute: float, most: int | None, seed: int) -> None:
    """Ask a proxy in front of the mock what the mock knows, until stopped."""
    stop, url = threading.Event(), url.rstrip("/")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        questions = questions_of(url)
    except TrafficError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"asking {url}, {per_minute:g} turns a minute", err=True)
    counted = run(url, islice(turns(questions, seed), most), per_minute=per_minute, stop=stop)
    click.echo(", ".join(f"{number} {how}" for how, number in counted.most_common()) or "none asked", err=True)


if __name__ == "__main__":
    main()
