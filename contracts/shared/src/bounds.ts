/** Bounds that JSON Schema has and Zod has not: lengths in characters, and numbers of keys. */

import type * as z from "zod";

/** A string has at least so many characters, half pairs of UTF-16 counted once. */
export function minCharacters(minimum: number): z.core.CheckFn<string> {
  return ({ value, issues }) => {
    if (characters(value) >= minimum) return;
    issues.push({ code: "too_small", origin: "string", minimum, inclusive: true, input: value });
  };
}

/** A string has at most so many characters. */
export function maxCharacters(maximum: number): z.core.CheckFn<string> {
  return ({ value, issues }) => {
    if (value.length <= maximum || characters(value) <= maximum) return;
    issues.push({ code: "too_big", origin: "string", maximum, inclusive: true, input: value });
  };
}

/** An object has at least so many keys. */
export function minKeys(minimum: number): z.core.CheckFn<object> {
  return ({ value, issues }) => {
    if (Object.keys(value).length >= minimum) return;
    issues.push({ code: "too_small", origin: "object", minimum, inclusive: true, input: value });
  };
}

/** An object has at most so many keys. */
export function maxKeys(maximum: number): z.core.CheckFn<object> {
  return ({ value, issues }) => {
    if (Object.keys(value).length <= maximum) return;
    issues.push({ code: "too_big", origin: "object", maximum, inclusive: true, input: value });
  };
}

function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
