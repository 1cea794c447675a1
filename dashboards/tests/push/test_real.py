"""The import into a real Grafana, the one that GRAFANA_URL and GRAFANA_TOKEN name; collected only where they do.

It writes the committed build into the folder `Cortex` of that Grafana, and leaves it there.
"""

from __future__ import annotations

import os

from dashboards import push


def test_a_real_grafana_takes_it_and_then_has_nothing_to_do() -> None:
    """Imported once, everything is as it should be for a second push."""
    told: list[str] = []
    options = push.Options(
        datasource=os.environ.get("GRAFANA_DATASOURCE"), alerts=os.environ.get("GRAFANA_ALERTS", "1") == "1"
    )
    url, token = os.environ["GRAFANA_URL"], os.environ["GRAFANA_TOKEN"]
    assert push.run(url, token, options=options, say=told.append) == 0, "\n".join(told)
    assert push.run(url, token, options=options, say=told.append) == 0
    assert told[-1].startswith("Nothing to do: "), "\n".join(told)
