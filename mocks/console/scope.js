/** For whom a scenario or a fault is set: everyone, or one test. */

import { h } from "./dom.js";

/** Dispatches `change`; `test` is null for everyone. */
export class Scope extends EventTarget {
  test = null;

  choose(test) {
    const chosen = test?.trim() || null;
    if (chosen === this.test) return;
    this.test = chosen;
    this.dispatchEvent(new Event("change"));
  }

  /** The query that limits an admin route to it. */
  get query() {
    return { test_id: this.test };
  }

  get words() {
    return this.test === null ? "everyone" : `test ${this.test}`;
  }
}

/** The control; it follows the scope wherever that is changed. `known()` gives test ids to offer. */
export function scopeControl(scope, known) {
  const id = `tests-${Math.random().toString(36).slice(2)}`;
  const offers = h("datalist", { id });
  const input = h("input", {
    type: "text",
    placeholder: "everyone",
    list: id,
    maxlength: 200,
    autocomplete: "off",
    spellcheck: "false",
    value: scope.test ?? "",
  });
  input.addEventListener("focus", () => offers.replaceChildren(...known().map((value) => h("option", { value }))));
  input.addEventListener("change", () => scope.choose(input.value));
  scope.addEventListener("change", () => {
    input.value = scope.test ?? "";
  });
  input.id = `${id}-input`;
  input.setAttribute("aria-describedby", `${id}-hint`);
  const hint = h("span", {
    class: "fine-print",
    id: `${id}-hint`,
    text: "A test id limits it to requests that carry this X-Test-Id; empty means everyone.",
  });
  return h(
    "div",
    { class: "field scope" },
    h("label", { class: "field-name", for: input.id, text: "For" }),
    input,
    offers,
    hint,
  );
}
