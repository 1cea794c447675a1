"""How long a page computes: its thread's processor time, which other work on the machine does not stretch."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page


def busy(page: Page) -> Callable[[], float]:
    """Tells for how many seconds the page's thread has computed since now; what Playwright asks of it is included."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def total_s() -> float:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    before_s = total_s()
    return lambda: total_s() - before_s
