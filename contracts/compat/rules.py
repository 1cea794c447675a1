"""Every rule, in one table: its id, what it means for clients, and what it says.

One law decides: what a request may be can only grow, and what an answer may be can only shrink. Whatever goes the other
way is breaking, whatever goes the right way is information. A warning stands where a document cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping

from contracts.compat.model import Rule, Severity

B, W, I = Severity.BREAKING, Severity.WARNING, Severity.INFO  # noqa: E741 - a table of a hundred rows

_OPERATIONS = (
    Rule("path-removed", B, "is gone, with {was}: a client that calls it gets 404."),
    Rule("operation-removed", B, "is gone: a client that calls it gets 405."),
    Rule("operation-added", I, "is new."),
    Rule("operation-deprecated", I, "is deprecated now: it still works, and is to go."),
    Rule(
        "operation-id-changed",
        W,
        "was called `{was}` and is called `{now}` now: on the wire nothing differs, but generated clients rename it.",
    ),
    Rule(
        "path-parameter-renamed",
        W,
        "is called `{now}` now: on the wire nothing differs, but generated clients rename it.",
    ),
    Rule("server-removed", B, "is not served at {was} any more: a client that calls it there reaches nobody."),
    Rule("server-added", I, "is served at {now}, too."),
    Rule(
        "security-tightened",
        B,
        "could be called with {was} and wants {now} now: a client that brings only the old credentials is refused.",
    ),
    Rule("security-loosened", I, "can be called with {now}, too."),
    Rule(
        "security-scheme-changed",
        B,
        "is sent as {now} now, before as {was}: a client that sends it the old way is refused.",
    ),
    Rule(
        "component-removed",
        W,
        "is no schema's name any more{now}: code that imports the generated type does not build.",
    ),
    Rule(
        "not-compared",
        W,
        "differs in {was}, which this comparison does not look into: somebody should.",
    ),
)

_PARAMETERS = (
    Rule("request-parameter-required-added", B, "is new and must be sent: a client that does not know it is refused."),
    Rule("request-parameter-added", I, "is new and may be sent."),
    Rule("request-parameter-removed", W, "is not described any more: a client that sends it may find it ignored."),
    Rule(
        "request-parameter-became-required",
        B,
        "could be left out and must be sent now: a client that leaves it out is refused.",
    ),
    Rule("request-parameter-became-optional", I, "had to be sent and may be left out now."),
    Rule("request-parameter-deprecated", I, "is deprecated now: it still works, and is to go."),
    Rule(
        "request-parameter-style-changed",
        B,
        "is written as {now} now, before as {was}: a client that writes it the old way is not understood.",
    ),
)

_BODIES = (
    Rule("request-body-required-added", B, "is new and must be sent: a client that sends none is refused."),
    Rule("request-body-added", I, "is new and may be sent."),
    Rule("request-body-removed", B, "is gone: a client that sends one has it ignored or refused."),
    Rule(
        "request-body-became-required",
        B,
        "could be left out and must be sent now: a client that leaves it out is refused.",
    ),
    Rule("request-body-became-optional", I, "had to be sent and may be left out now."),
    Rule("request-media-type-removed", B, "is not taken as `{was}` any more: a client that sends that is refused."),
    Rule("request-media-type-added", I, "is taken as `{now}`, too."),
    Rule(
        "response-success-status-removed",
        B,
        "is not given any more (now: {now}): a client that waits for it never sees it.",
    ),
    Rule(
        "response-success-status-added",
        W,
        "is new: a client that takes {was} alone for success has to learn it.",
    ),
    Rule(
        "response-error-status-removed",
        W,
        "is not described any more: a client that handles it may wait for it in vain, and meet another in its stead.",
    ),
    Rule("response-error-status-added", I, "is new: clients treat it like others of its class."),
    Rule("response-media-type-removed", B, "is not sent as `{was}` any more: a client that asks for that gets none."),
    Rule("response-media-type-added", I, "can be had as `{now}`, too."),
    Rule("response-header-removed", B, "is not sent any more: a client that reads it finds nothing."),
    Rule("response-header-added", I, "is new."),
    Rule(
        "response-header-became-optional",
        B,
        "was always sent and may be missing now: a client that counts on it fails then.",
    ),
    Rule("response-header-became-required", I, "could be missing and is always sent now."),
    Rule(
        "stream-event-removed",
        B,
        "is gone: a client that waits for it never sees it.",
    ),
    Rule(
        "stream-event-added",
        I,
        "is new: the set is open, and clients pass over names that they do not know.",
    ),
)

_FIELDS = (
    Rule("request-required-property-added", B, "is new and must be sent: a client that does not know it is refused."),
    Rule("request-property-added", I, "is new and may be sent."),
    Rule("request-property-removed", B, "is not accepted any more{now}: a client that sends it is refused."),
    Rule(
        "request-property-ignored",
        W,
        "is not described any more{now}: a client that sends it is not refused, but nobody may read it.",
    ),
    Rule(
        "request-property-became-required",
        B,
        "could be left out and must be sent now: a client that leaves it out is refused.",
    ),
    Rule("request-property-became-optional", I, "had to be sent and may be left out now."),
    Rule(
        "request-default-changed",
        W,
        "is taken as {now} when it is left out, before as {was}: a client that leaves it out gets something else.",
    ),
    Rule("request-object-closed", B, "takes no unknown fields any more: a client that sends some is refused."),
    Rule("request-object-opened", I, "bears unknown fields now."),
    Rule("response-property-removed", B, "is gone{now}: a client that reads it finds nothing."),
    Rule("response-property-added", I, "is new; clients that do not know it pass over it."),
    Rule(
        "response-property-added-to-closed-object",
        W,
        "is new in an object that promised no further fields: a client that checks strictly refuses the whole.",
    ),
    Rule(
        "response-property-became-optional",
        B,
        "was always there and may be missing now: a client that counts on it fails then.",
    ),
    Rule("response-property-became-required", I, "could be missing and is always there now."),
    Rule("response-object-closed", I, "has no unknown fields any more."),
    Rule(
        "response-object-opened",
        W,
        "may have unknown fields now, and promised none: a client that checks strictly refuses the whole.",
    ),
    Rule("property-deprecated", I, "is deprecated now: it still works, and is to go."),
)

_VALUES = (
    Rule("request-type-narrowed", B, "could be {was} and must be {now} now: a client that sends {lost} is refused."),
    Rule("request-type-widened", I, "had to be {was} and may be {now} now."),
    Rule("response-type-narrowed", I, "could be {was} and is always {now} now."),
    Rule(
        "response-type-widened",
        B,
        "was always {was} and may be {now} now: a client that reads only the old fails on {lost}.",
    ),
    Rule("request-no-longer-nullable", B, "could be null and must not be now: a client that sends null is refused."),
    Rule("request-became-nullable", I, "may be null now."),
    Rule("response-became-nullable", B, "was never null and may be now: a client that does not look first fails."),
    Rule("response-no-longer-nullable", I, "could be null and never is now."),
    Rule("request-enum-value-removed", B, "does not take {was} any more: a client that sends it is refused."),
    Rule("request-enum-value-added", I, "takes {now}, too."),
    Rule("response-enum-value-added", B, "can be {now} now: a client that knows only {was} cannot handle it."),
    Rule("response-enum-value-removed", I, "is never {was} any more."),
    Rule("request-enum-closed", B, "takes only {now} now, before any {was}: a client that sends another is refused."),
    Rule("request-enum-opened", I, "takes any {now} now, before only {was}."),
    Rule(
        "response-enum-opened",
        B,
        "can be any {now} now, before only {was}: a client that knows only those cannot handle another.",
    ),
    Rule("response-enum-closed", I, "is always one of {now} now, before any {was}."),
    Rule(
        "request-bound-tightened",
        B,
        "must {now} now, before {was}: a client that keeps to the old bound alone is refused.",
    ),
    Rule("request-bound-loosened", I, "may {now} now, before {was}."),
    Rule(
        "response-bound-loosened",
        B,
        "may {now} now, before {was}: a client that counts on the old bound meets values outside of it.",
    ),
    Rule("response-bound-tightened", I, "will {now} now, before {was}."),
    Rule("request-pattern-added", B, "must match `{now}` now: a client that sends anything else is refused."),
    Rule("request-pattern-removed", I, "need not match `{was}` any more."),
    Rule(
        "request-pattern-changed",
        B,
        "must match `{now}` now, before `{was}`: nobody can tell that every old value still does, "
        "and a client that sends one that does not is refused.",
    ),
    Rule("response-pattern-added", I, "always matches `{now}` now."),
    Rule(
        "response-pattern-removed",
        B,
        "need not match `{was}` any more: a client that takes it apart by that pattern fails on others.",
    ),
    Rule(
        "response-pattern-changed",
        B,
        "matches `{now}` now, before `{was}`: a client that takes it apart by the old pattern may fail.",
    ),
    Rule("request-format-added", B, "must be written as {now} now: a client that sends anything else is refused."),
    Rule("request-format-removed", I, "need not be written as {was} any more."),
    Rule(
        "request-format-changed",
        B,
        "must be written as {now} now, before as {was}: a client that writes it the old way is refused.",
    ),
    Rule("response-format-added", I, "is always written as {now} now."),
    Rule(
        "response-format-removed",
        B,
        "need not be written as {was} any more: a client that reads it as such fails on others.",
    ),
    Rule(
        "response-format-changed",
        B,
        "is written as {now} now, before as {was}: a client that reads it the old way fails.",
    ),
    Rule("request-variant-removed", B, "cannot be {was} any more: a client that sends one is refused."),
    Rule("request-variant-added", I, "can be {now}, too."),
    Rule("response-variant-added", B, "can be {now} now: a client that knows only {was} cannot handle it."),
    Rule("response-variant-removed", I, "is never {was} any more."),
    Rule(
        "request-discriminator-changed",
        B,
        "tells its kinds apart by {now} now, before by {was}: a client that sends only the old is not understood.",
    ),
    Rule(
        "response-discriminator-changed",
        B,
        "tells its kinds apart by {now} now, before by {was}: a client that looks at the old finds nothing.",
    ),
    Rule("request-condition-added", B, "has a new condition, {now}: a client that does not meet it is refused."),
    Rule("request-condition-removed", I, "has lost a condition, {was}."),
    Rule(
        "request-condition-changed",
        W,
        "has another condition, {now}: nobody can tell whether every old value meets it; somebody should look.",
    ),
    Rule("response-condition-added", I, "keeps a new condition, {now}."),
    Rule(
        "response-condition-removed",
        B,
        "does not keep the condition {was} any more: a client that counts on it fails.",
    ),
    Rule(
        "response-condition-changed",
        W,
        "keeps another condition, {now}: nobody can tell whether clients bear it; somebody should look.",
    ),
)

RULES: Mapping[str, Rule] = {rule.id: rule for rule in (*_OPERATIONS, *_PARAMETERS, *_BODIES, *_FIELDS, *_VALUES)}
"""Rules by id. Ids are stable: changelogs and waivers name them."""
