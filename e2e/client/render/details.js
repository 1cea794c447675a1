/** The turn in numbers, for those who trace it. */

import { clockTime, duration, integer } from "../format.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { facts } from "./notices.js";

export function detailsView() {
  const body = h("div");
  const element = h("details", { class: "turn-details" }, h("summary", {}, "Details", icon("chevron")), body);
  return {
    element,
    update(turn) {
      body.replaceChildren(facts(factsOf(turn)));
    },
  };
}

/** One line for the foot of an answer, as "3.4 s, 5,520 tokens". */
export function turnGist(turn) {
  const took = turn.end?.durationMs ?? turn.endedAt - turn.startedAt;
  const usage = turn.end?.usage;
  const tokens = usage ? usage.inputTokens + usage.outputTokens : 0;
  const parts = [duration(took), tokens ? `${integer(tokens)} tokens` : null, turn.restored ? "restored" : null];
  return parts.filter(Boolean).join(" \u00b7 ");
}

function factsOf({ ids, end, events, scenario, restored, assistantMessageId, startedAt, endedAt, leg }) {
  const usage = end?.usage;
  return [
    ["Turn id", end?.turnId ?? ids.turnId],
    ["Trace id", ids.traceId],
    ["Session id", ids.sessionId],
    ["Thread", ids.threadId],
    ["Message", assistantMessageId],
    ["Ended", end?.reason],
    ["First event", end?.firstEventMs == null ? null : duration(end.firstEventMs)],
    ["Duration", end ? duration(end.durationMs) : duration(endedAt - startedAt)],
    ["Requests", leg ? leg + 1 : null],
    ["Tokens in", usage ? integer(usage.inputTokens) : null],
    ["of them cached", usage?.cachedTokens ? integer(usage.cachedTokens) : null],
    ["Tokens out", usage ? integer(usage.outputTokens) : null],
    // The history keeps neither.
    ["Events", restored ? null : integer(end?.events ?? events)],
    ["Upstream bytes", restored || !end ? null : integer(end.upstreamBytes)],
    ["Scenario", scenario],
    ["Restored, asked at", restored ? clockTime(restored.startedAt) : null],
  ];
}
