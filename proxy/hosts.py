"""Which `Host` a development proxy answers to.

In development a session is anybody's who asks. A web page cannot ask, being of another origin, unless it rebinds its
own name to our address (DNS rebinding): then the request arrives here, under that name.
"""

from __future__ import annotations

import ipaddress
import re

from flask import request

from contracts.api import PREFIX, ProblemType
from proxy.parts import parts
from proxy.problems import ProblemError

AUTHORITY = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^\[\]:@]+))(?::\d+)?")
PROBES = ("/livez", "/readyz")


def check_host() -> None:
    """Nothing, for a request that meant this proxy.   Raises: ProblemError."""
    settings = parts().settings
    if settings.environment != "development" or request.path.removeprefix(PREFIX) in PROBES:
        return
    if not is_ours(request.headers.get("Host", ""), settings.host):
        raise ProblemError(
            ProblemType.HOST_NOT_ALLOWED, "In development, ask by localhost, an address of this machine or HOST."
        )


def is_ours(authority: str, bound: str) -> bool:
    """Whether a `Host` header is a loopback name or address, or what the proxy is bound to.

    bound: the setting `host`; when it stands for every address, every literal address is ours: rebinding needs a name.
    """
    found = AUTHORITY.fullmatch(authority)
    if found is None:
        return False
    host = (found["v6"] or found["name"]).lower()
    if host in ("localhost", bound.lower()):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or _is_wildcard(bound)


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
