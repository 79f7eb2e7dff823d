// Swaps parts of the page for the same parts of the server's answer.
//
//   <form method="post" action="…" data-swap="#job-7 #counts">   <a href="…" data-swap="#list">
//
// Contract (each line has a browser test):
//   * a new request for the same target aborts the former one: late answers never overtake
//   * focus and caret stay where they were, by id; fields being typed into keep their words
//   * an answer of 400 that holds the target is swapped in with its errors, and the first bad field gets the focus
//   * any other failure is told in a toast; nothing changes on the page
//   * busy targets carry aria-busy, the pressed button is disabled: no double submit
//   * a swapped GET becomes the address; Back and Forward load that address
//   * an answer without the target, or any doubt, falls back to plain navigation
import { adopt, toast } from "./toasts.js";

const running = new Map();

export function start() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.dataset.swap) return;
    event.preventDefault();
    submit(form, event.submitter);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    swap(link.href, link.dataset.swap, { push: true });
  });
  addEventListener("popstate", (event) => {
    if (event.state?.swap) swap(location.href, event.state.swap, {});
    else location.reload();
  });
}

function submit(form, button) {
  const data = new FormData(form, button);
  const method = (button?.getAttribute("formmethod") || form.method).toUpperCase();
  const action = button?.getAttribute("formaction") || form.getAttribute("action") || location.href;
  const targets = form.dataset.swap;
  if (method === "GET") {
    const url = new URL(action, location.href);
    url.search = new URLSearchParams([...data].filter(([, value]) => value !== ""));
    return swap(url.href, targets, { push: true, button });
  }
  const body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
  return swap(action, targets, { method, body, button, form });
}

export async function swap(url, targets, { method = "GET", body, push = false, button, form, quiet = false }) {
  const ids = targets.split(/[\s,]+/).filter(Boolean).map((id) => id.replace("#", ""));
  running.get(ids[0])?.abort();
  const control = new AbortController();
  running.set(ids[0], control);
  const busy = quiet ? [] : ids.map((id) => document.getElementById(id)).filter(Boolean);
  busy.forEach((part) => part.setAttribute("aria-busy", "true"));
  if (button) button.disabled = true;
  try {
    const headers = { "X-Swap": ids.join(" "), Accept: "text/html" };
    const answer = await fetch(url, { method, body, headers, signal: control.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (control.signal.aborted) return false;
    return take(page, answer, ids, { method, push, form, button, quiet });
  } catch (error) {
    if (error.name !== "AbortError" && !quiet) toast(document.body.dataset.lost);
    return false;
  } finally {
    if (running.get(ids[0]) === control) {
      running.delete(ids[0]);
      busy.forEach((part) => part.removeAttribute("aria-busy"));
    }
    if (button) button.disabled = false;
  }
}

function take(page, answer, ids, { method, push, form, button, quiet }) {
  const here = new URL(answer.url).pathname;
  const found = ids.filter((id) => page.getElementById(id) && document.getElementById(id));
  if (answer.redirected && here === "/login") return void location.assign("/login?redirect=" + encodeURIComponent(location.pathname + location.search));
  if (!found.length || (!answer.ok && answer.status !== 400 && answer.status !== 409)) {
    if (quiet) return false;
    if (answer.ok && method === "GET") location.assign(answer.url);
    else if (answer.ok && answer.redirected) location.assign(answer.url);
    else toast(page.querySelector("[data-error]")?.textContent || document.body.dataset.broken);
    return false;
  }
  const said = [...page.querySelectorAll("#toasts .toast")];
  const kept = remember() ?? (button?.id ? { id: button.id } : null); // a button loses the focus when it is disabled
  for (const id of found) replace(document.getElementById(id), page.getElementById(id));
  adopt(said);
  if (answer.ok) form?.querySelectorAll("[data-clear]").forEach((field) => { field.value = ""; });
  const bad = answer.ok ? null : document.querySelector("[aria-invalid='true']");
  if (bad) bad.focus();
  else restore(kept);
  if (push || (method !== "GET" && answer.redirected && here !== location.pathname)) {
    history.pushState({ swap: ids.map((id) => "#" + id).join(" ") }, "", answer.url);
    document.title = page.title;
  }
  document.dispatchEvent(new CustomEvent("swapped", { detail: found }));
  return true;
}

// Opened <details> with an id stay open; everything else is the server's.
export function replace(old, fresh) {
  const open = [...old.querySelectorAll("details[open][id]")].map((box) => box.id);
  const next = document.adoptNode(fresh);
  open.forEach((id) => next.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", ""));
  old.replaceWith(next);
}

function remember() {
  const field = document.activeElement;
  if (!field?.id) return null;
  return { id: field.id, value: field.value, start: field.selectionStart, end: field.selectionEnd };
}

function restore(kept) {
  const field = kept && document.getElementById(kept.id);
  if (!field || field === document.activeElement) return;
  field.focus({ preventScroll: true });
  if (kept.start === undefined || kept.start === null) return;
  if (field.type !== "hidden" && !field.hasAttribute("data-clear")) field.value = kept.value;
  field.setSelectionRange?.(kept.start, kept.end);
}
