"""Probes: `livez` (the process answers), `readyz` (it can serve), `status` (what it is). None of them calls Cortex."""

from __future__ import annotations

import os

from flask import Blueprint, Response

from contracts.api import Health, Status
from proxy import VERSION
from proxy.parts import parts

blueprint = Blueprint("health", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """The process is alive."""
    return _json(Health(status="ok"))


@blueprint.get("/readyz")
def readyz() -> Response:
    """The proxy can serve; 503 with the reasons when it cannot."""
    checks = {
        name: "ok" if os.access(path, os.R_OK) else "the file cannot be read"
        for name, path in parts().settings.key_files.items()
    }
    if all(result == "ok" for result in checks.values()):
        return _json(Health(status="ok", checks=checks))
    return _json(Health(status="failing", checks=checks), 503)


@blueprint.get("/status")
def status() -> Response:
    """Version, mode and limits."""
    settings = parts().settings
    return _json(
        Status(
            version=VERSION,
            mode="live" if settings.is_live else "rehearsal",
            environment=settings.environment,
            session_issue="open" if settings.environment == "development" else "client-key",
            agent=settings.run_path,
            store="redis" if settings.redis_url else "sqlite",
            breakers={},
            endpoints={},
            limits={
                "streams": settings.max_streams,
                "streamBytes": settings.max_stream_bytes,
                "tokenLifetimeS": settings.token_lifetime_s,
                "sessionLimitS": settings.session_limit_s,
            },
        )
    )


def _json(model: Health | Status, code: int = 200) -> Response:
    body = model.model_dump_json()
    return Response(body, code, content_type="application/json", headers={"Cache-Control": "no-store"})
