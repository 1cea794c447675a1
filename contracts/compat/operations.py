"""Two documents compared: their operations, what these take and give, and who may call them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from contracts.compat import words
from contracts.compat.documents import resolve
from contracts.compat.model import Anchor, Change, Document, Finding, Place, Schema, Severity, Side
from contracts.compat.rules import RULES
from contracts.compat.schemas import Comparison, Names, common_tag, match
from contracts.compat.shapes import canonical

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
EVENT_STREAM = "text/event-stream"
_NOTHING: Mapping[str, Any] = {}

_WORST_FIRST = tuple(Severity)

Found = Iterator[tuple[Finding, Place]]


def compare(old: Document, new: Document) -> list[Change]:
    """What differs for clients, the worst first; one change for each spot, however many places meet it.

    Raises: DocumentError when a reference leads nowhere or a schema is none.
    """
    places: dict[tuple[Finding, str | Place], list[Place]] = defaultdict(list)
    for finding, place in _Documents(old, new).found():
        # What has no spot in a schema is a thing of its own in every place, but for parameters and headers of one name.
        places[finding, place.name if finding.anchor != Anchor() or place.name else place].append(place)
    changes = [_change(finding, sorted(set(those))) for (finding, _), those in places.items()]
    return sorted(changes, key=lambda each: (_WORST_FIRST.index(each.severity), each.where, each.rule))


def _change(finding: Finding, places: list[Place]) -> Change:
    rule, where = RULES[finding.rule], words.where(finding.anchor, places)
    said = rule.says.format(was=finding.was, now=finding.now, lost=finding.lost)
    return Change(rule.id, rule.severity, where, f"{where} {said}", finding.anchor, tuple(places))


class _Documents:
    """Both documents, and what compares their schemas."""

    def __init__(self, old: Document, new: Document) -> None:
        self.old, self.new = old, new
        self._schemas: dict[str, Comparison] = {side: Comparison(old, new, side) for side in Side}

    def found(self) -> Found:
        """Every finding with each place where it is met."""
        yield from self._servers()
        yield from self._components()
        yield from self._not_compared(self.old, self.new, ("webhooks",), Place())
        old, new = _paths(self.old), _paths(self.new)
        for key, (path, item) in old.items():
            if key in new:
                yield from self._path((path, item), new[key])
            else:
                methods = words.joined(each.upper() for each in METHODS if each in item)
                yield Finding("path-removed", was=methods), Place(path)
        for key, (path, item) in new.items():
            if key not in old:
                for method in _methods(item):
                    yield Finding("operation-added"), Place(path, method)

    # --- the whole -------------------------------------------------------------------------------------------------

    def _servers(self) -> Found:
        old, new = (
            [each.get("url", "/") for each in document.get("servers", [{}])] for document in (self.old, self.new)
        )
        for url in old:
            if url not in new:
                yield Finding("server-removed", Anchor("servers"), was=f"`{url}`"), Place()
        for url in new:
            if url not in old:
                yield Finding("server-added", Anchor("servers"), now=f"`{url}`"), Place()

    def _components(self) -> Found:
        old, new = (document.get("components", {}) for document in (self.old, self.new))
        before, after = (each.get("schemas", {}) for each in (old, new))
        names = Names(before, after)
        for name in before:
            if name not in after:
                yield Finding("component-removed", Anchor(name), now=names.successor(name)), Place()
        schemes = [each.get("securitySchemes", {}) for each in (old, new)]
        for name, scheme in schemes[0].items():
            was, now = (_scheme(resolved) for resolved in (self._old(scheme), self._new(schemes[1].get(name, scheme))))
            if was != now:
                yield Finding("security-scheme-changed", Anchor(name), was=was, now=now), Place()

    def _not_compared(self, old: Mapping[str, Any], new: Mapping[str, Any], keys: Iterable[str], place: Place) -> Found:
        for key in keys:
            if canonical(old.get(key)) != canonical(new.get(key)):
                yield Finding("not-compared", was=f"`{key}`"), place

    # --- operations ------------------------------------------------------------------------------------------------

    def _path(self, old: tuple[str, Mapping[str, Any]], new: tuple[str, Mapping[str, Any]]) -> Found:
        (path, before), (renamed, after) = old, new
        names = dict(zip(_parameter_names(renamed), _parameter_names(path), strict=True))
        for method in METHODS:
            place = Place(path, method)
            if method not in before and method in after:
                yield Finding("operation-added"), place
            elif method in before and method not in after:
                yield Finding("operation-removed"), place
            elif method in before:
                for was, now in ((was, now) for now, was in names.items() if was != now):
                    yield Finding("path-parameter-renamed", now=now), replace(place, name=f"path parameter `{was}`")
                yield from self._operation((before, before[method]), (after, after[method]), place, names)

    def _operation(
        self,
        old: tuple[Mapping[str, Any], Any],
        new: tuple[Mapping[str, Any], Any],
        place: Place,
        names: Mapping[str, str],
    ) -> Found:
        before, after = old[1], new[1]
        if after.get("deprecated") and not before.get("deprecated"):
            yield Finding("operation-deprecated"), place
        was, now = before.get("operationId"), after.get("operationId")
        if was and was != now:
            yield Finding("operation-id-changed", was=was, now=now or "nothing"), place
        yield from self._security(before, after, place)
        yield from self._parameters(
            _parameters(self._old, old[0], before, {}), _parameters(self._new, new[0], after, names), place
        )
        yield from self._request(before, after, place)
        yield from self._responses(before.get("responses", {}), after.get("responses", {}), place)
        yield from self._not_compared(before, after, ("callbacks",), place)

    def _security(self, old: Mapping[str, Any], new: Mapping[str, Any], place: Place) -> Found:
        before, after = (
            operation.get("security", document.get("security", [])) or [{}]
            for operation, document in ((old, self.old), (new, self.new))
        )
        refused = [each for each in before if not any(_suffices(each, wanted) for wanted in after)]
        granted = [each for each in after if not any(_suffices(each, wanted) for wanted in before)]
        if refused:
            finding = Finding("security-tightened", was=_credentials(refused), now=_credentials(after))
            yield finding, place
        if granted:
            yield Finding("security-loosened", now=_credentials(granted)), place

    # --- requests --------------------------------------------------------------------------------------------------

    def _parameters(self, old: _Named, new: _Named, place: Place) -> Found:
        for key in [*old, *(each for each in new if each not in old)]:
            before, after = old.get(key), new.get(key)
            name = (before or after or _NOTHING)["name"]
            spot = replace(place, side=Side.REQUEST, name=f"{key[0]} parameter `{name}`")
            if after is None:
                yield Finding("request-parameter-removed"), spot
            elif before is None:
                kind = "required-added" if after.get("required") else "added"
                yield Finding(f"request-parameter-{kind}"), spot
            else:
                for finding in self._parameter(before, after):
                    yield finding, spot

    def _parameter(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
        if bool(old.get("required")) != bool(new.get("required")):
            yield Finding(f"request-parameter-became-{'required' if new.get('required') else 'optional'}")
        if new.get("deprecated") and not old.get("deprecated"):
            yield Finding("request-parameter-deprecated")
        was, now = _style(old), _style(new)
        if was != now:
            yield Finding("request-parameter-style-changed", was=was, now=now)
        schemas, compared = (_parameter_schema(old), _parameter_schema(new)), self._schemas[Side.REQUEST]
        yield from compared.findings(*schemas)
        yield from compared.defaults(*schemas, Anchor())

    def _request(self, old: Mapping[str, Any], new: Mapping[str, Any], place: Place) -> Found:
        place = replace(place, side=Side.REQUEST)
        before, after = self._old(old.get("requestBody")), self._new(new.get("requestBody"))
        if not before and after:
            yield Finding(f"request-body-{'required-added' if after.get('required') else 'added'}"), place
        elif before and not after:
            yield Finding("request-body-removed"), place
        elif before:
            if bool(before.get("required")) != bool(after.get("required")):
                yield Finding(f"request-body-became-{'required' if after.get('required') else 'optional'}"), place
            yield from self._content(before, after, place)

    # --- responses -------------------------------------------------------------------------------------------------

    def _responses(self, old: Mapping[str, Any], new: Mapping[str, Any], place: Place) -> Found:
        for status, response in old.items():
            spot = replace(place, side=Side.RESPONSE, status=status)
            covering = _covering(status, new)
            if covering is None:
                kind = "success" if _is_success(status) else "error"
                others = words.joined(each for each in new if _is_success(each)) or "none"
                yield Finding(f"response-{kind}-status-removed", now=others), spot
            else:
                yield from self._response(self._old(response), self._new(new[covering]), spot)
        for status, response in new.items():
            spot = replace(place, side=Side.RESPONSE, status=status)
            covering = _covering(status, old)
            if covering is None:
                kind = "success" if _is_success(status) else "error"
                others = words.joined(each for each in old if _is_success(each)) or "none"
                yield Finding(f"response-{kind}-status-added", was=others), spot
            elif covering != status:
                yield from self._response(self._old(old[covering]), self._new(response), spot)

    def _response(self, old: Mapping[str, Any], new: Mapping[str, Any], place: Place) -> Found:
        before, after = (
            {name.lower(): (name, each) for name, each in those.get("headers", {}).items()} for those in (old, new)
        )
        for key in [*before, *(each for each in after if each not in before)]:
            name = (before.get(key) or after[key])[0]
            spot = replace(place, name=f"header `{name}`")
            if key not in after:
                yield Finding("response-header-removed"), spot
            elif key not in before:
                yield Finding("response-header-added"), spot
            else:
                for finding in self._header(self._old(before[key][1]), self._new(after[key][1])):
                    yield finding, spot
        yield from self._content(old, new, place)
        yield from self._not_compared(old, new, ("links",), place)

    def _header(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
        if bool(old.get("required")) != bool(new.get("required")):
            yield Finding(f"response-header-became-{'required' if new.get('required') else 'optional'}")
        yield from self._schemas[Side.RESPONSE].findings(_parameter_schema(old), _parameter_schema(new))

    # --- bodies ----------------------------------------------------------------------------------------------------

    def _content(self, old: Mapping[str, Any], new: Mapping[str, Any], place: Place) -> Found:
        before, after = (_media_types(each.get("content", {})) for each in (old, new))
        for media_type, content in before.items():
            spot = replace(place, media_type=media_type)
            if media_type not in after:
                yield Finding(f"{place.side}-media-type-removed", was=media_type), spot
                continue
            schemas = content.get("schema", True), after[media_type].get("schema", True)
            is_stream = media_type == EVENT_STREAM and place.side is Side.RESPONSE
            yield from self._stream(*schemas, spot) if is_stream else self._body(*schemas, spot)
        for media_type in after:
            if media_type not in before:
                yield Finding(f"{place.side}-media-type-added", now=media_type), replace(place, media_type=media_type)

    def _body(self, old: Schema, new: Schema, place: Place) -> Found:
        for finding in self._schemas[place.side].findings(old, new):
            yield finding, place

    def _stream(self, old: Schema, new: Schema, place: Place) -> Found:
        """Each event for itself: a union of events may grow, and a change is met in the events that lead to it."""
        compared = self._schemas[place.side]
        before, after = compared.old.of(old), compared.new.of(new)
        tag = common_tag(before, after)
        if not tag:
            yield from self._body(old, new, place)
            return
        pairs, gone, come = match(before, after, tag)
        for kind, events in (("removed", gone), ("added", come)):
            for event in events:
                name = _event(event, tag)
                yield Finding(f"stream-event-{kind}"), replace(place, event=name)
        for one, other in pairs:
            for finding in compared.shapes(one, other):
                yield finding, replace(place, event=_event(one, tag))

    def _old(self, value: Any) -> Any:
        return _resolved(self.old, value)

    def _new(self, value: Any) -> Any:
        return _resolved(self.new, value)


_Named = Mapping[tuple[str, str], Mapping[str, Any]]
"""Parameters by where they stand and their name."""


def _resolved(document: Document, value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
        return resolve(document, value["$ref"])
    return {} if value is None else value


def _paths(document: Document) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Path items by their path with its parameters' names left out, which the wire does not have."""
    paths = document.get("paths", {})
    return {re.sub(r"\{[^}]*\}", "{}", path): (path, _resolved(document, item)) for path, item in paths.items()}


