/** The popup: what is known of the site in front, or of all vendors. It asks nobody. */

import { short } from "../lib/answers.js";
import { since } from "../lib/news.js";
import { isStale } from "../lib/schedule.js";
import { met } from "../lib/sites.js";
import { announce, ask, isPopup, openOptions, openPanel, openTab, ownAddress, tabInFront } from "../platform/browser.js";
import * as store from "../state/store.js";
import { words as load } from "../state/words.js";
import { changed } from "../ui/changes.js";
import { away, h, speak } from "../ui/elements.js";
import { asOfLine, troubleLine } from "../ui/freshness.js";
import { offer } from "../ui/reading.js";
import { answer, controls, kept, others } from "../ui/vendor.js";
import { vendors } from "../ui/vendors.js";

/** @typedef {import("../lib/sites.js").Met} Met */

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const footer = /** @type {HTMLElement} */ (document.getElementById("footer"));
const all = /** @type {HTMLButtonElement} */ (document.getElementById("all"));

const [words, settings, tab] = await Promise.all([load(), store.settings(), tabInFront()]);

document.documentElement.classList.toggle("popup", isPopup() && screen.availWidth > 400);
speak(words);
document.getElementById("options")?.addEventListener("click", () => {
  openOptions();
  close();
});
all.addEventListener("click", () => void list());
await open();

async function open() {
  main.setAttribute("aria-busy", "true");
  await show(await store.held());
  main.setAttribute("aria-busy", "false");
  performance.mark("shown");
}

/** @param {Awaited<ReturnType<typeof store.held>>} now */
async function show(now) {
  if (!now) return neverLoaded();
  const wanted = new URLSearchParams(location.search).get("vendor");
  const found = met(now.index, tab?.url);
  if (wanted) await vendor(wanted, null);
  else if (found) await vendor(found.vendor.id, found);
  else await list();
  return foot(now);
}

/** @param {(Node | null)[]} children */
function fill(...children) {
  main.replaceChildren(...children.filter((child) => child !== null));
  scrollTo(0, 0);
}

// --- one vendor -----------------------------------------------------------------------------

/** @param {string} id @param {Met | null} found */
async function vendor(id, found) {
  const now = await store.held();
  const one = await store.vendor(id);
  if (!now || !one) return list();
  const last = await store.lastLook(id);
  const shown = { vendor: one, met: found?.assistants ?? [], index: now.index, words };
  all.hidden = false;
  fill(
    title(shown, found),
    isStale(now.index.as_of, Date.now()) ? asOfLine(now.index.as_of, now.held.from, Date.now(), words) : null,
    answer(shown),
    policyPage(shown, found),
    controls(shown),
    changed(shown, since(one, last), last?.at ?? null),
    kept(shown),
    others(shown),
    further(shown),
  );
  if (!tab?.isPrivate) await store.looked(one);
  return undefined;
}

/** @param {import("../ui/vendor.js").Shown} shown @param {Met | null} found */
function title({ vendor: one, met: ids }, found) {
  const named = one.assistants.filter(({ id }) => !ids.length || ids.includes(id));
  const names = named.map(({ name }) => name).filter((name) => name !== one.name);
  return h(
    "div",
    { class: "title" },
    h("h1", { tabindex: "-1", dir: "auto" }, one.name),
    names.length > 0 && h("p", { class: "soft", dir: "auto" }, words.list(names)),
    found && h("p", { class: "soft small" }, words.say(found.page ? "on_page" : "on_site")),
  );
}

/** @param {import("../ui/vendor.js").Shown} shown @param {Met | null} found */
function policyPage({ vendor: one, index }, found) {
  const page = found?.page && one.pages.find(({ id }) => id === found.page);
  if (!page || !tab || !page.passages.length) return null;
  const open = { tabId: tab.id, vendorId: one.id, page, remembers: !tab.isPrivate, index, words };
  return offer(open, () => beside(tab));
}

/** The panel takes it over and this goes: a popup would not outlive a click on the page. A private
 * window has the list here, so that nothing of it is left open. @param {import("../platform/browser.js").Tab} here */
