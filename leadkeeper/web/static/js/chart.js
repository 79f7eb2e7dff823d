// <live-chart label="Jobs per minute"> holding a table: first column the time, one column a series. The table is the
// data, what is read aloud, and what is shown without scripts; the picture is drawn from it. Time runs left to right
// in every language. Pointer or arrow keys read a point out.
const [HEIGHT, START, END, TOP, BOTTOM] = [200, 40, 8, 10, 24];
const APART = 80; // px between two words of the time axis, at least
const EVERY = [1, 2, 5, 10, 15, 20, 30, 60]; // minutes between them
const SVG = "http://www.w3.org/2000/svg";

class LiveChart extends HTMLElement {
  connectedCallback() {
    this.sizes = new ResizeObserver(() => this.clientWidth !== this.width && this.draw());
    this.sizes.observe(this);
  }

  disconnectedCallback() { this.sizes.disconnect(); }

  draw() {
    const table = this.querySelector("table");
    if (!table) return;
    this.width = this.clientWidth;
    this.querySelectorAll("svg, .read").forEach((old) => old.remove());
    const cells = (row) => [...row.cells].map((cell) => cell.textContent.trim());
    const names = cells(table.tHead.rows[0]).slice(1);
    const rows = [...table.tBodies[0].rows].map(cells);
    if (rows.length < 2) return;
    this.times = rows.map((row) => row[0]);
    this.series = names.map((name, at) => ({ name, values: rows.map((row) => Number(row[at + 1].replace(/[^\d.-]/g, "")) || 0) }));
    this.most = nice(Math.max(2, ...this.series.flatMap((each) => each.values)));
    this.read = this.appendChild(Object.assign(document.createElement("p"), { className: "read" }));
    this.svg = this.appendChild(make("svg", { viewBox: `0 0 ${this.width} ${HEIGHT}`, role: "img", tabindex: "0", "aria-label": this.getAttribute("label") ?? "" }));
    this.axes();
    this.series.forEach((each, at) => this.trace(each.values, at));
    this.cursor = this.svg.appendChild(make("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" }));
    this.listen();
    this.show(this.times.length - 1, false);
    this.setAttribute("drawn", "");
  }

  x(at) { return START + ((this.width - START - END) * at) / (this.times.length - 1); }

  y(value) { return HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / this.most; }

  axes() {
    for (const share of [0, 0.5, 1]) {
      const y = this.y(this.most * share);
      this.svg.append(make("line", { class: "axis", x1: START, x2: this.width - END, y1: y, y2: y }));
      this.svg.append(make("text", { x: START - 8, y: y + 4, "text-anchor": "end" }, short(this.most * share)));
    }
    const room = ((this.times.length - 1) * APART) / (this.width - START - END);
    const every = EVERY.find((step) => step >= room) ?? EVERY.at(-1);
    const minute = (at) => Number(/:(\d\d)$/.exec(this.times[at])?.[1] ?? at);
    for (let at = 0; at < this.times.length; at += 1) {
      if (minute(at) % every) continue;
      const anchor = this.x(at) > this.width - 20 ? "end" : "middle";
      this.svg.append(make("text", { x: this.x(at), y: HEIGHT - 6, "text-anchor": anchor }, this.times[at]));
    }
  }

  trace(values, at) {
    const points = values.map((value, index) => `${this.x(index).toFixed(1)},${this.y(value).toFixed(1)}`);
    const floor = this.y(0);
    const group = this.svg.appendChild(make("g", { class: `series-${at + 1}` }));
    if (at === 0) group.append(make("polygon", { class: "wash", points: `${START},${floor} ${points.join(" ")} ${this.width - END},${floor}` }));
    // Of the other series only what is not nought is drawn: a line along the floor would say that something happened.
    const shown = (index) => at === 0 || values[index] || values[index - 1] || values[index + 1];
    const path = points.map((point, index) => (shown(index) ? `${shown(index - 1) && index ? "L" : "M"}${point}` : "")).join("");
    group.append(make("path", { class: "trace", d: path }));
  }

  listen() {
    this.svg.addEventListener("pointermove", (event) => {
      const box = this.svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * this.width;
      this.show(Math.round(((x - START) / (this.width - START - END)) * (this.times.length - 1)));
    });
    this.svg.addEventListener("pointerleave", () => this.show(this.times.length - 1, false));
    this.svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.show(this.at + step);
    });
  }

  show(at, marked = true) {
    this.at = Math.min(this.times.length - 1, Math.max(0, at));
    const x = this.x(this.at);
    for (const [name, value] of Object.entries({ x1: x, x2: x, visibility: marked ? "visible" : "hidden" })) this.cursor.setAttribute(name, value);
    this.read.replaceChildren(
      span("", this.times[this.at]),
      ...this.series.map((each, index) => span(`series-${index + 1}`, `${each.name} ${each.values[this.at].toLocaleString("en")}`)),
    );
  }
}

function span(series, words) {
  const text = document.createElement("span");
  if (series) {
    const mark = text.appendChild(document.createElement("i"));
    mark.className = series;
  }
  text.append(words);
  return text;
}

function make(name, attributes, words = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = words;
  return element;
}

// The next of 2, 4, 6, 10, 20, 40, 60, 100 … at or above `value`: half of it is a whole number too.
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 10].map((step) => step * power).find((step) => step >= value);
}

function short(value) {
  return value >= 1000 ? `${(value / 1000).toLocaleString("en", { maximumFractionDigits: 1 })}k` : value.toLocaleString("en", { maximumFractionDigits: 1 });
}

customElements.define("live-chart", LiveChart);
