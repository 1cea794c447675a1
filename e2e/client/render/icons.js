/** Line icons on a 20 by 20 grid, drawn in the colour of the text beside them. */

const NAMESPACE = "http://www.w3.org/2000/svg";

const PATHS = {
  alert: "M10 3.2 17.5 16.5h-15zM10 8.2v3.6M10 14.1v.2",
  arrowDown: "M10 4v12M5 11l5 5 5-5",
  arrowUp: "M10 16V4M5 9l5-5 5 5",
  browser: "M2.8 4.2h14.4v11.6H2.8zM2.8 7.6h14.4M5.3 5.9h.2M7.4 5.9h.2",
  chart: "M3.5 3v13.5H17M7 13.5v-3M10.5 13.5V6.5M14 13.5v-5",
  check: "m4.5 10.5 3.6 3.6 7.4-8.2",
  chevron: "m7.5 5 5 5-5 5",
  clock: "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4M10 6v4.2l2.8 1.7",
  close: "m5 5 10 10M15 5 5 15",
  code: "m6.5 6-4 4 4 4M13.5 6l4 4-4 4",
  copy: "M7 7h9.2v9.2H7zM13 7V3.8H3.8V13H7",
  database:
    "M3.8 5.2c0-3.2 12.4-3.2 12.4 0s-12.4 3.2-12.4 0v9.6c0 3.2 12.4 3.2 12.4 0V5.2M3.8 10c0 3.2 12.4 3.2 12.4 0",
  download: "M10 3v9.5M5.8 8.6 10 12.8l4.2-4.2M3.5 16.5h13",
  file: "M5 2.8h6.4L15.2 6.6v10.6H5zM11.2 2.8v4h4M7.6 10.4h5M7.6 13.2h5",
  globe:
    "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4M2.8 10h14.4M10 2.8c-5 5-5 9.4 0 14.4M10 2.8c5 5 5 9.4 0 14.4",
  info: "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4M10 9.2v4.4M10 6.4v.2",
  moon: "M16.4 12.2A7 7 0 0 1 7.8 3.6a7 7 0 1 0 8.6 8.6",
  plus: "M10 4v12M4 10h12",
  question:
    "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4M7.9 8a2.1 2.1 0 1 1 3.2 1.8c-.8.5-1.1.9-1.1 1.7M10 13.9v.2",
  retry: "M16.2 8.2A6.6 6.6 0 1 0 16.6 11M16.6 4v4.4h-4.4",
  search: "M8.8 3.5a5.3 5.3 0 1 0 0 10.6 5.3 5.3 0 0 0 0-10.6M12.7 12.7l4 4",
  sliders: "M3 6h7M14 6h3M3 14h3M10 14h7M12 4v4M8 12v4",
  stop: "M6 6h8v8H6z",
  sun: "M10 6.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8M10 2v1.6M10 16.4V18M2 10h1.6M16.4 10H18M4.3 4.3l1.2 1.2M14.5 14.5l1.2 1.2M15.7 4.3l-1.2 1.2M5.5 14.5l-1.2 1.2",
  table: "M3 4h14v12H3zM3 8h14M3 12h14M8.5 8v8",
  thought:
    "M10 3.2c-4 0-7 2.4-7 5.6s3 5.6 7 5.6c.7 0 1.4-.1 2-.2l3.2 2.2-.4-3.4c1.3-1 2.2-2.5 2.2-4.2 0-3.2-3-5.6-7-5.6M7 8.8h.2M10 8.8h.2M13 8.8h.2",
  wrench: "M12.6 3.4a4 4 0 0 0-4.4 5.4l-5 5a1.6 1.6 0 0 0 2.3 2.3l5-5a4 4 0 0 0 5.4-4.4l-2.4 2.4-2.2-.6-.6-2.2z",
};

export function icon(name) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NAMESPACE, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
