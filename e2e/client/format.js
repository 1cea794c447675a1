/** Quantities as a reader's locale writes them. */

const INTEGER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const SECONDS = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

export function integer(value) {
  return INTEGER.format(value);
}

export function duration(ms) {
  if (ms < 1000) return `${INTEGER.format(Math.max(0, ms))} ms`;
  if (ms < 60_000) return `${SECONDS.format(ms / 1000)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** A duration whose milliseconds nobody wants to read; never none at all. */
export function roughDuration(ms) {
  return ms < 1000 ? `${SECONDS.format(Math.max(100, ms) / 1000)} s` : duration(ms);
}

export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function clockTime(ms) {
  return CLOCK.format(new Date(ms));
}

export function plural(count, one, many = `${one}s`) {
  return `${integer(count)} ${count === 1 ? one : many}`;
}
