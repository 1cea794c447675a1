/** The session in the page's head: when its token is renewed, and when it ends for good. */

import { clockTime, countdown } from "./format.js";
import { h } from "./render/dom.js";
import { icon } from "./render/icons.js";

export function startSessionChip(chip, session) {
  const time = h("span", { class: "session-time" });
  chip.replaceChildren(icon("clock"), h("span", { class: "wide-only", text: "Session renews in" }), time);
  const show = () => {
    const { current } = session;
    chip.hidden = !current;
    if (!current) return;
    time.textContent = countdown(current.renewsAt - Date.now());
    chip.title = `Session ${current.sessionId}, ends at ${clockTime(current.sessionEndsAt)} at the latest`;
  };
  session.onChange(show);
  setInterval(show, 1000);
  show();
}