async function beside({ windowId, isPrivate }) {
  if (isPrivate) return false;
  announce("reading"); // to a panel that is open already
  const opened = await openPanel(windowId);
  if (opened) close();
  return opened;
}

/** Following, and the way to the whole history. @param {import("../ui/vendor.js").Shown} shown */
function further({ vendor: one, index }) {
  const follows = settings.follows.vendors.includes(one.id);
  const box = h("input", {
    type: "checkbox",
    id: "follow",
    checked: follows,
    onchange: () => store.follow(one.id, box.checked),
  });
  const tongue = words.lang !== "en" && index.languages.includes(words.lang) ? `/${words.lang}` : "";
  const site = settings.api && `${settings.api}${tongue}/vendors/${encodeURIComponent(one.id)}`;
  return h(
    "section",
    { class: "further" },
    h("p", {}, h("label", { for: "follow" }, box, " ", words.say("follow", { vendor: one.name }))),
    site && h("p", {}, away(site, words.say("history"))),
  );
}

// --- all vendors, or nothing ------------------------------------------------------------------

async function list() {
  const now = await store.held();
  if (!now) return neverLoaded();
  const wasOne = !all.hidden;
  all.hidden = true;
  const events = await store.unseen();
  const fresh = now.index.vendors.filter(({ id }) => events.some((event) => event.vendor === id));
  fill(
    h("h1", { tabindex: "-1" }, words.say(wasOne ? "all_vendors" : "unknown_site")),
    wasOne ? null : h("p", { class: "soft" }, words.say("unknown_site_about")),
    fresh.length ? news(fresh, now.index) : null,
    vendors(now.index, words, (id) => void chosen(id)),
  );
  if (wasOne) main.querySelector("input")?.focus();
  return undefined;
}

/** @param {string} id */
async function chosen(id) {
  await vendor(id, null);
  main.querySelector("h1")?.focus();
}

/** @param {import("../lib/bundle.js").Listed[]} fresh @param {import("../lib/bundle.js").Index} index */
function news(fresh, index) {
  const rows = fresh.map((one) =>
    h(
      "li",
      {},
      h("button", { type: "button", onclick: () => void chosen(one.id) }, h("span", { class: "name" }, one.name), " ", short(one.verdict, index, words)),
    ),
  );
  return h("section", { class: "fresh" }, h("h2", {}, words.say("news_title")), h("ul", { class: "vendors" }, ...rows));
}

async function neverLoaded() {
  fill(
    h("h1", { tabindex: "-1" }, words.say("never_loaded")),
    h("p", {}, words.say(settings.api ? "never_loaded_about" : "no_server_about")),
  );
  const trouble = await store.trouble();
  footer.replaceChildren(...(trouble ? [troubleLine(trouble, words)] : []), retry(trouble));
}

// --- as of when -------------------------------------------------------------------------------

/** @param {{held: import("../state/store.js").Held, index: import("../lib/bundle.js").Index}} now */
async function foot({ held, index }) {
  const trouble = await store.trouble();
  const needs = trouble !== null || isStale(index.as_of, Date.now());
  footer.replaceChildren(
    asOfLine(index.as_of, held.from, Date.now(), words),
    ...(trouble ? [troubleLine(trouble, words)] : []),
    ...(needs ? [retry(trouble)] : []),
  );
}

/** The one thing here that leads to a request: a click. @param {store.Trouble | null} trouble */
function retry(trouble) {
  if (!settings.api) return door(words.say("set_server"), openOptions);
  if (trouble?.kind === "not_allowed") {
    const says = words.say("welcome_allow", { host: new URL(settings.api).host });
    return door(says, () => openTab(ownAddress("welcome/welcome.html")));
  }
  const said = h("span", { role: "status" });
  const button = h("button", { type: "button", class: "button", onclick: again }, words.say("retry"));
  async function again() {
    button.disabled = true;
    said.textContent = words.say("updating");
    await ask({ update: true });
    await open();
  }
  return h("p", { class: "retry" }, button, " ", said);
}


/** A button that leads elsewhere. @param {string} says @param {() => unknown} open */
function door(says, open) {
  return h("p", {}, h("button", { type: "button", class: "button", onclick: open }, says));
}
