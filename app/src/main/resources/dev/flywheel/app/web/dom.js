// Makes elements; whatever comes from data gets in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined));
  return node;
}

/** An element of the page; children are elements or texts. */
export function el(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An element of a drawing. */
export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

export const byId = id => document.getElementById(id);

/** Puts children in place of what stood there. A reader who is inside keeps the place, as far as it is still there. */
export function show(id, ...children) {
  const place = byId(id);
  const inside = place.contains(document.activeElement) ? document.activeElement.getAttribute("data-focus") : null;
  const scrolled = [place.scrollLeft, place.querySelector(".chain")?.scrollTop ?? 0];
  place.replaceChildren(...children.flat().filter(child => child !== null && child !== undefined));
  place.scrollLeft = scrolled[0];
  const chain = place.querySelector(".chain");
  if (chain) {
    chain.scrollTop = scrolled[1];
  }
  if (inside !== null) {
    [...place.querySelectorAll("[data-focus]")].find(each => each.getAttribute("data-focus") === inside)?.focus();
  }
}

/** A table with a heading for each column: {title, number, text, cell}. */
export function table(columns, rows, picked) {
  const className = column => [column.number ? "number" : "", column.text ? "text" : ""].join(" ").trim() || null;
  return el("table", {},
      el("thead", {}, el("tr", {}, columns.map(each => el("th", {scope: "col", class: className(each)}, each.title)))),
      el("tbody", {}, rows.map(row => el("tr", {class: picked?.(row) ? "picked" : null},
          columns.map(each => el("td", {class: className(each)}, each.cell(row)))))));
}

export function chip(text, kind) {
  return el("span", {class: "chip" + (kind ? " " + kind : "")}, text);
}

/** A number for people: as many digits as help. */
export function number(value, digits) {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return "–";
  }
  const fraction = digits ?? (Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  return value.toLocaleString("en", {minimumFractionDigits: fraction, maximumFractionDigits: fraction});
}

export function seconds(value) {
  if (value === null || value === undefined) {
    return "–";
  }
  return value < 1 ? Math.round(value * 1000) + " ms" : number(value, Number.isInteger(value) ? 0 : value < 10 ? 2 : 1) + " s";
}

export function percent(value) {
  return value === null || value === undefined ? "–" : number(value * 100, value > 0 && value < 0.1 ? 1 : 0) + " %";
}

export function clock(millis) {
  return new Date(millis).toLocaleTimeString("en-GB");
}

/** A moment: its time, and its date if that is not today's; in full for who asks. */
export function moment(millis) {
  const at = new Date(millis);
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(part => String(part).padStart(2, "0")).join("-");
  const today = at.toDateString() === new Date().toDateString();
  return el("time", {datetime: at.toISOString(), title: at.toISOString()}, (today ? "" : day + " ") + clock(millis));
}
