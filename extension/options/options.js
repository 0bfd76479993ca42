/** The options: where the data comes from, who is followed, what may be seen, what is kept. */

import { inOrder, topicName } from "../lib/answers.js";
import { LARGEST, read, write } from "../lib/personal.js";
import { Refused } from "../lib/shape.js";
import { origins } from "../lib/sites.js";
import { LANGUAGES } from "../lib/words.js";
import * as browser from "../platform/browser.js";
import * as store from "../state/store.js";
import { originOf, probe } from "../state/update.js";
import { words as load } from "../state/words.js";
import { h, speak } from "../ui/elements.js";
import { asOfLine, troubleLine } from "../ui/freshness.js";

const OWN_NAMES = { en: "English", fr: "Français", de: "Deutsch", es: "Español" };

let words = await load();
await show();
listen();
document.querySelector("main")?.setAttribute("aria-busy", "false");

/** @template {HTMLElement} T @param {string} id @returns {T} */
function at(id) {
  return /** @type {T} */ (document.getElementById(id));
}

async function show() {
  speak(words);
  document.title = words.say("options_title");
  const now = await store.held();
  const settings = await store.settings();
  /** @type {HTMLInputElement} */ (at("api")).value = settings.api ?? "";
  at("without").hidden = !settings.api;
  at("update").hidden = !settings.api;
  showLanguages(settings.language);
  await showData();
  showFollows(now?.index ?? null, settings);
  for (const name of /** @type {const} */ (["notify", "badge", "marks"])) {
    /** @type {HTMLInputElement} */ (at(name)).checked = settings[name];
  }
  await showStored();
}

function listen() {
  at("server").addEventListener("submit", (event) => {
    event.preventDefault();
    void useServer(/** @type {HTMLInputElement} */ (at("api")).value);
  });
  at("without").addEventListener("click", () => void withoutServer());
  at("update").addEventListener("click", () => void updateNow());
  at("language").addEventListener("change", () => void speakOther());
  at("notify").addEventListener("change", () => void allowNotices());
  at("badge").addEventListener("change", () => void allowVisits("badge"));
  at("marks").addEventListener("change", () => void allowVisits("marks"));
  at("export").addEventListener("click", () => void exported());
  const file = /** @type {HTMLInputElement} */ (at("file"));
  at("restore").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    const chosen = file.files?.[0];
    void restoreFrom(chosen).finally(() => (file.value = "")); // the same file may be chosen again
  });
  at("erase").addEventListener("click", () => void erase());
}

// --- the server -------------------------------------------------------------------------------

/** @param {string} typed */
async function useServer(typed) {
  const said = at("server-said");
  const api = serverOf(typed);
  if (!api) return void (said.textContent = words.say("server_no_address"));
  // Asked first: after an await the browser no longer takes it for a click's.
  const granted = await browser.request({ origins: [originOf(api)] });
  if (!granted) return void (said.textContent = words.say("server_not_allowed", { host: new URL(api).host }));
  said.textContent = words.say("server_trying");
  try {
    const count = await probe(api);
    await store.set({ api });
    await browser.ask({ update: true });
    await show();
    said.textContent = words.count("server_works", count);
  } catch (error) {
    const { kind = "broken", message: detail } = /** @type {any} */ (error);
    said.textContent = words.say(`trouble_${kind}`, { detail });
  }
  return undefined;
}

