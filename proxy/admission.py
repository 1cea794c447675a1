"""Who may ask now: one `with` around a request finds out who asks, and counts it while it runs."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator

from flask import Response, g, request

from contracts.api import ProblemType
from proxy.limits import Decision, policy_field, state_field
from proxy.parts import parts
from proxy.policies import Policy
from proxy.problems import ProblemError
from proxy.tokens import Session

LEASE_MARGIN_S = 60.0
"""How long after its deadline a request may still be on its way out of a process that lives."""


def bound_body(name: str) -> None:
    """The request's body may be as large as its endpoint accepts; for a route that reads it before `admitted`."""
    request.max_content_length = _policy(name).body_bytes


@contextlib.contextmanager
def admitted(name: str, authorization: str | None = None) -> Iterator[Session]:
    """The session of a request that is within the limits of its user, and counts as in progress until the end.

    It may end in another thread and after the request's context: a stream's does.
    name: a field of `Policies`.   authorization: where the body carries what is usually in the header of this name.
    Raises: ProblemError.
    """
    bound_body(name)
    given = authorization if authorization is not None else request.headers.get("Authorization")
    session = parts().tokens.authenticate(given)
    g.session_id = session.session_id
    with _counted(name, session.subject):
        yield session


@contextlib.contextmanager
def admitted_client(name: str) -> Iterator[None]:
    """A request of somebody unknown is within the limits of the address that it comes from.   Raises: ProblemError."""
    bound_body(name)
    with _counted(name, _client(request.remote_addr or "")):
        yield


def add_rate_fields(response: Response) -> Response:
    """The response, telling of the limits that its request was held against; for `after_request`."""
    name: str | None = g.get("rate_name")
    if name is not None:
        response.headers["RateLimit-Policy"] = policy_field(name, _policy(name))
    decision: Decision | None = g.get("rate_decision")
    if decision is not None:
        state = state_field(decision, response.headers.get("Retry-After", type=int))
        if state:
            response.headers["RateLimit"] = state
    return response


@contextlib.contextmanager
def _counted(name: str, subject: str) -> Iterator[None]:
    policy = _policy(name)
    g.rate_name = name
    # First the lease, which can be given back: a request that is refused for either reason then uses nothing up.
    release = parts().leases.take(name, subject, policy.at_once, policy.deadline_s + LEASE_MARGIN_S)
    try:
        g.rate_decision = decision = parts().limiter.hit(name, policy, subject)
        if not decision.allowed:
            raise _refused(decision)
        yield
    finally:
        release()


def _refused(decision: Decision) -> ProblemError:
    full = [quota for quota in decision.quotas if quota.name in decision.violated]
    listed = " and ".join(f"{quota.limit} requests per {quota.window_s} s ({quota.name})" for quota in full)
    return ProblemError(
        ProblemType.RATE_LIMITED,
        f"{listed} are allowed, and used up; wait {decision.retry_after_s} s.",
        retry_after_s=decision.retry_after_s,
        violated_policies=decision.violated,
    )


def _client(address: str) -> str:
    # Whoever has one IPv6 address has 2**64 of them.
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed), 64), strict=False))


def _policy(name: str) -> Policy:
    policy: Policy = getattr(parts().settings.policies, name)
    return policy