def _parameter_names(path: str) -> list[str]:
    return re.findall(r"\{([^}]*)\}", path)


def _methods(item: Mapping[str, Any]) -> list[str]:
    return [each for each in METHODS if each in item]


def _parameters(
    resolved: Any, item: Mapping[str, Any], operation: Mapping[str, Any], names: Mapping[str, str]
) -> _Named:
    """The parameters of an operation, also those of its path. Names of headers mean the same in any case."""
    found = {}
    for each in (*item.get("parameters", ()), *operation.get("parameters", ())):
        parameter = resolved(each)
        kind, name = parameter.get("in", ""), parameter.get("name", "")
        key = names.get(name, name) if kind == "path" else name.lower() if kind == "header" else name
        found[kind, key] = parameter
    return found


def _parameter_schema(parameter: Mapping[str, Any]) -> Schema:
    content = list(parameter.get("content", {}).values())
    return content[0].get("schema", True) if content else parameter.get("schema", True)


def _style(parameter: Mapping[str, Any]) -> str:
    """How a parameter's value is written."""
    if parameter.get("content"):
        return str(next(iter(parameter["content"])))
    usual = {"query": "form", "cookie": "form"}.get(parameter.get("in", ""), "simple")
    style = parameter.get("style", usual)
    is_apart = parameter.get("explode", style == "form")
    return f"{style}, {'each value for itself' if is_apart else 'values in one'}"


