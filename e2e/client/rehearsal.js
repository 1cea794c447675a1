/** What this page may choose in a rehearsal: a scenario and the pace of the replay, sent as W3C baggage. */

import { recall, remember } from "./storage.js";

export const PACES = [
  { name: "recorded", label: "Recorded", factor: 1 },
  { name: "fast", label: "4\u00d7 faster", factor: 0.25 },
  { name: "at-once", label: "At once", factor: 0 },
];

/** The stand-in's questions and scenarios; null when this page talks to a live agent. */
export async function loadRehearsal() {
  const response = await fetch("/rehearsal.json").catch(() => null);
  if (!response?.ok) return null;
  const { mode, questions = [], scenarios = [] } = await response.json();
  return mode === "rehearsal" ? { questions, scenarios } : null;
}

export class Choice extends EventTarget {
  scenario = null;
  // Without a choice nothing is sent, and the stand-in plays at the pace it was started with.
  pace = PACES.find(({ name }) => name === recall("pace")) ?? null;

  chooseScenario(scenario) {
    this.scenario = scenario;
    this.dispatchEvent(new Event("change"));
  }

  choosePace(name) {
    this.pace = PACES.find((pace) => pace.name === name) ?? null;
    remember("pace", this.pace?.name ?? null);
    this.dispatchEvent(new Event("change"));
  }

  /** What a request carries: {scenario, baggage}. */
  forRequest() {
    const members = [];
    if (this.scenario) members.push(`mock.scenario=${encodeURIComponent(this.scenario)}`);
    if (this.pace) members.push(`mock.pace=${this.pace.factor}`);
    return { scenario: this.scenario, baggage: members.join(",") || null };
  }
}
