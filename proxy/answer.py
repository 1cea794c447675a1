"""What Snowflake's answers mean: a problem to tell, whether to try again, whether it is an outage.

Everything Snowflake says in an unsuccessful answer stays in this file, but for its numeric code.
"""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.client import HTTPException
from typing import Any

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from contracts.api import ProblemType
from contracts.cortex import LOGIN_AGAIN_CODES, REQUEST_ID_HEADER, ErrorBody
from proxy.calls import Call, CallCancelledError
from proxy.policies import RetryClass
from proxy.problems import ProblemError

READ_BYTES = 16_384
"""A blocked read holds a buffer of this size, and every idle stream is one."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one answer's body, when it is read as a whole."""

    max_bytes: int
    deadline_s: float


class FailedTry(Exception):
    """A try that failed: the problem to tell, and what follows from it."""

    def __init__(
        self,
        problem: ProblemError,
        *,
        safe_again: RetryClass = RetryClass.NEVER,
        is_outage: bool = False,
        asked_pause_s: float | None = None,
    ) -> None:
        super().__init__(problem.detail)
        self.problem, self.safe_again, self.is_outage = problem, safe_again, is_outage
        self.asked_pause_s = asked_pause_s


def late() -> FailedTry:
    """What happens to a try for which no time is left."""
    return FailedTry(ProblemError(ProblemType.REQUEST_DEADLINE, "No time was left to ask Snowflake."))


@dataclass(frozen=True, slots=True)
class _Meaning:
    """Of an unsuccessful status."""

    kind: ProblemType
    detail: str
    safe_again: RetryClass = RetryClass.NEVER
    is_outage: bool = False


_UNAVAILABLE = "Snowflake is not available at the moment."
_BY_STATUS = {
    400: _Meaning(ProblemType.UPSTREAM_REJECTED, "Snowflake found the request invalid."),
    401: _Meaning(
        ProblemType.UPSTREAM_UNAUTHORIZED, "The proxy's credential is not accepted; check account, user and key."
    ),
    403: _Meaning(
        ProblemType.UPSTREAM_FORBIDDEN, "The role lacks a privilege, or a network policy forbids this address."
    ),
    404: _Meaning(ProblemType.UPSTREAM_NOT_FOUND, "The object or recorded answer does not exist or is not visible."),
    408: _Meaning(ProblemType.UPSTREAM_TIMEOUT, "Snowflake gave the request up.", is_outage=True),
    429: _Meaning(
        ProblemType.UPSTREAM_THROTTLED, "Too many requests to Snowflake; wait and try again.", RetryClass.UNSENT
    ),
    503: _Meaning(ProblemType.UPSTREAM_UNAVAILABLE, _UNAVAILABLE, RetryClass.UNSENT, is_outage=True),
    504: _Meaning(
        ProblemType.UPSTREAM_TIMEOUT, "Snowflake did not answer in time.", RetryClass.IDEMPOTENT, is_outage=True
    ),
}
_SERVER_FAILED = _Meaning(ProblemType.UPSTREAM_UNAVAILABLE, _UNAVAILABLE, RetryClass.IDEMPOTENT, is_outage=True)
MAX_RETRY_AFTER_S = 3600


