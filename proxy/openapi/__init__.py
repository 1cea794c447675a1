"""`GET /openapi.json` and `GET /docs`: the client API described, for tools and for people.

operations.py   the table of operations          examples.py  an example of everything
document.py     the document made of them and of the models
page.py         the document as a page, without scripts
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.openapi import document, page

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def openapi_document() -> Response:
    """The document."""
    return _cacheable(Response(document.as_json(), content_type="application/json"))


@blueprint.get("/docs")
def docs() -> Response:
    """The document as a page."""
    response = Response(page.render(), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = page.policy()
    return _cacheable(response)


def _cacheable(response: Response) -> Response:
    """To be kept, and asked for again each time: a new version shows at once, and costs nothing while there is none."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
