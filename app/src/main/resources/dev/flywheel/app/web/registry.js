// Adapters, versions, lineage and what was done.
import {byId, chip, el, moment, number, seconds, show, table} from "/console/dom.js";

const KINDS = {serving: "serving"};

export function link(adapter, version) {
  const parts = ["adapter=" + encodeURIComponent(adapter)];
  if (version !== undefined) {
    parts.push("version=" + version);
  }
  return "#" + parts.join("&");
}

function versionLink(adapter, version, place) {
  return el("a", {href: link(adapter, version), "data-focus": `${place} ${version}`}, String(version));
}

const aliasChip = (alias, version) => chip(version === undefined ? alias : `${alias} → ${version}`, KINDS[alias]);

/** Buttons to the pages before and after; `go` is told the offset. */
function pages(id, page, size, go) {
  if (page.all <= size && page.offset === 0) {
    show(id);
    return;
  }
  const last = Math.min(page.all, page.offset + page.rows.length);
  const button = (title, offset, off) => {
    const made = el("button", {type: "button", disabled: off, "data-focus": title}, title);
    made.addEventListener("click", () => go(offset));
    return made;
  };
  show(id, button("Back", Math.max(0, page.offset - size), page.offset === 0),
      el("span", {}, `${number(page.rows.length ? page.offset + 1 : page.offset)} to ${number(last)} of ${number(page.all)}`),
      button("On", page.offset + size, last >= page.all));
}

export function showAdapters(page, chosen, size, go) {
  byId("adapters-count").textContent = number(page.all);
  show("adapters", page.rows.length ? table([
    {title: "name", cell: row => el("a", {href: link(row.name), "data-focus": row.name, "aria-current": row.name === chosen ? "true" : null}, row.name)},
    {title: "aliases", cell: row => el("span", {class: "chips"}, Object.entries(row.aliases).map(([alias, version]) => aliasChip(alias, version)),
        row.repair ? chip("in repair: " + row.repair, "gone") : null, row.deleted ? chip("deleted", "gone") : null)},
    {title: "head", number: true, cell: row => versionLink(row.name, row.head, "head " + row.name)},
    {title: "tenant", cell: row => row.tenant},
  ], page.rows, row => row.name === chosen) : el("p", {class: "note"}, "No adapter has such a name."));
  pages("adapters-pages", page, size, go);
}

function standing(row) {
  return el("span", {class: "chips"}, row.aliases.map(alias => aliasChip(alias)), row.head ? chip("head", "head") : null,
      row.state === "committed" ? null : chip(row.state.replaceAll("_", " "), "gone"));
}

export function showVersions(page, adapter, version, size, go) {
  byId("versions-of").textContent = `of ${adapter}, ${page.all >= 1000 ? "the newest " : ""}${number(page.all)}`;
  show("versions", table([
    {title: "version", cell: row => versionLink(adapter, row.number, "version")},
    {title: "stands as", cell: standing},
    {title: "parent", number: true, cell: row => row.number === 0 ? "–" : String(row.parent)},
    {title: "examples", number: true, cell: row => row.number === 0 ? "–" : number(row.examples)},
    {title: "loss, nats", number: true, cell: row => row.number === 0 ? "the start" : `${number(row.lossBefore, 3)} → ${number(row.lossAfter, 3)}`},
    {title: "effect", number: true, cell: row => row.number === 0 ? "–" : number(row.effect, 3)},
    {title: "round", number: true, cell: row => row.number === 0 ? "–" : seconds(row.deviceSeconds)},
    {title: "made", number: true, cell: row => moment(row.createdAtMillis)},
  ], page.rows, row => row.number === version));
  pages("versions-pages", page, size, go);
}

function facts(pairs) {
  return el("dl", {class: "facts"}, pairs.filter(each => each !== null)
      .flatMap(([title, ...value]) => [el("dt", {}, title), el("dd", {}, value)]));
}

function lines(values) {
  return values.map(value => el("div", {}, value));
}

