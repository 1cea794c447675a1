/** What this browser keeps, where it allows that: choices between visits, a session and its conversation in its tab. */

const CHOICES = "localStorage";
const TAB = "sessionStorage";

export const recall = (name) => read(CHOICES, name);
export const recallInTab = (name) => read(TAB, name);

/** Keep a value; null forgets it. */
export const remember = (name, value) => write(CHOICES, name, value);

/** Keep a value until the tab is closed; null forgets it. */
export const rememberInTab = (name, value) => write(TAB, name, value);

function read(area, name) {
  try {
    return globalThis[area].getItem(name);
  } catch {
    return null;
  }
}

function write(area, name, value) {
  try {
    if (value === null) globalThis[area].removeItem(name);
    else globalThis[area].setItem(name, value);
  } catch {
    // Storage is switched off, or full: it holds until the page is left.
  }
}
