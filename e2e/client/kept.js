/** Which turns this tab shows, kept so that they can be shown again when the page is loaded anew. */

import { recallInTab, rememberInTab } from "./storage.js";

const NAME = "conversation";

export class Kept {
  #told = read();

  /** {sessionId, turnIds, isWhole} of the conversation; null when nothing was asked. */
  get told() {
    return this.#told;
  }

  /** A turn of a session has begun. What another session asked is out of reach for this one. */
  add({ sessionId, turnId }) {
    const before = this.#told ?? { sessionId, turnIds: [], isWhole: true };
    const goesOn = before.sessionId === sessionId;
    this.#write({
      sessionId,
      turnIds: [...(goesOn ? before.turnIds : []), turnId],
      isWhole: before.isWhole && goesOn,
    });
  }

  forget() {
    this.#write(null);
  }

  #write(told) {
    this.#told = told;
    rememberInTab(NAME, told && JSON.stringify(told));
  }
}

function read() {
  try {
    const told = JSON.parse(recallInTab(NAME));
    return typeof told?.sessionId === "string" && told.turnIds?.length ? told : null;
  } catch {
    return null;
  }
}
