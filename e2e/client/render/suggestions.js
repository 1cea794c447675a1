/** Questions the agent proposes; each asks itself. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

export function suggestionsView(queries, ask) {
  const buttons = queries.map((query) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "suggestion", "data-asks": true, onclick: () => ask(query) },
        h("span", { text: query }),
        icon("chevron"),
      ),
    ),
  );
  return {
    element: h(
      "section",
      { class: "suggestions", "aria-label": "Suggested questions" },
      h("h3", { text: "Ask next" }),
      h("ul", {}, buttons),
    ),
  };
}
