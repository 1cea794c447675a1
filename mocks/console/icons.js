/** Line icons on a 20 by 20 grid, drawn in the colour of the text beside them. */

const NAMESPACE = "http://www.w3.org/2000/svg";

const PATHS = {
  alert: "M10 3.2 17.5 16.5h-15zM10 8.2v3.6M10 14.1v.2",
  back: "m12.5 4-6 6 6 6",
  check: "m4.5 10.5 3.6 3.6 7.4-8.2",
  close: "m5 5 10 10M15 5 5 15",
  copy: "M7 7h9.2v9.2H7zM13 7V3.8H3.8V13H7",
  info: "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4M10 9.2v4.4M10 6.4v.2",
  moon: "M16.4 12.2A7 7 0 0 1 7.8 3.6a7 7 0 1 0 8.6 8.6",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4.2v11.6l9-5.8z",
  plus: "M10 4v12M4 10h12",
  search: "M8.8 3.5a5.3 5.3 0 1 0 0 10.6 5.3 5.3 0 0 0 0-10.6M12.7 12.7l4 4",
  sun: "M10 6.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8M10 2v1.6M10 16.4V18M2 10h1.6M16.4 10H18M4.3 4.3l1.2 1.2M14.5 14.5l1.2 1.2M15.7 4.3l-1.2 1.2M5.5 14.5l-1.2 1.2",
  trash: "M4 5.8h12M8 5.6V3.4h4v2.2M5.6 5.8l.7 10.8h7.4l.7-10.8M8.4 8.8v5M11.6 8.8v5",
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
