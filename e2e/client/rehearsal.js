/** What this page may choose in a rehearsal: a scenario and the pace of the replay, sent as W3C baggage. */

import { recall, remember } from "./storage.js";

export const PACES = [
  { name: "default", label: "Default", about: "As the stand-in was started", factor: null },
  { name: "real-time", label: "Real time", about: "With the pauses that the cassette holds", factor: 1 },
  { name: "fast", label: "4\u00d7 faster", about: "A quarter of the pauses", factor: 0.25 },
  { name: "at-once", label: "At once", about: "Without any pause", factor: 0 },
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
  pace = paceNamed(recall("pace"));

  chooseScenario(scenario) {
    this.scenario = scenario;
    this.dispatchEvent(new Event("change"));
  }

  choosePace(name) {
    this.pace = paceNamed(name);
    remember("pace", this.pace.factor === null ? null : name);
    this.dispatchEvent(new Event("change"));
  }

  /** What a request carries: {scenario, baggage}. */
  forRequest() {
    const members = [];
    if (this.scenario) members.push(`mock.scenario=${encodeURIComponent(this.scenario)}`);
    if (this.pace.factor !== null) members.push(`mock.pace=${this.pace.factor}`);
    return { scenario: this.scenario, baggage: members.join(",") || null };
  }
}

function paceNamed(name) {
  return PACES.find((pace) => pace.name === name) ?? PACES[0];
}