function roundFacts(round) {
  const kinds = Object.entries(round.examplesByKind).map(([kind, count]) => `${kind.toLowerCase()} ${number(count)}`).join(", ");
  return [
    ["manifest", `${round.manifest}, claimed by epoch ${round.epoch} at `, moment(Date.parse(round.claimedAt))],
    ["examples", number(round.examples) + (kinds ? ` (${kinds})` : "") + (round.replayed ? `, ${number(round.replayed)} replayed besides` : "")],
    ["feedback", `${number(round.feedback)} events of ${number(round.users)} users`],
    ["loss", `${number(round.lossBefore, 4)} → ${number(round.lossAfter, 4)} nats, ${number(round.prequentialLoss, 4)} as served`],
    ["gate", `passed: effect ${number(round.effect, 4)}, adapter norm ${number(round.adapterNorm, 4)}, gradient norm ${number(round.gradientNorm, 4)}`],
    round.failedBefore.length ? ["refused before", lines(round.failedBefore.map(each => "manifest " + each.toLowerCase().replaceAll("_", " ")))] : null,
    round.settingsChanged.length ? ["settings changed", lines(round.settingsChanged)] : null,
    ["device", `${seconds(round.deviceSeconds)} on ${round.backend}, seed ${round.seed}`],
  ];
}

export function showLineage(told, adapter) {
  const of = told;
  byId("lineage-of").textContent = `of version ${of.version} of ${adapter}`;
  const chips = version => (told.aliases[version] ?? []).map(alias => aliasChip(alias));
  const left = facts([
    ["stands as", el("span", {class: "chips"}, chips(of.version), of.head ? chip("head", "head") : null,
        !of.head && !(told.aliases[of.version] ?? []).length ? "nothing points to it" : null)],
    ["made", moment(Date.parse(of.createdAt))],
    ["digest", el("span", {class: "mono"}, of.digest)],
    ...(of.round ? roundFacts(of.round) : [["round", "none: this is the start"]]),
    ["learned in all", `${number(of.learned.rounds)} rounds, ${number(of.learned.examples)} examples, ${number(of.learned.feedback)} feedback events`],
  ]);
  const own = {version: of.version, createdAt: of.createdAt, examples: of.round?.examples, lossBefore: of.round?.lossBefore,
    lossAfter: of.round?.lossAfter};
  const oldest = of.ancestors.length ? of.ancestors[of.ancestors.length - 1].version : of.version;
  const chain = el("ol", {class: "chain", "aria-label": "parents, newest first", tabindex: "0"},
      [own, ...of.ancestors].map(each => el("li", {}, el("div", {class: "line"},
          versionLink(adapter, each.version, "chain"), chips(each.version),
          el("span", {}, each.version === 0 ? "the start" : `${number(each.examples)} examples, loss ${number(each.lossBefore, 3)} → ${number(each.lossAfter, 3)}`),
          el("span", {class: "quiet"}, moment(Date.parse(each.createdAt)))))),
      oldest > 0 ? el("li", {class: "quiet"}, "and on to version 0; choose an older one to see its parents") : null);
  show("lineage", el("div", {class: "told"}, left, chain));
}

const ACTIONS = {alias_moved: "alias moved"};

export function showTrail(page, adapter, size, go) {
  byId("trail-of").textContent = `to ${adapter}`;
  show("trail", table([
    {title: "when", cell: row => moment(row.atMillis)},
    {title: "what", cell: row => ACTIONS[row.action] ?? row.action.replaceAll("_", " ")},
    {title: "alias", cell: row => row.alias ? aliasChip(row.alias) : "–"},
    {title: "from → to", cell: row => row.action === "alias_moved" || row.from !== row.to ? `${row.from} → ${row.to}` : "–"},
    {title: "by", cell: row => row.actor || "–"},
    {title: "why", text: true, cell: row => [row.reason || (row.changes ? null : "–"), row.changes ? el("pre", {class: "changes"}, row.changes) : null]},
  ], page.rows));
  pages("trail-pages", page, size, go);
}

/** Says in place of everything about an adapter why it is not shown. */
export function showTrouble(id, words) {
  show(id, el("p", {class: "note"}, words));
}