/** The address of a server as it is kept. @param {string} typed @returns {string | null} */
function serverOf(typed) {
  const text = typed.trim().replace(/\/+(v1\/bundle\.json)?$/, "");
  if (!URL.canParse(text)) return null;
  const { protocol, username, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && !username && !search && !hash ? text : null;
}

async function withoutServer() {
  const { api } = await store.settings();
  if (api) await browser.giveBack({ origins: [originOf(api)] });
  await store.set({ api: null });
  await show();
  at("server-said").textContent = words.say("server_removed");
}

async function updateNow() {
  const said = at("update-said");
  said.textContent = words.say("updating");
  const { outcome } = await browser.ask({ update: true });
  await show();
  said.textContent = words.say(`update_${outcome}`);
}

async function showData() {
  const now = await store.held();
  const trouble = await store.trouble();
  const lines = now
    ? [
        asOfLine(now.index.as_of, now.held.from, Date.now(), words),
        h("p", {}, words.count("data_vendors", now.index.vendors.length, { size: kilobytes(now.held.size) })),
        now.held.asked_at && h("p", { class: "soft" }, words.say("data_asked", { at: words.moment(now.held.asked_at) })),
      ]
    : [h("p", {}, words.say("never_loaded"))];
  if (trouble) lines.push(troubleLine(trouble, words));
  at("data").replaceChildren(...lines.filter((line) => line instanceof Node));
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return words.say("kilobytes", { n: words.number(Math.ceil(bytes / 1000)) });
}

// --- language ----------------------------------------------------------------------------------

/** @param {string} chosen */
function showLanguages(chosen) {
  const options = [
    h("option", { value: "auto" }, words.say("language_auto")),
    ...LANGUAGES.map((lang) => h("option", { value: lang, lang }, OWN_NAMES[lang])),
  ];
  const field = /** @type {HTMLSelectElement} */ (at("language"));
  field.replaceChildren(...options);
  field.value = chosen;
}

async function speakOther() {
  await store.set({ language: /** @type {HTMLSelectElement} */ (at("language")).value });
  words = await load();
  await show();
}

// --- following -----------------------------------------------------------------------------------

/** @param {import("../lib/bundle.js").Index | null} index @param {store.Settings} settings */
function showFollows(index, { follows }) {
  const vendors = (index?.vendors ?? []).map(({ id, name }) =>
    check(name, follows.vendors.includes(id), (yes) => store.follow(id, yes)),
  );
  at("vendors").replaceChildren(...vendors);
  const topics = index ? inOrder(Object.keys(index.topics)) : [];
  at("topics").replaceChildren(
    ...topics.map((topic) =>
      check(topicName(topic, index ?? never(), words), follows.topics.includes(topic), (yes) => followTopic(topic, yes)),
    ),
  );
}

/** @returns {never} */
function never() {
  throw new Error("topics without an index");
}

/** @param {string} name @param {boolean} checked @param {(yes: boolean) => void} change */
function check(name, checked, change) {
  const box = h("input", { type: "checkbox", onchange: () => change(box.checked) });
  box.checked = checked;
  return h("li", {}, h("label", {}, box, " ", h("span", { dir: "auto" }, name)));
}

/** @param {string} topic @param {boolean} yes */
async function followTopic(topic, yes) {
  const { follows } = await store.settings();
  const others = follows.topics.filter((one) => one !== topic);
  await store.set({ follows: { ...follows, topics: yes ? [...others, topic] : others } });
}

async function allowNotices() {
  const box = /** @type {HTMLInputElement} */ (at("notify"));
  const wish = { permissions: /** @type {["notifications"]} */ (["notifications"]) };
  const yes = box.checked && (await browser.request(wish));
  if (!box.checked) await browser.giveBack(wish);
  at("notify-said").textContent = box.checked && !yes ? words.say("not_granted") : "";
  box.checked = yes;
  await store.set({ notify: yes });
}

// --- visits ----------------------------------------------------------------------------------------

/** The origins that are asked for, known before a click: the browser takes no wish after an await. */
const asked = (await store.held())?.index.vendors.flatMap(origins) ?? [];

/** @param {"badge" | "marks"} name */
async function allowVisits(name) {
  const box = /** @type {HTMLInputElement} */ (at(name));
  const yes = box.checked && (await browser.request({ origins: [...new Set(asked)] }));
  at("visits-said").textContent = box.checked && !yes ? words.say("not_granted") : "";
  box.checked = yes;
  await store.set({ [name]: yes });
  const { badge, marks } = await store.settings();
  if (!badge && !marks) await browser.giveBack({ origins: [...new Set(asked)] });
  await browser.ask({ settle: true });
}

// --- what is kept -------------------------------------------------------------------------------------

async function showStored() {
  const own = await store.personal();
  const size = new Blob([JSON.stringify(own)]).size;
  const facts = [
    ["stored_looks", words.count("n_vendors", Object.keys(own.looks).length)],
    ["stored_reads", words.count("n_pages", Object.keys(own.reads).length)],
    ["stored_unseen", words.number(own.unseen.length)],
    ["stored_size", words.say("bytes", { n: words.number(size) })],
  ];
  at("stored").replaceChildren(
    ...facts.flatMap(([name, value]) => [h("dt", {}, words.say(name)), h("dd", {}, value)]),
  );
}

async function exported() {
  const own = write(await store.personal(), new Date().toISOString());
  const url = URL.createObjectURL(new Blob([own], { type: "application/json" }));
  h("a", { href: url, download: "earwitness.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {File | undefined} file */
async function restoreFrom(file) {
  if (!file) return;
  const said = at("stored-said");
  said.textContent = "";
  if (file.size > LARGEST) return void (said.textContent = words.say("restore_too_large"));
  try {
    const own = read(await file.text());
    if (!confirm(words.say("restore_sure"))) return;
    said.textContent = (await restored(own)).join(" ");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    said.textContent = words.say(`restore_${error.kind}`, { detail: error.message });
  }
}

/** @param {import("../lib/personal.js").Personal} own @returns {Promise<string[]>} what to tell */
async function restored(own) {
  const { notify, badge, marks, api, language } = own.settings;
  const allowed = {
    notify: await browser.isGranted({ permissions: ["notifications"] }),
    visits: (await browser.grantedOrigins()).some((origin) => asked.includes(origin)),
  };
  const spoken = [...LANGUAGES, "auto"].includes(language) ? language : "auto";
  await store.restore({ ...own, settings: { ...own.settings, language: spoken } }, allowed);
  await browser.ask({ settle: true });
  words = await load();
  await show();
  const isOther = api !== null && api !== (await store.settings()).api;
  if (isOther) /** @type {HTMLInputElement} */ (at("api")).value = api;
  const isOff = (notify && !allowed.notify) || ((badge || marks) && !allowed.visits);
  return [
    words.say("restored", { at: words.moment(own.saved_at) }),
    ...(isOther ? [words.say("restored_server", { host: new URL(api).host })] : []),
    ...(isOff ? [words.say("restored_off")] : []),
  ];
}

async function erase() {
  if (!confirm(words.say("erase_sure"))) return;
  await browser.giveBack({ permissions: ["notifications"], origins: await browser.grantedOrigins() });
  await store.eraseAll();
  await browser.ask({ settle: true });
  words = await load();
  await show();
  at("stored-said").textContent = words.say("erased");
}
