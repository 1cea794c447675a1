"""The OpenAI client at Snowflake's chat completions: whole, streamed, and refused for an unknown model.

Arguments: the mock's URL, and a private key's path.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from openai import BadRequestError, OpenAI

MODEL = "claude-sonnet-4-6"
ASKED: Any = [{"role": "user", "content": "Hello"}]


def token(key_file: str) -> str:
    """A key-pair token of the benchmark's user."""
    key: Any = load_pem_private_key(Path(key_file).read_bytes(), None)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    subject, now = "MYORG-BENCH.CORTEX_PROXY_USER", int(time.time())
    fingerprint = base64.b64encode(hashlib.sha256(public).digest()).decode()
    claims = {"iss": f"{subject}.SHA256:{fingerprint}", "sub": subject, "iat": now, "exp": now + 600}
    return jwt.encode(claims, key, algorithm="RS256")


def main(mock_url: str, key_file: str) -> None:
    """One question in both forms, and one to a model that is not there."""
    client = OpenAI(base_url=f"{mock_url}/api/v2/cortex/v1", api_key=token(key_file), max_retries=0)
    with client:
        whole = client.chat.completions.create(model=MODEL, messages=ASKED)
        said = whole.choices[0].message.content
        assert said, whole
        pieces = list(client.chat.completions.create(model=MODEL, messages=ASKED, stream=True))
        streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
        assert len(pieces) > 2, pieces
        assert streamed == said, (streamed, said)
        try:
            client.chat.completions.create(model="no-such-model", messages=ASKED)
        except BadRequestError as error:
            refusal = str(error)
        else:
            raise AssertionError("a model that does not exist answered")
        assert "unknown model" in refusal, refusal


if __name__ == "__main__":
    main(*sys.argv[1:])
