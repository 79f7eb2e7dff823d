// The inbox: the keys that begin a reply or a note, Ctrl+Enter, drafts kept per conversation in this tab.
const drafts = () => document.querySelectorAll("[data-draft]");

document.addEventListener("click", (event) => {
  const way = event.target.closest("[data-writes]");
  if (!way) return;
  event.preventDefault();
  document.getElementById(way.htmlFor).checked = true;
  document.getElementById(way.dataset.writes)?.focus();
});

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("[data-draft]");
  if (!field || event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    field.form.requestSubmit();
  } else if (event.key === "Escape") field.blur();
});

document.addEventListener("input", (event) => {
  const name = event.target.dataset.draft;
  if (name) sessionStorage.setItem(name, event.target.value);
});

document.addEventListener("submit", (event) => {
  for (const field of event.target.querySelectorAll("[data-draft]")) sessionStorage.removeItem(field.dataset.draft);
}, true);

function restore() {
  for (const field of drafts()) field.value ||= sessionStorage.getItem(field.dataset.draft) ?? "";
}

document.addEventListener("swapped", restore);
restore();
