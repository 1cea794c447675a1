"""Two schemas compared: what a value may be now that it could not be before, and the other way round."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.compat import words
from contracts.compat.model import Anchor, Document, DocumentError, Finding, Schema, Side
from contracts.compat.shapes import ANY, ANY_TYPE, OF_TYPE, SCHEMAS, Shape, Shapes, canonical

MAX_DEPTH = 60
_UPPER = frozenset({"maxLength", "maxItems", "maxProperties"})
_BOUNDS: Mapping[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_UNDERSTOOD = frozenset(
    {"enum", "properties", "required", "additionalProperties", "items", "prefixItems", "pattern", "format"}
    | {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
)
_CONDITIONS = (ANY_TYPE | frozenset().union(*OF_TYPE.values())) - _UNDERSTOOD
"""Keywords of which only equality is judged."""

_MISSING = object()

Pair = tuple[str, str]
"""References to a component before and after."""


@dataclass(slots=True)
class _Report:
    """What one component (or one schema in a place) has to tell, and the components that it leads to."""

    findings: list[Finding] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    open: set[tuple[str, str]] = field(default_factory=set)
    """Schemas that are being compared, as JSON: what leads back to one of them has been judged."""


class Comparison:
    """Schemas of two documents, compared for one side. Components are compared once, however often they are met."""

    def __init__(self, old: Document, new: Document, side: Side) -> None:
        self.old, self.new, self.side = Shapes(old), Shapes(new), side
        self._hidden = "readOnly" if side is Side.REQUEST else "writeOnly"
        self._components: dict[Pair, _Report] = {}

    def findings(self, old: Schema, new: Schema, anchor: Anchor | None = None) -> list[Finding]:
        """Everything that differs, also in the components that the schemas lead to."""
        report = _Report()
        self._compare(old, new, anchor or Anchor(), report)
        found, seen = dict.fromkeys(report.findings), set[Pair]()
        waiting = deque(report.pairs)
        while waiting:
            pair = waiting.popleft()
            if pair in seen:
                continue
            seen.add(pair)
            inner = self._component(pair)
            found |= dict.fromkeys(inner.findings)
            waiting += inner.pairs
        return list(found)

    def shapes(self, old: Shape, new: Shape, anchor: Anchor | None = None) -> list[Finding]:
        """Everything that differs between two alternatives."""
        if old.is_whole and new.is_whole:
            return self.findings({"$ref": SCHEMAS + old.component}, {"$ref": SCHEMAS + new.component})
        report = _Report()
        self._variant(old, new, anchor or Anchor(), report)
        found = dict.fromkeys(report.findings)
        for before, after in report.pairs:
            found |= dict.fromkeys(self.findings({"$ref": before}, {"$ref": after}))
        return list(found)

    def _component(self, pair: Pair) -> _Report:
        if pair not in self._components:
            report = self._components[pair] = _Report()
            self._inline(
                self.old.target(pair[0]), self.new.target(pair[1]), Anchor(self.old.component(pair[0])), report
            )
        return self._components[pair]

    def _compare(self, old: Schema, new: Schema, anchor: Anchor, report: _Report) -> None:
        before, after = _reference(old), _reference(new)
        if before and after:
            report.pairs.append((before, after))
        else:
            self._inline(old, new, anchor, report)

    def _inline(self, old: Schema, new: Schema, anchor: Anchor, report: _Report) -> None:
        if len(anchor.steps) > MAX_DEPTH:
            raise DocumentError(f"{anchor.component or 'a schema'} is nested deeper than {MAX_DEPTH} levels")
        schemas = canonical(old), canonical(new)
        if schemas in report.open:
            return
        report.open.add(schemas)
        self._alternatives(self.old.of(old), self.new.of(new), anchor, report)
        self._discriminators(old, new, anchor, report)
        report.open.remove(schemas)

    # --- alternatives ----------------------------------------------------------------------------------------------

    def _alternatives(self, old: Sequence[Shape], new: Sequence[Shape], anchor: Anchor, report: _Report) -> None:
        before, after = _kinds(old), _kinds(new)
        report.findings += self._types(before, after, anchor)
        for kind in before:
            those, these = [each for each in old if each.type == kind], [each for each in new if each.type == kind]
            if not these and kind in {"integer", "number"}:
                these = [each for each in new if each.type in {"integer", "number"}]
            if these:
                self._variants(those, these, anchor, report)

    def _types(self, before: list[str], after: list[str], anchor: Anchor) -> Iterator[Finding]:
        lost = [each for each in before if not _covers(after, each)]
        gained = [each for each in after if not _covers(before, each)]
        if "null" in lost and lost != before:
            lost.remove("null")
            yield self._finding("no-longer-nullable", anchor)
        if "null" in gained and gained != after:
            gained.remove("null")
            yield self._finding("became-nullable", anchor)
        if not lost and not gained:
            return
        narrowed = bool(lost) and (self.side is Side.REQUEST or not gained)
        others = lost if self.side is Side.REQUEST else gained
        yield self._finding(
            "type-narrowed" if narrowed else "type-widened",
            anchor,
            was=words.types(each for each in before if each != "null" or before == ["null"]),
            now=words.types(each for each in after if each != "null" or after == ["null"]),
            lost="anything else" if others == [ANY] else words.types(others),
        )

    def _variants(self, old: list[Shape], new: list[Shape], anchor: Anchor, report: _Report) -> None:
        tag = common_tag(old, new)
        pairs, gone, come = match(old, new, tag)
        for before, after in pairs:
            if before.is_whole and after.is_whole:
                report.pairs.append((SCHEMAS + before.component, SCHEMAS + after.component))
            else:
                self._variant(before, after, anchor, report)
        known = words.joined(words.shape(each, tag) for each in old)
        for each in gone:
            report.findings.append(self._finding("variant-removed", anchor, was=words.shape(each, tag)))
        for each in come:
            report.findings.append(self._finding("variant-added", anchor, was=known, now=words.shape(each, tag)))

    def _variant(self, old: Shape, new: Shape, anchor: Anchor, report: _Report) -> None:
        if old.component and old.component != anchor.component:
            anchor = Anchor(old.component)
        report.findings += self._values(old, new, anchor)
        report.findings += self._bounds(old, new, anchor)
        report.findings += self._texts(old, new, anchor)
        report.findings += self._conditions(old, new, anchor)
        if old.type == "object":
            self._object(old, new, anchor, report)
        if old.type == "array":
            self._array(old, new, anchor, report)

    def _discriminators(self, old: Schema, new: Schema, anchor: Anchor, report: _Report) -> None:
        before, after = (
            (shapes.note(schema, "discriminator") or {}).get("propertyName", "")
            for shapes, schema in ((self.old, old), (self.new, new))
        )
        if before and after and before != after:
            finding = self._finding("discriminator-changed", anchor, was=f"`{before}`", now=f"`{after}`")
            report.findings.append(finding)

    # --- objects and lists -----------------------------------------------------------------------------------------

    def _object(self, old: Shape, new: Shape, anchor: Anchor, report: _Report) -> None:
        before, after = old.properties(self._hidden), new.properties(self._hidden)
        names = Names(before, after)
        for name in before:
            if name not in after:
                report.findings.append(self._removed(new, anchor.step(name), names.successor(name)))
                if self.side is Side.REQUEST and new.describes_others:
                    self._compare(before[name], new.additional, anchor.step(name), report)
        for name, schema in after.items():
            if name not in before:
                report.findings.append(self._added(old, new, name, anchor))
                if old.describes_others or (self.side is Side.REQUEST and old.invites_others):
                    self._compare(old.additional, schema, anchor.step(name), report)
                continue
            report.findings += self._annotations(before[name], schema, anchor.step(name))
            if (name in old.required) != (name in new.required):
                kind = "property-became-required" if name in new.required else "property-became-optional"
                report.findings.append(self._finding(kind, anchor.step(name)))
            self._compare(before[name], schema, anchor.step(name), report)
        self._additional(old.additional, new.additional, anchor, report)

    def _removed(self, new: Shape, anchor: Anchor, successor: str) -> Finding:
        kind = "property-ignored" if self.side is Side.REQUEST and new.additional is not False else "property-removed"
        return self._finding(kind, anchor, now=successor)

    def _added(self, old: Shape, new: Shape, name: str, anchor: Anchor) -> Finding:
        if self.side is Side.REQUEST:
            return self._finding(
                "required-property-added" if name in new.required else "property-added", anchor.step(name)
            )
        kind = "property-added-to-closed-object" if old.additional is False else "property-added"
        return self._finding(kind, anchor.step(name))

    def _annotations(self, old: Schema, new: Schema, anchor: Anchor) -> Iterator[Finding]:
        if self.new.note(new, "deprecated") and not self.old.note(old, "deprecated"):
            yield Finding("property-deprecated", anchor)
        if self.side is Side.REQUEST:
            yield from self.defaults(old, new, anchor)

    def defaults(self, old: Schema, new: Schema, anchor: Anchor) -> Iterator[Finding]:
        """Whether leaving a value out means something else now."""
        before, after = self.old.note(old, "default", _MISSING), self.new.note(new, "default", _MISSING)
        told = ["nothing" if each is _MISSING else f"`{canonical(each)}`" for each in (before, after)]
        if told[0] != told[1]:
            yield Finding("request-default-changed", anchor, was=told[0], now=told[1])

    def _additional(self, old: Schema, new: Schema, anchor: Anchor, report: _Report) -> None:
        if (old is False) != (new is False):
            report.findings.append(self._finding("object-closed" if new is False else "object-opened", anchor))
        elif old is not False and not (old in (True, {}) and new in (True, {})):
            self._compare(old, new, anchor.step("*"), report)

    def _array(self, old: Shape, new: Shape, anchor: Anchor, report: _Report) -> None:
        rest = old.keywords.get("items", True), new.keywords.get("items", True)
        first = old.keywords.get("prefixItems", ()), new.keywords.get("prefixItems", ())
        for at in range(max(map(len, first))):
            before, after = (each[at] if at < len(each) else items for each, items in zip(first, rest, strict=True))
            self._compare(before, after, anchor.step(f"[{at}]"), report)
        self._compare(*rest, anchor.step("[]"), report)

    # --- values ----------------------------------------------------------------------------------------------------

    def _values(self, old: Shape, new: Shape, anchor: Anchor) -> Iterator[Finding]:
        before, after = old.values, new.values
        if before is None and after is None:
            return
        kind = words.TYPES[new.type]
        if before is None:
            yield self._finding("enum-closed", anchor, was=kind, now=words.values(after or ()))
        elif after is None:
            yield self._finding("enum-opened", anchor, was=words.values(before), now=kind)
        else:
            gone, come = [each for each in before if each not in after], [each for each in after if each not in before]
            if gone:
                yield self._finding("enum-value-removed", anchor, was=words.values(gone))
            if come:
                yield self._finding("enum-value-added", anchor, was=words.values(before, "and"), now=words.values(come))

    def _bounds(self, old: Shape, new: Shape, anchor: Anchor) -> Iterator[Finding]:
        for keyword in _BOUNDS.get(old.type, ()):
            says_nothing = None if keyword in _UPPER else 0
            before, after = (each.keywords.get(keyword) for each in (old, new))
            before, after = (None if each == says_nothing else each for each in (before, after))
            yield from self._bound((keyword, before), (keyword, after), anchor, is_upper=keyword in _UPPER)
        if old.type in {"integer", "number"}:
            yield from self._range(old, new, anchor)
            yield from self._multiples(old.keywords.get("multipleOf"), new.keywords.get("multipleOf"), anchor)
        repeats = [bool(each.keywords.get("uniqueItems")) for each in (old, new)]
        if repeats[0] != repeats[1]:
            bounds = [("uniqueItems", each or None) for each in repeats]
            yield self._bounded("bound-tightened" if repeats[1] else "bound-loosened", anchor, *bounds)

    def _range(self, old: Shape, new: Shape, anchor: Anchor) -> Iterator[Finding]:
        for is_upper in (False, True):
            before, after = (_end(each, is_upper=is_upper) for each in (old, new))
            yield from self._bound(before, after, anchor, is_upper=is_upper)

    def _bound(self, old: Bound, new: Bound, anchor: Anchor, *, is_upper: bool) -> Iterator[Finding]:
        before, after = (_tightness(each, is_upper=is_upper) for each in (old, new))
        if before != after:
            kind = "bound-tightened" if after > before else "bound-loosened"
            yield self._bounded(kind, anchor, old, new)

    def _multiples(self, old: Any, new: Any, anchor: Anchor) -> Iterator[Finding]:
        if old == new:
            return
        is_tighter = old is None or (new is not None and new % old == 0)
        is_looser = new is None or (old is not None and old % new == 0)
        if is_tighter or not is_looser:
            yield self._bounded("bound-tightened", anchor, ("multipleOf", old), ("multipleOf", new))
        if is_looser or not is_tighter:
            yield self._bounded("bound-loosened", anchor, ("multipleOf", old), ("multipleOf", new))

    def _bounded(self, kind: str, anchor: Anchor, old: Bound, new: Bound) -> Finding:
        return self._finding(kind, anchor, was=words.bound(*old), now=f"{words.verb(new[0])} {words.bound(*new)}")

    def _texts(self, old: Shape, new: Shape, anchor: Anchor) -> Iterator[Finding]:
        for keyword in ("pattern", "format"):
            before, after = old.keywords.get(keyword), new.keywords.get(keyword)
            if before != after:
                kind = "added" if before is None else "removed" if after is None else "changed"
                yield self._finding(f"{keyword}-{kind}", anchor, was=str(before), now=str(after))

    def _conditions(self, old: Shape, new: Shape, anchor: Anchor) -> Iterator[Finding]:
        for keyword in sorted(_CONDITIONS & (old.keywords.keys() | new.keywords.keys())):
            before, after = old.keywords.get(keyword), new.keywords.get(keyword)
            if canonical(before) != canonical(after):
                kind = "added" if before is None else "removed" if after is None else "changed"
                yield self._finding(f"condition-{kind}", anchor, was=f"`{keyword}`", now=f"`{keyword}`")

    def _finding(self, kind: str, anchor: Anchor, *, was: str = "", now: str = "", lost: str = "") -> Finding:
        return Finding(f"{self.side}-{kind}", anchor, was, now, lost)


Bound = tuple[str, Any]
"""A keyword and its limit, which is None where there is none."""


def _end(shape: Shape, *, is_upper: bool) -> Bound:
    """The tighter of the inclusive and the exclusive limit; of whole numbers the inclusive one that means the same."""
    inclusive, exclusive = ("maximum", "exclusiveMaximum") if is_upper else ("minimum", "exclusiveMinimum")
    one, other = shape.keywords.get(inclusive), shape.keywords.get(exclusive)
    if other is not None and shape.type == "integer" and isinstance(other, int):
        other, exclusive = other + (-1 if is_upper else 1), inclusive
    ends = [(inclusive, one), (exclusive, other)]
    return max(ends, key=lambda each: _tightness(each, is_upper=is_upper))


def _tightness(bound: Bound, *, is_upper: bool) -> tuple[float, bool]:
    """How much a bound forbids, comparable with others of the same end."""
    keyword, limit = bound
    if limit is None:
        return (float("-inf"), False)
    return (-limit if is_upper else limit, keyword.startswith("exclusive"))


def _reference(schema: Schema) -> str:
    """The reference that a schema is; empty when it is more than that."""
    if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
        return ""
    beside = schema.keys() - {"$ref", *_NOTES}
    return "" if beside else str(schema["$ref"])


_NOTES = ("title", "description", "examples", "example", "default", "deprecated", "readOnly", "writeOnly", "$comment")


def _kinds(shapes: Sequence[Shape]) -> list[str]:
    kinds = list(dict.fromkeys(each.type for each in shapes))
    return [ANY] if ANY in kinds else kinds


def _covers(kinds: list[str], kind: str) -> bool:
    return kind in kinds or ANY in kinds or (kind == "integer" and "number" in kinds)


# --- which alternative has become which ------------------------------------------------------------------------------


def common_tag(old: Sequence[Shape], new: Sequence[Shape]) -> str:
    """The field by whose value alternatives can be told apart before and after; empty when there is none."""
    everyone = [*old, *new]
    if len(everyone) < 3 or any(each.type != "object" for each in everyone):
        return ""
    shared = set[str].intersection(*(set(each.properties("")) for each in everyone))
    for name in sorted(shared):
        listed = [[words.tag_values(each, name) for each in those] for those in (old, new)]
        if all(all(values) and len(set(values)) == len(values) for values in listed):
            return name
    return ""


def match(
    old: Sequence[Shape], new: Sequence[Shape], tag: str
) -> tuple[list[tuple[Shape, Shape]], list[Shape], list[Shape]]:
    """Alternatives of one type that belong together, those that are gone, and those that have come.

    With a tag by its value. Else by their component's name, by being the same, by sharing most of their fields; and
    the last of each, because one has then become the other.
    """
    gone, come, pairs = list(old), list(new), list[tuple[Shape, Shape]]()
    likenesses = [lambda one, other: words.tag_values(one, tag) == words.tag_values(other, tag)] if tag else _LIKENESSES
    for is_same in likenesses:
        for before in list(gone):
            after = next((each for each in come if is_same(before, each)), None)
            if after is not None:
                pairs.append((before, after))
                gone.remove(before)
                come.remove(after)
    if len(gone) == len(come) == 1 and not tag:
        pairs.append((gone.pop(), come.pop()))
    return pairs, gone, come


def _share_a_component(one: Shape, other: Shape) -> bool:
    return bool(one.component) and one.is_whole and other.is_whole and one.component == other.component


def _are_equal(one: Shape, other: Shape) -> bool:
    return canonical(one.keywords) == canonical(other.keywords)


def _share_most_fields(one: Shape, other: Shape) -> bool:
    before, after = set(one.properties("")), set(other.properties(""))
    return len(before & after) * 2 > len(before | after)


_LIKENESSES = (_share_a_component, _are_equal, _share_most_fields)


class Names:
    """Which name may have become which: the one that is gone and the one that has come with the same schema."""

    def __init__(self, old: Mapping[str, Schema], new: Mapping[str, Schema]) -> None:
        self._gone = {name: _meaning(each) for name, each in old.items() if name not in new}
        self._come = {name: _meaning(each) for name, each in new.items() if name not in old}

    def successor(self, name: str) -> str:
        """What to say of the new name that something seems to have; empty when none or several would do."""
        rivals = [each for each, meaning in self._gone.items() if meaning == self._gone[name]]
        heirs = [each for each, meaning in self._come.items() if meaning == self._gone[name]]
        return f" (`{heirs[0]}` looks like its new name)" if len(rivals) == len(heirs) == 1 else ""


def _meaning(schema: Schema) -> str:
    return canonical(
        {key: each for key, each in schema.items() if key not in _NOTES} if isinstance(schema, Mapping) else schema
    )
