// Asks the node, each part at its pace, and says when it does not answer. The address names what is shown: #adapter=...&version=...
import {byId} from "/console/dom.js";
import {question, take} from "/console/live.js";
import {showAdapters, showLineage, showTrail, showTrouble, showVersions} from "/console/registry.js";

const KEY = "flywheel-key";
const REGISTRY_MILLIS = 4000;
const RETRY_MILLIS = 3000;
const ADAPTERS = 15;
const VERSIONS = 15;
const TRAIL = 20;

const offsets = {adapters: 0, versions: 0, trail: 0};
let chosen = {adapter: null, version: null};
let liveTimer = null;
let registryTimer = null;
let running = 0;

class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

async function ask(path) {
  const key = sessionStorage.getItem(KEY);
  const answer = await fetch(path, {headers: key ? {authorization: "Bearer " + key} : {}, cache: "no-store", credentials: "omit"});
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Refused(answer.status, body.error ?? `the node answers with ${answer.status}`);
  }
  return body;
}

function state(words, kind) {
  byId("state").textContent = words;
  byId("state").className = kind;
}

/** Tells of a failure; without the right key nothing is asked again until there is another. */
function failed(trouble) {
  if (trouble instanceof Refused && (trouble.status === 401 || trouble.status === 403)) {
    state("key needed", "bad");
    byId("door").hidden = false;
    byId("door-note").textContent = sessionStorage.getItem(KEY) ? trouble.message : "";
    return false;
  }
  state(trouble instanceof Refused ? trouble.message : "the node does not answer", "bad");
  return true;
}

function readAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const version = fields.get("version");
  return {adapter: fields.get("adapter"), version: version !== null && /^\d{1,15}$/.test(version) ? Number(version) : null};
}

async function live(run) {
  let pause = RETRY_MILLIS;
  try {
    const adapter = chosen.adapter;
    const told = await ask(question(adapter));
    if (run !== running) {
      return;
    }
    byId("door").hidden = true;
    state("live", "good");
    pause = take(told, adapter) ? told.intervalMillis : 0;
  } catch (trouble) {
    if (run !== running || !failed(trouble)) {
      return;
    }
  }
  liveTimer = setTimeout(() => live(run), pause);
}

const paged = (path, offset, size) => `${path}offset=${offset}&limit=${size}`;

/** Goes to a page of a list at once. */
function to(list) {
  return offset => {
    offsets[list] = offset;
    again();
  };
}

async function adapters(run) {
  const page = await ask(paged(`/console/adapters.json?find=${encodeURIComponent(byId("find").value)}&`, offsets.adapters, ADAPTERS));
  if (run !== running) {
    return;
  }
  if (!chosen.adapter && page.rows.length) {
    chosen = {adapter: page.rows[0].name, version: null};
  }
  showAdapters(page, chosen.adapter, ADAPTERS, to("adapters"));
}

async function oneAdapter(run) {
  const {adapter, version} = chosen;
  if (!adapter) {
    return;
  }
  const name = "adapter=" + encodeURIComponent(adapter);
  const [versions, trail] = await Promise.all([
    ask(paged(`/console/versions.json?${name}&`, offsets.versions, VERSIONS)),
    ask(paged(`/console/trail.json?${name}&`, offsets.trail, TRAIL))]);
  const shown = version ?? versions.rows.find(row => row.aliases.includes("serving"))?.number ?? versions.rows[0]?.number ?? 0;
  const lineage = await ask(`/console/lineage.json?${name}&version=${shown}`);
  if (run !== running) {
    return;
  }
  showVersions(versions, adapter, shown, VERSIONS, to("versions"));
  showTrail(trail, adapter, TRAIL, to("trail"));
  showLineage(lineage, adapter);
}

async function registry(run) {
  try {
    await adapters(run);
    await oneAdapter(run);
  } catch (trouble) {
    if (run !== running) {
      return;
    }
    if (trouble instanceof Refused && (trouble.status === 404 || trouble.status === 400)) {
      ["versions", "lineage", "trail"].forEach(id => showTrouble(id, trouble.message));
    } else if (!failed(trouble)) {
      return;
    }
  }
  registryTimer = setTimeout(() => registry(run), REGISTRY_MILLIS);
}

/** Asks for all now; what was on its way is not waited for. */
function again() {
  running++;
  clearTimeout(liveTimer);
  clearTimeout(registryTimer);
  if (!document.hidden) {
    live(running);
    registry(running);
  }
}

addEventListener("hashchange", () => {
  const next = readAddress();
  if (next.adapter === null) {
    return; // a link inside the page
  }
  if (next.adapter !== chosen.adapter) {
    offsets.versions = 0;
    offsets.trail = 0;
  }
  chosen = next;
  again();
});

byId("find").addEventListener("input", () => {
  offsets.adapters = 0;
  again();
});

byId("door").addEventListener("submit", event => {
  event.preventDefault();
  sessionStorage.setItem(KEY, byId("key").value.trim());
  byId("key").value = "";
  again();
});

document.addEventListener("visibilitychange", again);

chosen = readAddress();
again();
