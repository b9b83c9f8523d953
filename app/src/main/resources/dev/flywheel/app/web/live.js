// What goes on now: rates, loop delay, click-through, audit.
import {chart, spark} from "/console/charts.js";
import {byId, el, moment, number, percent, seconds, show} from "/console/dom.js";

const SPARK_POINTS = 60;
const SAMPLES_MAX = 3000;
const TILES = [
  {title: "requests / s", of: each => each.requests},
  {title: "tokens read / s", of: each => each.tokens},
  {title: "feedback / s", of: each => each.feedback},
  {title: "rounds / s", of: each => each.rounds},
  {title: "KV cache in use", of: each => each.kvUse, label: percent},
  {title: "waiting", of: each => each.waiting},
];

let samples = [];
let startedAt = null;
let shownFor = null;

/** Where the next question goes on; for another adapter from the beginning, since samples carry one adapter's click-through. */
export function question(adapter) {
  if (adapter !== shownFor) {
    samples = [];
    shownFor = adapter;
  }
  const after = samples.length ? samples[samples.length - 1].sequence : 0;
  return `/console/live.json?adapter=${encodeURIComponent(adapter ?? "")}&after=${after}`;
}

/** Takes an answer; false if the node was started again, so that all has to be asked for anew. */
export function take(live, adapter) {
  if (adapter !== shownFor) {
    return true;
  }
  if (startedAt !== null && startedAt !== live.startedAtMillis) {
    startedAt = live.startedAtMillis;
    samples = [];
    return false;
  }
  startedAt = live.startedAtMillis;
  samples.push(...live.samples.map(point => ({...point.sample, taken: point.taken, foretold: point.foretold})));
  samples.splice(0, Math.max(0, samples.length - SAMPLES_MAX));
  draw(live, adapter);
  return true;
}

function draw(live, adapter) {
  byId("node").textContent = `node ${live.node}, a sample each ${live.intervalMillis / 1000} s`;
  tiles();
  show("delay", ...chart(byId("delay"), samples.map(each => ({at: each.atMillis, values: [each.delayMedian, each.delayP99]})), {
    names: ["median", "99th percentile"], label: seconds,
    empty: samples.length ? "No feedback has been learned and served in these minutes." : "Waiting for the first sample."}));
  byId("taken-of").textContent = adapter ? "of " + adapter : "";
  show("taken", ...chart(byId("taken"), samples.map(each => ({at: each.atMillis, values: [each.taken, each.foretold]})), {
    names: ["taken by users", "foretold"], label: percent, most: 1, empty: nothingTaken(live, adapter)}));
  show("audit", ...audit(live));
}

function nothingTaken(live, adapter) {
  const others = live.evaluated.filter(each => each !== adapter);
  return "No closed window of evaluation with this adapter's items in these minutes"
      + (others.length ? `; there are some of ${others.slice(0, 5).join(", ")}.` : ".");
}

function tiles() {
  const newest = samples[samples.length - 1];
  show("tiles", TILES.map(tile => {
    const value = newest ? tile.of(newest) : null;
    return el("dl", {class: "tile"}, el("dt", {}, tile.title),
        el("dd", {}, value === null ? "–" : (tile.label ?? number)(value)),
        el("dd", {}, value === null ? el("span", {class: "quiet"}, newest ? "not in this process" : "no sample yet")
            : spark(samples.slice(-SPARK_POINTS).map(tile.of))));
  }));
}

/** A term with the sign before it, which stays with it where the line breaks. */
function term(sign, title, value) {
  return el("div", {}, el("dt", {}, title), el("dd", {"data-sign": sign || null}, value));
}

/** What moves may be seen at two places, or at none: a difference is wrong once it has stayed. */
function verdict(live) {
  if (live.audit.balanced) {
    return ["good", "balanced"];
  }
  if (live.audit.pending < 0) {
    return ["", "the job does not tell"];
  }
  return live.unbalancedMillis < live.alarmAfterMillis ? ["", "counted while feedback moves"]
      : ["bad", `not balanced for ${seconds(live.unbalancedMillis / 1000)}`];
}

function audit(live) {
  const figures = live.audit;
  if (!figures) {
    return [el("p", {class: "note"}, "This process has not counted yet, or another one does; ", el("code", {}, "./flywheel audit"), " counts from outside.")];
  }
  const unknown = figures.pending < 0;
  const [kind, words] = verdict(live);
  const reasons = Object.entries(figures.refused).filter(([, count]) => count > 0);
  return [
    el("dl", {class: "sum"}, term("", "acknowledged", number(figures.acknowledged)), term("=", "trained", number(figures.trained)),
        term("+", "quarantined", number(figures.quarantined)), term("+", "refused", number(figures.refusedInAll)),
        term("+", "pending", unknown ? "unknown" : number(figures.pending)), term("+", "difference", number(figures.difference))),
    el("div", {class: "below"},
        el("span", {class: "badge " + kind}, words),
        figures.notFollowed ? el("span", {}, `${number(figures.notFollowed)} not followed`) : null,
        figures.inTwoManifests ? el("span", {}, `${number(figures.inTwoManifests)} in two manifests`) : null,
        reasons.length ? el("span", {}, "refused: " + reasons.map(([reason, count]) => `${reason} ${number(count)}`).join(", ")) : null,
        el("span", {class: "quiet"}, "counted at ", moment(Date.now() - figures.ageSeconds * 1000))),
  ];
}
