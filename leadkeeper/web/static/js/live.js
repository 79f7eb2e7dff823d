// One EventSource per tab. Signals name topics; parts that carry data-live="topic topic" and an id are fetched again
// from this page's own address. Numbers with data-stat="name" are written as they come.
//   jobs, worker, inbox, conversation:12 …   a topic matches itself; data-live="conversation" matches every conversation
//   *                                        matches everything
import { replace } from "./swap.js";

const APART = 1000; // ms between two refreshes of this tab
const HIDDEN = 60_000; // a tab hidden for this long closes its stream
const STALE = 60_000; // relative times are refreshed at least this often

let source = null;
let wanted = new Set();
let last = 0;
let timer = 0;
let lost = 0;
let hiding = 0;

export function start() {
  if (!document.body.dataset.events) return;
  open();
  setInterval(() => ask(["*"]), STALE);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) {
      hiding = setTimeout(close, HIDDEN);
    } else if (!source) {
      open();
      ask(["*"]);
    } else if (wanted.size) schedule();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) { open(); ask(["*"]); }
  });
}

function open() {
  close();
  source = new EventSource(document.body.dataset.events);
  source.addEventListener("hello", found);
  source.addEventListener("signal", (event) => ask(JSON.parse(event.data)));
  source.addEventListener("resync", () => ask(["*"]));
  source.addEventListener("figures", (event) => write(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    lost ||= setTimeout(() => show(true), 3000);
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => !document.hidden && open(), 30_000);
  });
}

function close() {
  source?.close();
  source = null;
}

function found() {
  if (!document.getElementById("offline").hidden) ask(["*"]);
  clearTimeout(lost);
  lost = 0;
  show(false);
}

function show(offline) {
  document.getElementById("offline").hidden = !offline;
}

function ask(topics) {
  topics.forEach((topic) => wanted.add(topic));
  document.dispatchEvent(new CustomEvent("signal", { detail: topics }));
  schedule();
}

function schedule() {
  if (timer || document.hidden) return;
  timer = setTimeout(refresh, Math.max(0, last + APART - Date.now()));
}

async function refresh() {
  const topics = wanted;
  wanted = new Set();
  last = Date.now();
  const parts = [...document.querySelectorAll("[data-live][id]")].filter((part) => concerns(part, topics) && !inUse(part));
  try {
    if (parts.length) await fetchParts(parts.map((part) => part.id));
  } catch {
    // The stream's own error shows the offline bar; the next signal or minute asks again.
  } finally {
    timer = 0;
    if (wanted.size) schedule();
  }
}

async function fetchParts(ids) {
  const answer = await fetch(location.href, { headers: { "X-Swap": ids.join(" "), Accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname === "/login") return location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (old && fresh && !inUse(old) && old.outerHTML !== fresh.outerHTML) keepingFocus(() => replace(old, fresh));
  }
  document.dispatchEvent(new CustomEvent("swapped", { detail: ids }));
}

function keepingFocus(act) {
  const focused = document.activeElement;
  const path = focused?.id ? `#${CSS.escape(focused.id)}` : focused?.getAttribute?.("href") ? `[href="${CSS.escape(focused.getAttribute("href"))}"]` : "";
  act();
  if (path && !focused.isConnected) document.querySelector(path)?.focus({ preventScroll: true });
}

function concerns(part, topics) {
  const mine = part.dataset.live.split(/\s+/);
  return topics.has("*") || mine.includes("*") || mine.some((word) => topics.has(word) || [...topics].some((topic) => topic.startsWith(word + ":")));
}

// Somebody types in it, chose text in it, reads its chart, or has opened a question in it: it waits for the next signal.
function inUse(part) {
  const focused = document.activeElement;
  const typing = part.contains(focused) && focused.matches("input, textarea, select");
  const chosen = !getSelection().isCollapsed && part.contains(getSelection().anchorNode);
  const read = part.querySelector("live-chart svg:is(:hover, :focus)") !== null;
  return typing || chosen || read || part.hasAttribute("aria-busy") || part.querySelector("details[open]:not([id])") !== null;
}

function write(figures) {
  const shape = new Intl.NumberFormat("en");
  for (const [name, value] of Object.entries(figures)) {
    for (const place of document.querySelectorAll(`[data-stat="${CSS.escape(name)}"]`)) {
      place.textContent = typeof value === "number" ? shape.format(value) : value;
      place.toggleAttribute("data-none", value === 0);
    }
  }
  document.dispatchEvent(new CustomEvent("figures", { detail: figures }));
}
