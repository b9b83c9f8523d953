// Draws lines over time as SVG. A point is {at, values: [...]}; null is a gap that the line passes over.
import {clock, el, svg} from "/console/dom.js";

const WIDTH_MIN = 260;
const WIDTH_USUAL = 600;
const HEIGHT = 190;
const LEFT = 52;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;
const KINDS = ["one", "two"];

/** A round number at or above a value, so that the scale is quiet. */
function ceiling(value) {
  if (!(value > 0)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 7.5, 10].map(step => step * power).find(step => step >= value * 0.9999);
}

function path(points, series, x, y) {
  const there = points.filter(point => point.values[series] !== null);
  return there.map((point, i) => `${i ? "L" : "M"}${x(point.at).toFixed(1)} ${y(point.values[series]).toFixed(1)}`).join("");
}

function axes(width, most, first, last, y, label) {
  const marks = [0, most / 2, most].map(value => [
    svg("line", {class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value)}),
    svg("text", {x: LEFT - 8, y: y(value) + 4, "text-anchor": "end"}, label(value))]);
  return [...marks.flat(),
    svg("text", {x: LEFT, y: HEIGHT - 6}, clock(first)),
    svg("text", {x: width - RIGHT, y: HEIGHT - 6, "text-anchor": "end"}, clock(last))];
}

function newest(points, series) {
  return points.findLast(point => point.values[series] !== null)?.values[series] ?? null;
}

/** Draws a chart as wide as its place. `names` are the lines', `label` writes a value, `most` fixes the top of the scale. */
export function chart(place, points, {names, label, most, empty}) {
  const all = points.flatMap(point => point.values).filter(value => value !== null);
  if (all.length === 0) {
    return [el("p", {class: "note"}, empty)];
  }
  const width = Math.max(WIDTH_MIN, place.clientWidth || WIDTH_USUAL);
  const first = points[0].at;
  const last = Math.max(points[points.length - 1].at, first + 1);
  const top = most ?? ceiling(Math.max(...all));
  const x = at => LEFT + (width - LEFT - RIGHT) * (at - first) / (last - first);
  const y = value => TOP + (HEIGHT - TOP - BOTTOM) * (1 - Math.min(value, top) / top);
  const told = names.map((name, i) => `${name} ${label(newest(points, i))}`).join(", ");
  const picture = svg("svg", {viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `Over time; newest: ${told}`},
      axes(width, top, first, last, y, label));
  names.forEach((name, i) => {
    picture.append(svg("path", {class: "stroke " + KINDS[i], d: path(points, i, x, y)}));
    for (const point of points) {
      if (point.values[i] !== null) {
        picture.append(svg("circle", {class: "dot " + KINDS[i], cx: x(point.at).toFixed(1), cy: y(point.values[i]).toFixed(1), r: all.length > 120 ? 1.2 : 2.4},
            svg("title", {}, `${name} ${label(point.values[i])}, ${clock(point.at)}`)));
      }
    }
  });
  return [picture, el("ul", {class: "legend"}, names.map((name, i) => el("li", {},
      svg("svg", {viewBox: "0 0 26 10", "aria-hidden": "true"}, svg("path", {class: "stroke " + KINDS[i], d: "M1 5H25"})),
      name + " ", el("b", {}, label(newest(points, i))))))];
}

/** A line without scale, under a figure that says how high it is. */
export function spark(values) {
  const there = values.map((value, i) => [i, value]).filter(each => each[1] !== null);
  const top = Math.max(...there.map(each => each[1]), 1e-9);
  const last = Math.max(values.length - 1, 1);
  return svg("svg", {viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true"},
      svg("path", {class: "stroke one", "vector-effect": "non-scaling-stroke",
        d: there.map(([i, value], k) => `${k ? "L" : "M"}${(100 * i / last).toFixed(2)} ${(22 - 20 * value / top).toFixed(2)}`).join("")}));
}
