/** What this page measures of itself; answers are measured by the client. */

import { onCLS, onINP, onLCP } from "./vendor/web-vitals.js";

/** Report this page's web vitals and failures through `measure(metric)`. */
export function startMeasuring(measure) {
  onLCP(oncePerView(({ value }) => measure({ name: "lcp_s", value: value / 1000 })));
  onINP(oncePerView(({ value }) => measure({ name: "inp_s", value: value / 1000 })));
  onCLS(oncePerView(({ value }) => measure({ name: "cls", value })));
  const failed = (kind) => measure({ name: "page_error", value: 1, label: kind });
  document.addEventListener("pagefault", ({ detail }) => failed(detail));
  addEventListener("error", () => failed("script"));
  addEventListener("unhandledrejection", () => failed("script"));
}

/** Tell of a failure that the reader was told of, too: "render" or "network". */
export function tellFault(kind) {
  document.dispatchEvent(new CustomEvent("pagefault", { detail: kind }));
}

/** `report(vital)`, but once for each view: a vital is told again when the page is hidden again, and the proxy counts. */
export function oncePerView(report) {
  let told = null;
  return (vital) => {
    if (vital.id === told) return;
    told = vital.id;
    report(vital);
  };
}
