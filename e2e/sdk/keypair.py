"""What the scripts share: a key-pair token, as a program that uses a client signs it."""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

ACCOUNT, USER = "MYORG-BENCH", "CORTEX_PROXY_USER"
ROLE, WAREHOUSE = "DEVELOPER_CORTEX", "CORTEX_BENCH_WH"


def token(key_file: str) -> str:
    """A token of the benchmark's user, good for ten minutes."""
    key: Any = load_pem_private_key(Path(key_file).read_bytes(), None)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode()
    subject, now = f"{ACCOUNT}.{USER}", int(time.time())
    claims = {"iss": f"{subject}.{fingerprint}", "sub": subject, "iat": now, "exp": now + 600}
    return jwt.encode(claims, key, algorithm="RS256")
