"""`cortex-harness up`: start the stack, say where it is, wait, and end it."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import requests
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from e2e.stack import Stack, StackError, running

EXAMPLES = 3


def run(*, host: str, port: int, mock_port: int, pace: float, strict: bool, state_dir: Path) -> int:
    """Serve until Ctrl-C; the exit status."""
    console = Console()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with running(
            host=host, mock_port=mock_port, proxy_port=port, pace=pace, strict=strict, state_dir=state_dir
        ) as stack:
            if 0 in (port, mock_port):
                print(json.dumps({"ready": "up", "page": stack.page_url, "mock": stack.mock_url}))  # noqa: T201
            console.print(status_block(stack, questions(stack), strict=strict))
            return _watch(stack)
    except StackError as error:
        print(f"Error: {_with_flag(str(error))}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _watch(stack: Stack) -> int:
    while (dead := stack.dead_child()) is None:
        time.sleep(0.25)
    print(f"Error: the {dead.name} ended unexpectedly; the end of {dead.log}:\n{dead.last_words()}", file=sys.stderr)  # noqa: T201
    return 1


def _with_flag(message: str) -> str:
    """The mock's own flag for its port is called --mock-port here."""
    return message.replace("with --port", "with --mock-port") if "the mock did not start" in message else message


def questions(stack: Stack) -> list[str]:
    """Recorded questions that the proxy's agent answers, the first ones to try."""
    known = requests.get(f"{stack.proxy_url}/rehearsal.json", timeout=5).json()["questions"]
    preferred = ["net_sales_by_region", "three_charts", "citations"]
    order = {f"agents/{name}": rank for rank, name in enumerate(preferred)}
    return [each["text"] for each in sorted(known, key=lambda each: order.get(each["story"], len(order)))]


def status_block(stack: Stack, to_try: list[str], *, strict: bool) -> Panel:
    """What a newcomer needs to know, in one block."""
    table = Table.grid(padding=(0, 2))
    table.add_row("page", f"[link={stack.page_url}]{stack.page_url}[/link]")
    table.add_row("proxy", f"{stack.proxy_url}/api/v1")
    table.add_row("mock", f"{stack.mock_url}  (Snowflake's paths, and /__mock)")
    table.add_row("logs", str(stack.log_dir))
    table.add_row("", "")
    for number, question in enumerate(to_try[:EXAMPLES]):
        table.add_row("ask" if number == 0 else "", f"“{question}”")
    table.add_row("", "")
    unknown = "answers 404" if strict else "lists the recorded questions"
    table.add_row("", f"Answers are written from public material, none was recorded live. Anything else {unknown}.")
    return Panel(table, title="cortex-harness: rehearsal", subtitle="Ctrl-C ends everything", expand=False)
