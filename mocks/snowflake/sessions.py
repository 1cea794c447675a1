"""Sessions of clients that log in: opened, found by their token, renewed, closed. For the event loop alone.

A login answers with two tokens. The session token, an hour long, goes with each request; the master token, four hours
long, only renews it. Codes and lifetimes are those that Snowflake's Python connector and its documentation name.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from contracts.cortex import Code

P = TypeVar("P")

SESSION_S = 3600.0
MASTER_S = 4 * 3600.0
MAX_SESSIONS = 10_000
"""Past it the session opened first is forgotten; its tokens are then unknown."""

TOKEN_BYTES = 48


class SessionError(Exception):
    """A token that holds no session.

    code, message, status: what the client is told.   reason: for the journal.
    """

    def __init__(self, code: str, message: str, reason: str, status: int = 200) -> None:
        super().__init__(reason)
        self.code, self.message, self.reason, self.status = code, message, reason, status


class Tokens(NamedTuple):
    """What a login or renewal hands out; never shown."""

    token: str
    master_token: str

    def __repr__(self) -> str:
        return "Tokens(***)"


@dataclass(slots=True)
class Session:
    """Who is logged in, and the names that its statements see; `USE ...` changes them.

    roles: the only ones it may take, when its credential was limited to some.
    """

    id: int
    user: str
    role: str
    warehouse: str = ""
    database: str = ""
    schema: str = ""
    roles: tuple[str, ...] = ()
    _parts: dict[type, Any] = field(default_factory=dict, repr=False)

    def part(self, kind: type[P]) -> P:
        """What a surface keeps for this session; made, without arguments, when first asked for, gone with it."""
        if kind not in self._parts:
            self._parts[kind] = kind()
        kept: P = self._parts[kind]
        return kept


@dataclass(slots=True, repr=False)
class _Grant:
    session: Session
    tokens: Tokens
    expires_s: float
    master_expires_s: float
    replaced: str | None = None
    is_closed: bool = False


class Sessions:
    """Every session, bounded.

    session_s, master_s: how long the two tokens hold.   clock: seconds.
    """

    def __init__(
        self, session_s: float = SESSION_S, master_s: float = MASTER_S, clock: Callable[[], float] = time.time
    ) -> None:
        self.session_s, self.master_s, self._clock = session_s, master_s, clock
        self._ids = itertools.count(1)
        self._grants: OrderedDict[int, _Grant] = OrderedDict()
        self._by_token: dict[str, _Grant] = {}
        self._by_master: dict[str, _Grant] = {}

    def open(
        self,
        user: str,
        role: str,
        warehouse: str = "",
        *,
        database: str = "",
        schema: str = "",
        roles: tuple[str, ...] = (),
    ) -> Tokens:
        """The tokens of a new session; `find` gives the session itself. Names come checked and canonical."""
        session = Session(next(self._ids), user, role, warehouse, database, schema, roles)
        tokens, now = Tokens(_new_token(), _new_token()), self._clock()
        grant = _Grant(session, tokens, now + self.session_s, now + self.master_s)
        self._grants[session.id] = self._by_token[tokens.token] = self._by_master[tokens.master_token] = grant
        if len(self._grants) > MAX_SESSIONS:
            self._forget(self._grants.popitem(last=False)[1])
        return tokens

    def find(self, token: str) -> Session:
        """The session of a token that holds.

        Raises: SessionError: 390104 for a token nobody was given (HTTP 401), 390111 for a closed session, 390112 for
        an expired or replaced token (both HTTP 200, as Snowflake answers them).
        """
        return self._held(token).session

    def renew(self, token: str, master_token: str) -> Tokens:
        """A new session token; the old one is expired from here on, and the master token's time begins anew.

        token: the session token to replace; it may have expired.

        Raises: SessionError: 390113 without a master token, 390115 for one that is not this session's, 390114 for an
        expired one, 390111 for a closed session.
        """
        if not master_token:
            raise SessionError("390113", "Master token not found in the request data.", "no master token")
        grant, now = self._by_master.get(master_token), self._clock()
        if grant is None or self._by_token.get(token) is not grant:
            raise SessionError("390115", "Authentication token is invalid.", "the master token is of no such session")
        _refuse_closed(grant)
        if grant.master_expires_s <= now:
            message = "Authentication token has expired. The user must authenticate again."
            raise SessionError("390114", message, "the master token has expired")
        if grant.replaced is not None:
            del self._by_token[grant.replaced]
        grant.replaced = grant.tokens.token
        grant.tokens = Tokens(_new_token(), master_token)
        grant.expires_s, grant.master_expires_s = now + self.session_s, now + self.master_s
        self._by_token[grant.tokens.token] = grant
        return grant.tokens

    def keep_alive(self, token: str) -> Session:
        """The session of a heartbeat; its master token's time begins anew.   Raises: SessionError, as `find` does."""
        grant = self._held(token)
        grant.master_expires_s = self._clock() + self.master_s
        return grant.session

    def close(self, token: str) -> None:
        """End a session; its tokens answer 390111 from here on.   Raises: SessionError, as `find` does."""
        grant = self._held(token)
        grant.is_closed = True
        grant.session = Session(grant.session.id, grant.session.user, grant.session.role)  # its parts go at once

    def _held(self, token: str) -> _Grant:
        grant = self._by_token.get(token)
        if grant is None:
            message = "User must login again to access the service."
            raise SessionError(Code.LOGIN_AGAIN, message, "the session token is not known", 401)
        _refuse_closed(grant)
        if token != grant.tokens.token or grant.expires_s <= self._clock():
            message = "Authentication token has expired.  The user must authenticate again."
            raise SessionError(Code.LOGIN_EXPIRED, message, "the session token has expired or was renewed")
        return grant

    def _forget(self, grant: _Grant) -> None:
        del self._by_token[grant.tokens.token], self._by_master[grant.tokens.master_token]
        if grant.replaced is not None:
            del self._by_token[grant.replaced]


def _refuse_closed(grant: _Grant) -> None:
    if grant.is_closed:
        message = "Session no longer exists.  New login required to access the service."
        raise SessionError(Code.SESSION_GONE, message, "the session was closed")


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)
