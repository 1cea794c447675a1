/** The scenarios: what each does, which is active for whom, and how to try it. */

import { ask } from "./api.js";
import { command, h, notice, setChildren } from "./dom.js";
import { icon } from "./icons.js";
import { scopeControl } from "./scope.js";

export class ScenariosView {
  #scenarios = [];
  #active = null;
  #turn = 0;

  constructor({ scope, tests, example, compose, onChange }) {
    Object.assign(this, { scope, example, compose, onChange });
    this.problem = h("div", { role: "alert" });
    this.now = h("p", { class: "now", role: "status" });
    this.cards = h("ul", { class: "cards" });
    this.try = h("section", { class: "panel", "aria-label": "Try it" });
    this.search = h("input", {
      type: "search",
      placeholder: "Search scenarios",
      "aria-label": "Search scenarios",
      maxlength: 200,
      autocomplete: "off",
    });
    this.search.addEventListener("input", () => this.#showCards());
    this.element = h(
      "section",
      { class: "page", "aria-labelledby": "scenarios-title" },
      h("h2", { id: "scenarios-title", text: "Scenarios" }),
      h("p", {
        class: "lead",
        text: "A scenario gives every answer a named behaviour, until it is cleared. A request can also ask for one itself, with the header X-Mock-Scenario.",
      }),
      h("div", { class: "bar" }, scopeControl(scope, tests), this.now),
      this.problem,
      this.try,
      h("div", { class: "search found" }, icon("search"), this.search),
      this.cards,
    );
    scope.addEventListener("change", () => this.load());
  }

  async load() {
    const turn = ++this.#turn;
    try {
      const [scenarios, active] = await Promise.all([
        ask("scenarios"),
        ask("scenarios/active", { query: this.scope.query }),
      ]);
      if (turn !== this.#turn) return;
      this.#scenarios = scenarios;
      this.#active = active.scenario;
      this.problem.replaceChildren();
      this.#show();
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
    }
  }

  async #set(scenario) {
    const turn = ++this.#turn;
    try {
      const { query } = this.scope;
      const set = scenario === null ? { method: "DELETE", query } : { method: "PUT", query, body: { scenario } };
      const active = (await ask("scenarios/active", set)).scenario;
      this.onChange();
      if (turn !== this.#turn) {
        this.load(); // what was asked meanwhile may have been answered before this was set
        return;
      }
      this.#active = active;
      this.problem.replaceChildren();
      this.#show();
      // The cards are new ones now, the button that was pressed is gone.
      this.cards.querySelector("button")?.focus();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    this.problem.replaceChildren(notice("warning", h("p", { text: error.message })));
  }

  #show() {
    const told = this.#active
      ? [h("strong", { text: this.#active }), ` is active for ${this.scope.words}.`]
      : [`No scenario is active for ${this.scope.words}.`];
    const clear = h(
      "button",
      { type: "button", class: "button small", onclick: () => this.#set(null) },
      icon("close"),
      "Clear",
    );
    this.now.replaceChildren(...told, this.#active ? clear : "");
    this.now.classList.toggle("active", Boolean(this.#active));
    this.#showCards();
    this.#showTry();
  }

  /** What to ask is known better now. */
  retell() {
    if (this.try.firstChild) this.#showTry();
  }

  #showTry() {
    const headers = this.scope.test === null ? {} : { "x-test-id": this.scope.test };
    this.try.replaceChildren(
      h("p", {
        text: this.#active ? "The next answer behaves so. To see it, ask:" : "Activate a scenario below, then ask:",
      }),
      command(this.example(headers)),
    );
  }

  /** The active one first. */
  #showCards() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (each) =>
      words.every((word) =>
        `${each.scenario} ${each.about} ${JSON.stringify(each.fault ?? "")}`.toLowerCase().includes(word),
      );
    const found = this.#scenarios.filter(fits);
    const isActive = ({ scenario }) => Number(scenario === this.#active);
    const cards = found.toSorted((a, b) => isActive(b) - isActive(a)).map((each) => this.#card(each));
    setChildren(
      this.cards,
      cards.length ? cards : [h("li", { class: "fine-print", text: "No scenario fits this search." })],
    );
  }

  #card(scenario) {
    const isActive = scenario.scenario === this.#active;
    const button = h(
      "button",
      {
        type: "button",
        class: isActive ? "button small primary" : "button small",
        "aria-pressed": String(isActive),
        "aria-label": `${isActive ? "Active" : "Activate"} ${scenario.scenario}`,
        onclick: () => this.#set(isActive ? null : scenario.scenario),
      },
      icon(isActive ? "check" : "play"),
      h("span", { text: isActive ? "Active" : "Activate" }),
    );
    const compose = scenario.fault
      ? h(
          "button",
          {
            type: "button",
            class: "button small quiet",
            onclick: () => this.compose({ fault: scenario.fault, cassette: scenario.cassettes?.[0] }),
          },
          icon("wrench"),
          h("span", { text: "Open in the composer" }),
        )
      : null;
    return h(
      "li",
      { class: isActive ? "card active" : "card" },
      h("h3", { text: scenario.scenario }),
      h("p", { text: scenario.about }),
      scenario.cassettes?.length
        ? h("p", { class: "fine-print", text: `Plays ${scenario.cassettes.join(", ")}.` })
        : null,
      scenario.fault
        ? h("pre", { class: "code small", tabindex: "0" }, h("code", { text: JSON.stringify(scenario.fault) }))
        : h("p", { class: "fine-print", text: "No fault: it chooses what is played." }),
      h("div", { class: "actions" }, button, compose),
    );
  }
}
