/**
 * Snowflake result sets, read: columns with their meaning, cells as shown, as exported and as compared.
 * Every cell arrives as a string or null (format jsonv2); numbers stay strings, so that no digit is lost.
 */

const DAY_MS = 86_400_000;
const NUMERIC = ["fixed", "real"];
const WHOLE = /^-?\d+$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const WALL_CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
const LOCAL_CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const COLLATOR = new Intl.Collator(undefined, { numeric: true });
// 2025 in a column of years is not 2,025, and an order number is no quantity.
const LABEL_NAME = /(^|_)(year|yr|id|key|code|zip|no)$/i;

const formatters = new Map();

export function readResultSet(resultSet) {
  const types = resultSet?.resultSetMetaData?.rowType ?? [];
  const rows = resultSet?.data ?? [];
  const named = types.length
    ? types
    : (rows[0] ?? []).map((_, index) => ({ name: `Column ${index + 1}`, type: "text" }));
  const columns = named.map(({ name, type, scale }) => ({ name, type: String(type ?? "text").toLowerCase(), scale }));
  return { columns, rows, total: resultSet?.resultSetMetaData?.numRows ?? rows.length };
}

/** Rows of a chart's inline data as a result set; types are read from the values. */
export function readValues(values) {
  const names = [...new Set(values.flatMap((row) => Object.keys(row ?? {})))];
  const columns = names.map((name) => ({
    name,
    type: values.some((row) => typeof row?.[name] === "number") ? "real" : "text",
  }));
  const rows = values.map((row) => names.map((name) => asCell(row?.[name])));
  return { columns, rows, total: rows.length };
}

export function isNumeric(column) {
  return NUMERIC.includes(column.type);
}

/** The cell for reading. */
export function cellText(column, value) {
  if (value === null || value === undefined) return "null";
  const show = SHOWN[column.type];
  return show ? show(value, column) : value;
}

/** The cell for other programs: exact, dates in ISO form, null empty. */
export function cellExport(column, value) {
  if (value === null || value === undefined) return "";
  const write = EXPORTED[column.type];
  return write ? write(value) : value;
}

/** Order of two cells of one column; callers put nulls last themselves. */
export function compareCells(column, left, right) {
  if (!isNumeric(column) && !column.type.startsWith("timestamp") && !["date", "time"].includes(column.type)) {
    return COLLATOR.compare(left, right);
  }
  const difference = Number.parseFloat(left) - Number.parseFloat(right);
  // Beyond 2^53 two different numbers can read as one.
  return difference || compareExactly(left, right) || 0;
}

const SHOWN = {
  fixed: (value, column) => (DECIMAL.test(value) ? formatNumber(value, column) : value),
  real: (value, column) => (Number.isFinite(Number(value)) ? formatNumber(value, column) : value),
  boolean: (value) => (value === "true" || value === "1" ? "true" : "false"),
  date: (value) => (WHOLE.test(value) ? DATE.format(dayToDate(value)) : value),
  time: (value) => (DECIMAL.test(value) ? timeOfDay(value) : value),
  timestamp_ntz: (value) => (DECIMAL.test(value) ? WALL_CLOCK.format(secondsToDate(value)) : value),
  timestamp_ltz: (value) => (DECIMAL.test(value) ? LOCAL_CLOCK.format(secondsToDate(value)) : value),
  timestamp_tz: (value) => zoned(value, (date, zone) => `${WALL_CLOCK.format(date)} ${zone}`),
};

const EXPORTED = {
  date: (value) => (WHOLE.test(value) ? dayToDate(value).toISOString().slice(0, 10) : value),
  time: (value) => (DECIMAL.test(value) ? timeOfDay(value) : value),
  timestamp_ntz: (value) => (DECIMAL.test(value) ? isoWith(value, "") : value),
  timestamp_ltz: (value) => (DECIMAL.test(value) ? isoWith(value, "Z") : value),
  timestamp_tz: (value) => zoned(value, (date, zone) => date.toISOString().slice(0, 19) + zone),
};

/** Intl formats decimal strings without going through a float, so every digit survives. */
function formatNumber(value, column) {
  const digits = /^-?\d*\.(\d+)$/.exec(value)?.[1].length ?? 0;
  const useGrouping = !LABEL_NAME.test(column.name);
  const kind = column.type === "real" && !DECIMAL.test(value) ? "scientific" : `${digits} ${useGrouping}`;
  if (!formatters.has(kind)) {
    const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    const options =
      kind === "scientific" ? { notation: kind, maximumFractionDigits: 15 } : { ...fraction, useGrouping };
    formatters.set(kind, new Intl.NumberFormat(undefined, options));
  }
  return formatters.get(kind).format(value);
}

function compareExactly(left, right) {
  if (!DECIMAL.test(left) || !DECIMAL.test(right)) return COLLATOR.compare(left, right);
  const scale = Math.max(fractionOf(left).length, fractionOf(right).length);
  const difference = scaled(left, scale) - scaled(right, scale);
  return difference < 0n ? -1 : Number(difference > 0n);
}

function fractionOf(value) {
  return value.split(".")[1] ?? "";
}

function scaled(value, scale) {
  return BigInt(value.split(".")[0] + fractionOf(value).padEnd(scale, "0"));
}

function asCell(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function dayToDate(days) {
  return new Date(Number(days) * DAY_MS);
}

function secondsToDate(seconds) {
  return new Date(Math.round(Number(seconds) * 1000));
}

function timeOfDay(seconds) {
  return new Date(Math.floor(Number(seconds)) * 1000).toISOString().slice(11, 19);
}

function isoWith(seconds, zone) {
  return secondsToDate(seconds).toISOString().slice(0, 19) + zone;
}

/** TIMESTAMP_TZ is "<seconds> <offset minutes + 1440>". */
function zoned(value, write) {
  const [seconds, shifted] = value.split(" ");
  if (!DECIMAL.test(seconds) || !WHOLE.test(shifted ?? "")) return value;
  const offset = Number(shifted) - 1440;
  const clock = new Date(Math.abs(offset) * 60_000).toISOString().slice(11, 16);
  return write(secondsToDate(Number(seconds) + offset * 60), `${offset < 0 ? "-" : "+"}${clock}`);
}
