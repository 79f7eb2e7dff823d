// Single keys, never while typing: ? the sheet, / search, g 1…9 pages, j k rows, o open, and data-key="x" of the page.
let going = 0;

export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    if (press(event.key)) event.preventDefault();
  });
}

function press(key) {
  if (going && /^[1-9]$/.test(key)) return go(Number(key));
  going = 0;
  if (key === "g") going = setTimeout(() => { going = 0; }, 1500);
  else if (key === "?") document.getElementById("keys")?.showModal();
  else if (key === "/") return focus(document.querySelector("input[type='search']"));
  else if (key === "j" || key === "k") return step(key === "j" ? 1 : -1);
  else if (key === "o") return click(document.querySelector("[data-row][data-at] [data-open-row]"));
  else return click(document.querySelector(`[data-key="${CSS.escape(key)}"]`));
  return true;
}

function go(number) {
  going = 0;
  return click(document.querySelectorAll("#rail a")[number - 1]);
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  if (!rows.length) return false;
  const focused = rows.findIndex((row) => row.contains(document.activeElement));
  const now = focused < 0 ? rows.findIndex((row) => row.hasAttribute("data-at")) : focused;
  const next = rows[Math.min(rows.length - 1, Math.max(0, now + by))];
  rows.forEach((row) => row.removeAttribute("data-at"));
  next.setAttribute("data-at", "");
  next.scrollIntoView({ block: "nearest" });
  return focus(next.querySelector("[data-open-row]")) || true;
}

function focus(element) {
  element?.focus();
  return Boolean(element);
}

function click(element) {
  if (element?.matches("input, textarea, select")) return focus(element);
  element?.click();
  return Boolean(element);
}
