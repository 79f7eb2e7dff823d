// What every page runs. Without it everything still works: these modules only make plain forms and links quicker.
import "./chart.js";
import { start as live } from "./live.js";
import { start as keys } from "./keys.js";
import { start as swap } from "./swap.js";
import { start as toasts, toast } from "./toasts.js";

document.documentElement.classList.add("js");
for (const chosen of document.querySelectorAll(":is(.tabs, .segments) > [aria-current]")) chosen.scrollIntoView({ block: "nearest", inline: "center" });
swap();
toasts();
keys();
live();

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) await copied(copy);
  const open = event.target.closest("[data-open]");
  if (open) document.getElementById(open.dataset.open)?.showModal();
  for (const box of document.querySelectorAll("details.me[open], details.confirm[open]")) {
    if (!box.contains(event.target)) box.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const box of document.querySelectorAll("details.me[open], details.confirm[open]")) {
    box.open = false;
    box.querySelector("summary").focus();
  }
});

// Browsers give the clipboard to https and this machine only; elsewhere the text is marked, and copied the old way.
async function copied(button) {
  const shown = button.parentElement.querySelector("code");
  if (!navigator.clipboard) getSelection().selectAllChildren(shown);
  const done = navigator.clipboard ? await navigator.clipboard.writeText(button.dataset.copy).then(() => true, () => false) : document.execCommand("copy");
  toast(done ? button.dataset.done : button.dataset.failed, done ? "ok" : "bad");
}

export { toast };
