"""The one way to Redis: limits, logouts and history share what is set here.

A request waits for the store for half a second at most and asks it once: whoever asks translates `redis.RedisError` to
the problem `store-unavailable`, and the client tries again. A connection that Redis has closed meanwhile is replaced
before it is used, so a restart of Redis needs none of ours.
"""

from __future__ import annotations

import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool, parse_url
from redis.retry import Retry

TIMEOUT_S = 0.5


def connect(url: SecretStr) -> redis.Redis:
    """A client that answers bytes; it connects when it is first used, and may be shared by threads.

    url: redis:// or rediss://; TLS files may be named in its query, what is fixed here may not.
    Raises: ValueError for an unusable URL, without showing it. Every failure of using the client is a
    `redis.RedisError`.
    """
    fixed = {
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": False,
        "protocol": 2,  # with 3 the server may raise the timeouts by maintenance notifications
        "driver_info": None,  # a request that connects need not introduce its library
    }
    try:
        given = parse_url(url.get_secret_value())  # type: ignore[no-untyped-call]
        pool = ConnectionPool(**(given | fixed))
        pool.connection_class(**pool.connection_kwargs)  # else an unknown argument would fail the first request
    except (ValueError, TypeError):
        raise ValueError("REDIS_URL is not of the form redis[s]://[user:password@]host[:port][/number]") from None
    return redis.Redis.from_pool(pool)
