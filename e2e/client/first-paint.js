// Not a module: it must run before the first paint, or the page would show what it takes back a moment later: the
// wrong theme, a welcome above a conversation that goes on, the place of a panel that never comes.
try {
  const { dataset } = document.documentElement;
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") dataset.theme = theme;
  if (localStorage.getItem("mode") === "live") dataset.mode = "live";
  if (sessionStorage.getItem("conversation")) dataset.restoring = "";
} catch {
  // Storage is switched off: the system's theme, a new conversation.
}