def _scheme(scheme: Mapping[str, Any]) -> str:
    """How a credential is sent."""
    parts = [scheme.get(key) for key in ("type", "scheme", "in", "name", "openIdConnectUrl")]
    flows = [
        f"{name} at {flow.get('tokenUrl') or flow.get('authorizationUrl')}"
        for name, flow in scheme.get("flows", {}).items()
    ]
    return "`" + " ".join(str(each) for each in [*parts, *flows] if each) + "`"


def _suffices(brought: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in brought and set(scopes) <= set(brought[name]) for name, scopes in wanted.items())


def _credentials(ways: Iterable[Mapping[str, Any]]) -> str:
    """What a client brings, in words."""
    named = [
        " with ".join(f"`{name}`{f' ({words.joined(scopes)})' if scopes else ''}" for name, scopes in way.items())
        or "no credentials"
        for way in ways
    ]
    return words.joined(named, "or")


def _is_success(status: str) -> bool:
    return status.startswith(("2", "3"))


def _covering(status: str, responses: Mapping[str, Any]) -> str | None:
    """The entry that describes answers of a status: its own, its class's, or the one for all others."""
    candidates = (status, f"{status[:1]}XX", f"{status[:1]}xx", "default")
    return next((each for each in candidates if each in responses), None)


def _media_types(content: Mapping[str, Any]) -> dict[str, Any]:
    """Bodies by media type, without its parameters: `; charset=utf-8` is nobody's business."""
    return {name.partition(";")[0].strip().lower(): each for name, each in content.items()}


def _event(event: Any, tag: str) -> str:
    return ", ".join(each.strip('"') for each in words.tag_values(event, tag))
