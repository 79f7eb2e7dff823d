// <script src="https://your-desk/chat.js" async></script> adds a button, and the chat in a frame, to any page.
// data-lang="ar" on the script chooses the language; the page's own is taken otherwise.
(() => {
  const script = document.currentScript;
  const lang = script.dataset.lang || document.documentElement.lang.slice(0, 2) || "en";
  const rtl = lang === "ar";
  const words = rtl ? ["افتح الدردشة", "أغلق الدردشة", "دردشة"] : ["Open the chat", "Close the chat", "Chat"];
  const host = document.createElement("div");
  host.style.setProperty("all", "initial");
  const root = host.attachShadow({ mode: "open" });
  const look = new CSSStyleSheet();
  look.replaceSync(`
    :host { color-scheme: light dark; }
    button, iframe { position: fixed; z-index: 2147483000; inset-inline-end: max(1rem, env(safe-area-inset-right)); border: 0; }
    button { inset-block-end: max(1rem, env(safe-area-inset-bottom)); inline-size: 56px; block-size: 56px; border-radius: 50%; cursor: pointer; background: #00684a; color: #fff; box-shadow: 0 6px 24px rgb(0 0 0 / .25); display: grid; place-items: center; }
    button:focus-visible { outline: 3px solid #7fd6b5; outline-offset: 2px; }
    svg { width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
    iframe { inset-block-end: calc(max(1rem, env(safe-area-inset-bottom)) + 68px); inline-size: min(380px, calc(100vw - 2rem)); block-size: min(600px, calc(100dvh - 7rem)); border-radius: 16px; background: #fff; box-shadow: 0 12px 48px rgb(0 0 0 / .28); }
    [hidden] { display: none; }
    @media (max-width: 480px) { iframe { inset: 0 0 auto; inline-size: 100vw; block-size: calc(100dvh - 84px); border-radius: 0; } }`);
  root.adoptedStyleSheets = [look];
  const button = document.createElement("button");
  button.type = "button";
  const icons = ["M4 5h16v11h-9l-4 4v-4H4z", "M6 6l12 12M18 6L6 18"];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  button.append(svg);
  let frame = null;
  const show = (open) => {
    if (open && !frame) {
      frame = document.createElement("iframe");
      frame.title = words[2];
      frame.src = new URL(`/chat?lang=${encodeURIComponent(lang)}`, script.src).href;
      root.insertBefore(frame, button);
    }
    if (frame) frame.hidden = !open;
    path.setAttribute("d", icons[open ? 1 : 0]);
    button.setAttribute("aria-label", words[open ? 1 : 0]);
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => show(!frame || frame.hidden));
  root.addEventListener("keydown", (event) => { if (event.key === "Escape") { show(false); button.focus(); } });
  root.append(button);
  show(false);
  const place = () => { host.dir = rtl ? "rtl" : "ltr"; document.body.append(host); };
  if (document.body) place();
  else addEventListener("DOMContentLoaded", place);
})();