class Answer:
    """A response whose head has arrived, and what it means. The upstream's own words never leave this file."""

    def __init__(self, response: requests.Response, call: Call, bounds: Bounds) -> None:
        self.response, self._call, self._bounds = response, call, bounds
        self.status = response.status_code
        self.content_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()

    @property
    def is_plain(self) -> bool:
        """Whether the body is as it was asked for, not compressed."""
        return self.response.headers.get("Content-Encoding", "identity").strip().lower() in ("", "identity")

    @property
    def document(self) -> Any:
        """The whole body's JSON.   Raises: FailedTry, CallCancelledError."""
        if isinstance(self._read, FailedTry):
            raise self._read
        return self._read

    @cached_property
    def _read(self) -> Any:
        # A body can be read once: how that failed is remembered like what it gave.
        try:
            return json.loads(self._whole_body())
        except FailedTry as failure:
            return failure
        except (ValueError, RecursionError):
            return self._broken(f"Snowflake answered with {self._form()}, not JSON.")

    def _whole_body(self) -> bytes:
        body = bytearray()
        try:
            while chunk := self.response.raw.read1(READ_BYTES, decode_content=True):
                body += chunk
                if len(body) > self._bounds.max_bytes:
                    raise self._broken(f"Snowflake's answer is larger than {self._bounds.max_bytes} bytes.")
                if time.monotonic() > self._bounds.deadline_s:
                    raise late()
        except ReadTimeoutError as error:
            if time.monotonic() >= self._bounds.deadline_s:
                raise late() from error
            raise self._interrupted(ProblemType.UPSTREAM_STALLED, "Snowflake went silent in mid-answer.") from error
        except (HTTPError, HTTPException, OSError) as error:
            raise self._interrupted(ProblemType.UPSTREAM_TRUNCATED, "The connection to Snowflake broke.") from error
        finally:
            if self._call.cancelled:
                raise CallCancelledError
        return bytes(body)

    def _interrupted(self, kind: ProblemType, detail: str) -> Exception:
        return FailedTry(ProblemError(kind, detail), safe_again=RetryClass.IDEMPOTENT, is_outage=True)

    def _broken(self, detail: str) -> FailedTry:
        return FailedTry(ProblemError(ProblemType.UPSTREAM_PROTOCOL, detail))

    @cached_property
    def code(self) -> str | None:
        """Snowflake's numeric error code, when the body is JSON and has one; reads the body.

        Raises: CallCancelledError.
        """
        if self.content_type != "application/json":
            return None
        try:
            return ErrorBody.model_validate(self.document).any_code
        except (ValueError, FailedTry):
            return None

    @cached_property
    def asks_to_log_in(self) -> bool:
        """401, or a 200 or 403 whose JSON body holds one of the login codes.   Raises: CallCancelledError."""
        return self.status == 401 or (self.status in (200, 403) and self.code in LOGIN_AGAIN_CODES)

    def failure(self) -> FailedTry:
        """What an unsuccessful answer means; closes it."""
        status = 401 if self.asks_to_log_in else self.status
        rejected = _Meaning(ProblemType.UPSTREAM_REJECTED, f"Snowflake answered with status {self.status}.")
        meaning = _BY_STATUS.get(status, _SERVER_FAILED if status >= 500 else rejected)
        asked_s = retry_after(self.response.headers.get("Retry-After", ""), time.time())
        waits = meaning.safe_again is RetryClass.UNSENT
        problem = ProblemError(
            meaning.kind,
            meaning.detail,
            upstream_code=self.code,
            retry_after_s=max(asked_s or 0, 1) if waits else None,
        )
        self.response.close()
        return FailedTry(problem, safe_again=meaning.safe_again, is_outage=meaning.is_outage, asked_pause_s=asked_s)

    def unexpected(self) -> FailedTry:
        """A 200 that is no event stream; closes it."""
        detail = f"Snowflake answered with {self._form()}, not a stream."
        problem = ProblemError(ProblemType.UPSTREAM_PROTOCOL, detail, upstream_code=self.code)
        self.response.close()
        return FailedTry(problem)

    def _form(self) -> str:
        found = self.content_type[:100] or "no content type"
        return found if self.is_plain else f"{found}, compressed"


def request_id_of(response: requests.Response) -> str | None:
    """Snowflake's id of the request, when it has the form of one."""
    # Whatever the upstream puts there ends up in a header of ours.
    found = REQUEST_ID.fullmatch(response.headers.get(REQUEST_ID_HEADER, ""))
    return found.group() if found else None


def retry_after(asked: str, now_s: float) -> int | None:
    """Whole seconds to wait, from 0 to an hour; None when the upstream named none that can be read.

    asked: a `Retry-After` header, seconds or a date.
    """
    try:
        wait_s = (
            float(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else parsedate_to_datetime(asked).timestamp() - now_s
        )
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(math.ceil(wait_s), 0), MAX_RETRY_AFTER_S)
