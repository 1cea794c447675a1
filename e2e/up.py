"""`cortex-harness up`: start the stack, say where it is, wait, and end it."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from types import FrameType

import click

from e2e.stack import Stack, StackError, fetch, running

EXAMPLES = 3
SHOWN_FIRST = ("agents/net_sales_by_region", "agents/three_charts", "agents/citations")


def run(*, host: str, port: int, mock_port: int, pace: float, strict: bool, state_dir: Path) -> int:
    """Serve until Ctrl-C; the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # explicitly: a shell's background jobs start with SIGINT ignored
        signal.signal(number, _interrupt)
    try:
        with running(
            host=host, mock_port=mock_port, proxy_port=port, pace=pace, strict=strict, state_dir=state_dir
        ) as stack:
            if 0 in (port, mock_port):
                click.echo(json.dumps({"ready": "up", "page": stack.page_url, "mock": stack.mock_url}))
            click.echo(status_block(stack, questions(stack), strict=strict))
            return _watch(stack)
    except StackError as error:
        click.echo(f"Error: {_with_flag(str(error))}", err=True)
        return 1
    except KeyboardInterrupt:
        return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _watch(stack: Stack) -> int:
    while (dead := stack.dead_child()) is None:
        time.sleep(0.25)
    click.echo(f"Error: the {dead.name} ended unexpectedly; the end of {dead.log}:\n{dead.last_words()}", err=True)
    return 1


def _with_flag(message: str) -> str:
    """The mock's own flag for its port is called --mock-port here."""
    return message.replace("with --port", "with --mock-port") if "the mock did not start" in message else message


def questions(stack: Stack) -> list[str]:
    """Questions that the proxy's agent answers, the first ones to try first.   Raises: StackError."""
    try:
        known = json.loads(fetch(f"{stack.proxy_url}/rehearsal.json", 5))["questions"]
    except OSError as error:
        raise StackError(f"the proxy does not list what can be asked: {error}") from error
    rank = {story: place for place, story in enumerate(SHOWN_FIRST)}
    return [each["text"] for each in sorted(known, key=lambda each: rank.get(each["story"], len(rank)))]


def status_block(stack: Stack, to_try: list[str], *, strict: bool) -> str:
    """What a newcomer needs to know, in one block."""
    unknown = "answers 404" if strict else "lists the questions that have an answer"
    rows = [
        ("page", click.style(stack.page_url, bold=True)),
        ("proxy", f"{stack.proxy_url}/api/v1"),
        ("mock", f"{stack.mock_url}  (console, and Snowflake's paths)"),
        ("logs", str(stack.log_dir)),
        ("", ""),
        *(("ask" if number == 0 else "", f"“{text}”") for number, text in enumerate(to_try[:EXAMPLES])),
        ("", f"Anything else {unknown}."),
        ("", ""),
        ("", "Answers were written from public documentation; none was recorded."),
        ("", "Ctrl-C ends everything."),
    ]
    lines = [f"  {click.style(f'{name:<6}', dim=True)} {text}" if text else "" for name, text in rows]
    return "\n".join(["", click.style("  cortex-harness: rehearsal, not live", bold=True), "", *lines, ""])
