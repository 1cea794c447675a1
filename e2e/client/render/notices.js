/** What the reader must know beside the answer: warnings, failures, a stop. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

export function warningNotice({ message, code }) {
  return h(
    "div",
    { class: "notice warning", role: "note" },
    icon("alert"),
    h(
      "div",
      {},
      h("p", { text: message }),
      code ? h("p", { class: "fine-print" }, "Code ", h("code", { text: String(code) })) : null,
    ),
  );
}

export function plainNotice(text, iconName = "info") {
  return h("p", { class: "notice", role: "note" }, icon(iconName), h("span", { text }));
}

/** A notice with a way out. `asks`: whether the button asks the agent. */
export function buttonNotice(text, { iconName, label, run, asks = false }) {
  const button = h(
    "button",
    { type: "button", class: "button quiet small", "data-asks": asks, onclick: run },
    icon("retry"),
    label,
  );
  const kind = iconName === "stop" ? "notice acting stopped" : "notice acting";
  return h("div", { class: kind, role: "note" }, icon(iconName), h("span", { text }), button);
}

/** A failed turn. `retry` asks the same question again. */
export function problemCard(turn, retry) {
  const problem = turn.problem;
  const upstream = turn.upstreamError;
  const again = { type: "button", class: "button", "data-asks": true, onclick: retry };
  const button = h("button", again, icon("retry"), "Try again");
  return h(
    "section",
    { class: "problem", "aria-label": "Error" },
    h("h3", {}, icon("alert"), h("span", { text: problem.title })),
    problem.detail ? h("p", { class: "problem-detail preserve", text: problem.detail }) : null,
    fieldErrors(problem.errors),
    facts([
      ["Type", String(problem.type ?? "unknown").split("/").pop(), problem.type],
      // A connection that was lost had begun well, and one that never was has none.
      ["Status", problem.status >= 400 ? problem.status : null],
      ["Upstream code", problem.upstreamCode ?? upstream?.code ?? upstream?.error_code],
      ["Upstream message", upstream?.message === problem.detail ? null : upstream?.message],
      ["Upstream request", upstream?.request_id],
      ["Trace id", problem.traceId ?? turn.ids.traceId],
      ["Request", problem.instance],
    ]),
    h("div", { class: "problem-actions" }, button, waitHint(problem)),
  );
}

/** Pairs of name and value as a definition list; pairs without a value are left out. */
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "facts" },
    told.map(([name, value, title]) => h("div", {}, h("dt", { text: name }), h("dd", { title, text: String(value) }))),
  );
}

function waitHint(problem) {
  if (problem.retryAfterS)
    return h("span", { class: "fine-print", text: `Wait ${problem.retryAfterS} s before you try again.` });
  return problem.retryable === false
    ? h("span", { class: "fine-print", text: "Trying again without a change will probably fail again." })
    : null;
}

function fieldErrors(errors) {
  if (!errors?.length) return null;
  return h(
    "ul",
    { class: "field-errors" },
    errors.map(({ pointer, detail }) => h("li", {}, h("code", { text: pointer }), ` ${detail}`)),
  );
}
