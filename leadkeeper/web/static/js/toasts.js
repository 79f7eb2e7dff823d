// Messages at the edge of the page. Good ones leave by themselves, bad ones stay until the reader closes them.
const STAYS = 6000;

export const region = () => document.getElementById("toasts");

export function toast(words, kind = "bad") {
  const line = document.createElement("p");
  line.className = `toast is-${kind}`;
  const text = document.createElement("span");
  text.textContent = words;
  line.append(text);
  region()?.append(line);
  age(line);
}

export function adopt(lines) {
  for (const line of lines) {
    region()?.append(line);
    age(line);
  }
}

function age(line) {
  if (line.classList.contains("is-bad")) {
    const close = document.createElement("button");
    close.type = "button";
    close.className = "quiet small";
    close.textContent = "×";
    close.setAttribute("aria-label", document.querySelector(".dialog-head button")?.getAttribute("aria-label") ?? "×");
    close.addEventListener("click", () => line.remove());
    line.append(close);
  } else {
    setTimeout(() => line.remove(), STAYS);
    line.addEventListener("click", () => line.remove());
  }
}

export function start() {
  if (document.body.classList.contains("desk")) region()?.querySelectorAll(".toast").forEach(age);
}
