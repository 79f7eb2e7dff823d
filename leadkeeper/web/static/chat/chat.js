// The visitor's chat. Plain text only. Each message has an id of its own, so trying again never says it twice.
const KEY = "leadkeeper.chat";
const PATH = "/api/webhooks/webchat";
const words = document.body.dataset;
const thread = document.getElementById("thread");
const note = document.getElementById("note");
const field = document.getElementById("text");
const shown = new Map(); // server id, or the browser's own id while it is on its way -> line
const state = load() ?? fresh();
let place = 0;
let sending = false;
let streaming = null;

function fresh() {
  return { session: crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint32Array(4))].join("-"), token: "", waiting: [] };
}

// Storage may be refused inside a frame of another site: then the chat lives as long as the page.
function load() {
  try { return JSON.parse(localStorage.getItem(KEY)); } catch { return null; }
}

function keep() {
  try { localStorage.setItem(KEY, JSON.stringify(state)); } catch { /* lives as long as the page */ }
}

function line(id, text, { by = "visitor", at = new Date(), waits = false } = {}) {
  const old = shown.get(id);
  const item = old ?? document.createElement("div");
  item.className = by === "visitor" ? "mine" : "theirs";
  item.classList.toggle("unsent", waits);
  const said = document.createElement("p");
  said.dir = "auto";
  said.textContent = text;
  const about = document.createElement("small");
  const who = document.createElement("span");
  who.className = by === "visitor" ? "unseen" : "by";
  who.textContent = { visitor: words.you, person: words.person }[by] ?? words.assistant;
  const time = document.createElement("time");
  time.dateTime = at.toISOString();
  time.textContent = waits ? words.sending : at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  about.append(who, time);
  item.replaceChildren(said, about);
  if (!old) {
    const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
    thread.append(item);
    if (atEnd || by === "visitor") thread.scrollTop = thread.scrollHeight;
  }
  shown.set(id, item);
  return item;
}

function take(message) {
  const own = message.clientMessageId;
  if (own && shown.has(own)) {
    shown.set(message.id, shown.get(own));
    shown.delete(own);
    state.waiting = state.waiting.filter((each) => each.id !== own);
    keep();
    if (!state.waiting.length) say("");
  }
  line(message.id, message.text, { by: message.by, at: new Date(message.at) });
}

async function send() {
  if (sending) return;
  sending = true;
  let pause = 1000;
  while (state.waiting.some((each) => !each.refused)) {
    const message = state.waiting.find((each) => !each.refused);
    const outcome = await post(message);
    if (outcome === "taken") {
      pause = 1000;
      state.waiting = state.waiting.filter((each) => each.id !== message.id);
      line(message.id, message.text, { at: new Date(message.at) });
      keep();
      say("");
      if (!streaming) listen();
    } else if (outcome === "refused") refuse(message);
    else if (outcome !== "again") {
      say(outcome > 0 ? words.slow : words.unsent);
      await new Promise((done) => setTimeout(done, outcome || (pause = Math.min(pause * 2, 30_000))));
    }
  }
  sending = false;
}

// "taken", "refused", "again" (the session was not ours: a new one), or the milliseconds to wait (0: as usual).
async function post(message) {
  const body = { sessionId: state.session, message: message.text, clientMessageId: message.id, timestamp: message.at, visitorToken: state.token };
  try {
    const answer = await fetch(PATH, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.status === 429) return 1000 * (Number(answer.headers.get("Retry-After")) || 5);
    if (answer.status >= 500) return 0;
    if (!answer.ok) return "refused";
    const token = (await answer.json()).visitorToken;
    if (!token) {
      state.session = fresh().session;
      state.token = "";
      return "again";
    }
    state.token = token;
    return "taken";
  } catch {
    return 0;
  }
}

function refuse(message) {
  message.refused = true;
  keep();
  const item = line(message.id, message.text, { at: new Date(message.at) });
  item.classList.add("refused");
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = words.retry;
  again.addEventListener("click", () => {
    delete message.refused;
    line(message.id, message.text, { at: new Date(message.at), waits: true });
    send();
  });
  item.lastChild.replaceChildren(words.refused, again);
}

async function listen() {
  if (streaming || !state.token) return;
  streaming = new AbortController();
  const url = `${PATH}/stream?sessionId=${encodeURIComponent(state.session)}&after=${place}`;
  let pause = 2000;
  try {
    const answer = await fetch(url, { headers: { "X-Visitor-Token": state.token }, signal: streaming.signal });
    if (answer.status === 403) return void (state.token = "", keep());
    if (answer.ok) await read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    else pause = 10_000;
  } catch {
    // The connection is gone, or the page is hidden; it is opened again below.
  } finally {
    streaming = null;
    if (!document.hidden && state.token) setTimeout(listen, pause);
  }
}

async function read(reader) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const parts = Object.fromEntries(event.split("\n").map((each) => each.split(/: ?(.*)/s).slice(0, 2)));
      if (parts.event === "message") take(JSON.parse(parts.data));
      if (parts.id) place = Number(parts.id);
    }
  }
}

function say(text) {
  note.textContent = text;
  note.hidden = !text;
}

document.getElementById("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  const message = { id: fresh().session, text, at: new Date().toISOString() };
  state.waiting.push(message);
  keep();
  line(message.id, text, { waits: true });
  field.value = "";
  send();
});
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  field.form.requestSubmit();
});
document.addEventListener("visibilitychange", () => (document.hidden ? streaming?.abort() : listen()));
for (const message of state.waiting) message.refused ? refuse(message) : line(message.id, message.text, { at: new Date(message.at), waits: true });
keep();
listen();
send();
