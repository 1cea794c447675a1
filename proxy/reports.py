"""`POST /metrics/report`: what a page measured, into the proxy's own metrics.

Pages outlive proxies and anybody may write one, so nothing a page sends becomes a name or a label here: each
measurement fits the table, or is counted as dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from flask import Blueprint, Response, request

from contracts.api import (
    ClientMetric,
    ClientMetricName,
    MetricsReceipt,
    MetricsReport,
    PageErrorKind,
    StreamOutcome,
)
from contracts.telemetry import DropReason
from proxy.admission import admitted, bound_body
from proxy.body import read_json
from proxy.parts import parts

blueprint = Blueprint("reports", __name__)

MEDIA_TYPES = ("application/json", "text/plain")
"""The second is what `navigator.sendBeacon` sends across origins without asking for permission first."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a measurement may hold: a value from `low` to `high`, and one of the labels, or none when there are none."""

    low: float
    high: float
    labels: type[StrEnum] | None = None


_SECONDS = Accepted(0.0, 600.0)
ACCEPTED: Mapping[ClientMetricName, Accepted] = {
    ClientMetricName.TIME_TO_FIRST_TOKEN: _SECONDS,
    ClientMetricName.STALL: _SECONDS,
    ClientMetricName.LCP: _SECONDS,
    ClientMetricName.INP: _SECONDS,
    ClientMetricName.CLS: Accepted(0.0, 10.0),
    ClientMetricName.STREAM_OUTCOME: Accepted(1.0, 1.0, StreamOutcome),
    ClientMetricName.PAGE_ERROR: Accepted(1.0, 1.0, PageErrorKind),
}


@blueprint.post("/metrics/report")
def report() -> Response:
    """Take in what fits, and say how much that was; a report of misfits only is no error of the page's."""
    bound_body("report")
    asked = read_json(MetricsReport, MEDIA_TYPES)
    authorization = request.headers.get("Authorization")
    if authorization is None and asked.token is not None:
        authorization = f"Bearer {asked.token}"
    with admitted("report", authorization):
        accepted = sum(_take(measured) for measured in asked.metrics)
    receipt = MetricsReceipt(accepted=accepted, dropped=len(asked.metrics) - accepted)
    return Response(receipt.model_dump_json(), 202, content_type="application/json")


def _take(measured: ClientMetric) -> bool:
    telemetry, reason = parts().telemetry, misfit(measured)
    if reason is None:
        telemetry.client_metric(ClientMetricName(measured.name), measured.value, measured.label)
    else:
        telemetry.client_metric_dropped(reason)
    return reason is None


def misfit(measured: ClientMetric) -> DropReason | None:
    """Why a measurement is not taken in, None when it is."""
    if measured.name not in frozenset(ClientMetricName):
        return DropReason.UNKNOWN
    accepted = ACCEPTED[ClientMetricName(measured.name)]
    if not accepted.low <= measured.value <= accepted.high:  # false for NaN as well
        return DropReason.BOUNDS
    fits = measured.label is None if accepted.labels is None else measured.label in frozenset(accepted.labels)
    return None if fits else DropReason.LABEL
