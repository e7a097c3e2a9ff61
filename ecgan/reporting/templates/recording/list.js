"use strict";
// A list of more recordings than a page has rows for: unpacked, sorted, searched, and turned over page by page.

/** The columns of the list. */
async function unpacked() {
  const element = document.getElementById("packed");
  const text = atob(element.textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  element.textContent = "";
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const content = await new Response(stream).arrayBuffer();
  const length = new DataView(content).getUint32(0, true);
  const words = (start, size) => new TextDecoder().decode(new Uint8Array(content, start, size));
  const header = JSON.parse(words(4, length));
  const list = { count: header.count, links: new Map(Object.entries(header.links)) };
  let at = 4 + length;
  for (const [name, size] of Object.entries(header.parts)) {
    const part = content.slice(at, at + size);
    if (name === "names" || name === "remarks") list[name] = words(at, size).split("\n");
    else list[name] = name === "remark" ? new Uint32Array(part) : new Float32Array(part);
    at += size;
  }
  list.share = Float32Array.from(list.flagged, (value, row) => (100 * value) / list.scored[row]);
  return list;
}

function show(list) {
  const table = document.querySelector("table.paged");
  const heads = [...table.tHead.rows[0].cells];
  const columns = ["names", "minutes", "samples", "scored", "flagged", "share", "noisy", "families", "episodes", "remarks"];
  const digits = { minutes: 1, share: 1 };
  const rows = Number(document.getElementById("packed").dataset.rows);
  const [words, range] = ["words", "range"].map((id) => document.getElementById(id));
  const turns = [...document.querySelectorAll("[data-turn]")];
  let order = Uint32Array.from({ length: list.count }, (_, row) => row);
  let found = order;
  let page = 0;
  let lower = null;

  const textOf = { names: (row) => list.names[row], remarks: (row) => list.remarks[list.remark[row]] };
  const written = (column, value) =>
    Number.isFinite(value)
      ? value.toLocaleString("en", { minimumFractionDigits: digits[column] || 0, maximumFractionDigits: digits[column] || 0 })
      : "–";

  function cell(column, row) {
    const made = document.createElement("td");
    if (textOf[column]) {
      const link = column === "names" ? list.links.get(String(row)) : undefined;
      if (column === "remarks") made.className = "words";
      if (link) made.append(Object.assign(document.createElement("a"), { href: link, textContent: textOf[column](row) }));
      else made.textContent = textOf[column](row);
    } else {
      made.className = "number";
      made.textContent = written(column, list[column][row]);
    }
    return made;
  }

  function draw() {
    const last = Math.max(0, Math.ceil(found.length / rows) - 1);
    page = Math.min(Math.max(page, 0), last);
    const shown = [...found.slice(page * rows, (page + 1) * rows)];
    table.tBodies[0].replaceChildren(
      ...shown.map((row) => {
        const line = document.createElement("tr");
        line.append(...columns.map((column) => cell(column, row)));
        return line;
      }),
    );
    const number = (value) => value.toLocaleString("en");
    range.textContent = found.length
      ? `${number(page * rows + 1)} to ${number(page * rows + shown.length)} of ${number(found.length)}`
      : "nothing found";
    for (const button of turns) button.disabled = ["first", "back"].includes(button.dataset.turn) ? page === 0 : page === last;
  }

  function search() {
    const wanted = words.value.trim().toLowerCase();
    lower ??= { names: list.names.map((name) => name.toLowerCase()), remarks: list.remarks.map((text) => text.toLowerCase()) };
    const told = lower.remarks.map((text) => text.includes(wanted));
    found = wanted ? order.filter((row) => lower.names[row].includes(wanted) || told[list.remark[row]]) : order;
    page = 0;
    draw();
  }

  heads.forEach((head, place) => {
    head.querySelector("button").addEventListener("click", () => {
      const column = columns[place];
      const before = head.getAttribute("aria-sort");
      const up = before ? before === "descending" : Boolean(textOf[column]);
      const sign = up ? 1 : -1;
      const collator = new Intl.Collator("en", { numeric: true });
      const compare = textOf[column]
        ? (a, b) => sign * collator.compare(textOf[column](a), textOf[column](b)) || a - b
        : (a, b) => {
            const [x, y] = [list[column][a], list[column][b]];
            if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
            return sign * (x - y) || a - b;
          };
      order = order.slice().sort(compare);
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      search();
    });
  });
  let waiting = 0;
  words.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 150);
  });
  document.getElementById("find").addEventListener("submit", (event) => event.preventDefault());
  const places = { first: () => 0, back: () => page - 1, next: () => page + 1, last: () => Infinity };
  for (const button of turns) {
    button.addEventListener("click", () => {
      page = places[button.dataset.turn]();
      draw();
    });
  }
  draw();
  document.documentElement.dataset.ready = "1";
}

unpacked().then(show);
