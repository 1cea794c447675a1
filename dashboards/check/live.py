"""What a running Prometheus says: whether every selector finds a series there, and whether an alert floods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import promql_parser as pp

from dashboards.check import promql, variables
from dashboards.check.alert import MOST_ALERTS
from dashboards.check.model import Documents, Fault
from dashboards.check.view import look

_TIMEOUT_S = 30
LOOK_BACK = "1h"
"""How long ago a series may have been seen last."""


class Unreachable(Exception):
    """No Prometheus answers, or one that does not answer as Prometheus does."""


def names(url: str) -> frozenset[str]:
    """The names of all metrics that it has.   Raises: Unreachable."""
    return frozenset(str(each) for each in _get(url, "label/__name__/values"))


def faults(documents: Documents, url: str) -> Iterator[Fault]:
    """Selectors that find nothing, and alerts of too many series.   Raises: Unreachable."""
    view, found = look(documents), dict[str, bool]()
    for asked, query in view.read:
        for selector, step in query.selectors:
            text = _selection(selector)
            if not text or _may_be_missing(step):
                continue
            if text not in found:
                found[text] = bool(_ask(url, f"count(last_over_time({text}[{LOOK_BACK}]))"))
            if not found[text]:
                todo = "correct the selector, or wait until there is something"
                yield Fault("promql/series", asked.where, f"{text} found nothing at {url} within {LOOK_BACK}", todo)
    for rule, query in view.of_rules:
        if rule.is_alert and (answer := _ask(url, f"count({query.text})")):
            series = int(float(answer[0]["value"][1]))
            if series > MOST_ALERTS:
                yield Fault("alerts/count", rule.where, f"{series} alerts now at {url}", "aggregate by fewer labels")


def _may_be_missing(step: promql.Step) -> bool:
    """Whether the query asks for what is not there, or for alerts, of which there need be none."""
    is_alerts = isinstance(step.node, pp.VectorSelector) and promql.name_of(step.node).startswith("ALERTS")
    return is_alerts or any(isinstance(each, pp.Call) and each.func.name.startswith("absent") for each in step.parents)


def _selection(selector: promql.Vector) -> str:
    """The selector without what a reader of the dashboard chooses; empty when nothing is left."""
    name = promql.name_of(selector)
    fixed = [m for m in promql.matches(selector) if m.label != "__name__" and variables.PLACEHOLDER not in m.value]
    if not name or variables.PLACEHOLDER in name:
        return ""
    return name + ("{" + ",".join(f"{m.label}{m.operator}{json.dumps(m.value)}" for m in fixed) + "}" if fixed else "")


def _ask(url: str, query: str) -> list[dict[str, Any]]:
    """The answer to an instant query.   Raises: Unreachable."""
    answer = _get(url, "query", query)
    return list(answer["result"]) if isinstance(answer, dict) and isinstance(answer.get("result"), list) else []


def _get(url: str, path: str, query: str = "") -> Any:
    """The data of an answer.   Raises: Unreachable."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Unreachable(f"{url} is no address of a Prometheus; write it as http://127.0.0.1:9090")
    body = urlencode({"query": query}).encode() if query else None
    request = Request(f"{url.rstrip('/')}/api/v1/{path}", data=body)  # noqa: S310 - looked at above
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - looked at above
            return json.load(response)["data"]
    except HTTPError as error:
        said = error.read(300).decode(errors="replace")
        raise Unreachable(f"{url} answers {error.code} to {query or path}: {said}") from error
    except (URLError, TimeoutError, OSError) as error:
        raise Unreachable(f"no Prometheus answers at {url}: {error}; start it, or leave --prometheus out") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"{url} answers, but not as Prometheus does: {error!r}") from error
