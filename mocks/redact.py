"""What is left of headers, queries and bodies once nothing in them is a credential.

Headers lose theirs before anything is kept; texts lose theirs before anything is shown.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

# Every repetition has a bound or a fixed start, or a hostile text would be searched in quadratic time.
_PART = r"[\w.\-]{0,64}"
_WORDS = r"passw(?:or)?d|passcode|secret|token|credential|authorization|api[_\-]?key|private[_\-]?key"
_NAME = rf"{_PART}(?:{_WORDS}){_PART}"
_HEADER = re.compile(rf"{_NAME}|(?:set-)?cookie2?|x-client-key", re.IGNORECASE)
_MEMBER = re.compile(rf'("{_NAME}"\s{{0,16}}:\s{{0,16}})"(?:[^"\\]|\\.)*"?', re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(rf"((?:^|[?&])(?:{_NAME})=)[^&\s]+", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![\w\-])eyJ[\w\-]{8,}\.[\w\-]{8,}(?:\.[\w\-]+)?|(?<=Bearer )[^\s\"']+")
_MAX_NAME_CHARS = 100


def headers_without_credentials(headers: Mapping[str, str], limit: int, max_chars: int) -> dict[str, str]:
    """The first `limit` headers, clipped, with stars for every value that could be a credential."""
    first = itertools.islice(headers.items(), limit)
    return {
        name[:_MAX_NAME_CHARS]: HIDDEN if is_secret_header(name[:_MAX_NAME_CHARS]) else value[:max_chars]
        for name, value in first
    }


def text_without_credentials(text: str) -> str:
    """A body or a query with stars for passwords, tokens and keys.

    JSON members and query parameters are known by their names, tokens by their form as well. A text that was cut off
    inside a value keeps nothing of that value.
    """
    for pattern in (_MEMBER, _PARAMETER):
        text = pattern.sub(_starred, text)
    return _TOKEN.sub(HIDDEN, text)


def without_credentials(document: Any) -> Any:
    """A JSON document with stars for credentials in its texts."""
    if isinstance(document, str):
        return text_without_credentials(document)
    if isinstance(document, Mapping):
        return {name: without_credentials(value) for name, value in document.items()}
    return [without_credentials(each) for each in document] if isinstance(document, list | tuple) else document


@functools.lru_cache(maxsize=256)
def is_secret_header(name: str) -> bool:
    """Whether a header may carry a credential; one that names the type of a credential does not."""
    return _HEADER.fullmatch(name) is not None and not name.lower().endswith("-type")


def _starred(found: re.Match[str]) -> str:
    return f'{found[1]}"{HIDDEN}"' if found[0].startswith('"') else f"{found[1]}{HIDDEN}"
