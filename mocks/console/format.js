/** Quantities and instants as a reader's locale writes them. */

const INTEGER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const SECONDS = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function integer(value) {
  return INTEGER.format(value);
}

/** Milliseconds as read at a glance. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 10) return `${TENTHS.format(ms)} ms`;
  if (ms < 1000) return `${INTEGER.format(ms)} ms`;
  if (ms < 60_000) return `${SECONDS.format(ms / 1000)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Milliseconds where tenths count. */
export function precise(ms) {
  return `${TENTHS.format(ms)} ms`;
}

export function bytes(count) {
  if (count < 1024) return `${INTEGER.format(count)} B`;
  if (count < 1024 * 1024) return `${TENTHS.format(count / 1024)} KiB`;
  return `${TENTHS.format(count / 1024 / 1024)} MiB`;
}

export function clock(atSeconds) {
  return CLOCK.format(new Date(atSeconds * 1000));
}

export function moment(atSeconds) {
  return MOMENT.format(new Date(atSeconds * 1000));
}

export function plural(count, one, many = `${one}s`) {
  return `${INTEGER.format(count)} ${count === 1 ? one : many}`;
}

/** JSON text laid out, anything else as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
