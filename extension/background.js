/**
 * The worker: listens from its first tick and remembers nothing by itself.
 *
 * It may be ended after any line. Every job can be done again: what is to be told stands in the
 * store until it was told.
 */

import { byWay, short, topicName, wayName } from "./lib/answers.js";
import { verdict } from "./lib/bundle.js";
import { delay } from "./lib/schedule.js";
import { asExpression, met, origins } from "./lib/sites.js";
import * as browser from "./platform/browser.js";
import { mark } from "./state/marking.js";
import * as store from "./state/store.js";
import { update } from "./state/update.js";
import { words } from "./state/words.js";

const ALARM = "bundle";
const A_DAY = 24 * 60; // minutes: also where the alarm's own hour was missed

browser.onInstalled((reason) => void inTurn(() => installed(reason)));
browser.onBrowserStart(() => void inTurn(settle));
browser.onAlarm((name) => void (name === ALARM && inTurn(scheduled)));
browser.onMessage(answer);
browser.onPermissions(() => void inTurn(followVisits));
browser.onNotificationClick((id) => void openNotified(id));
browser.onKept((changes) => void ("unseen" in changes && count()));
void inTurn(settle);

/** One job after the other: two at once would register the same script twice.
 * @template T @param {() => Promise<T>} job @returns {Promise<T>} */
function inTurn(job) {
  return navigator.locks.request("worker", job);
}

/** @param {string} reason */
async function installed(reason) {
  if (reason === "update") {
    await store.refit();
    await store.takeNewerPackage();
  }
  await settle();
  const { api } = await store.settings();
  if (reason !== "install" || !api) return;
  if (browser.isFirefox) await browser.openTab(browser.ownAddress("welcome/welcome.html"));
  else await scheduled();
}

async function scheduled() {
  await browser.setAlarm(ALARM, delay(Math.random()), A_DAY);
  await update();
  await settle();
}

/** Bring everything that is seen outside of a page in line with what is kept. */
async function settle() {
  if (!(await browser.hasAlarm(ALARM))) {
    await browser.setAlarm(ALARM, delay(Math.random()), A_DAY);
  }
  const now = await store.held();
  if (now && !(await store.isShown())) {
    await browser.showIcons(iconRules(now.index));
    await followVisits();
    await store.shown();
  }
  await count();
  await tell();
}

/** @param {any} message @param {{tabId?: number, url?: string, isOurs: boolean}} from */
async function answer(message, { tabId, url, isOurs }) {
  if (message?.visit === true && tabId !== undefined) return visited(tabId, url);
  if (!isOurs) return undefined;
  if (message?.update === true) return inTurn(updated);
  if (message?.settle === true) return inTurn(followVisits);
  return undefined;
}

async function updated() {
  const result = await update();
  await settle();
  return result;
}

// --- visits, where the person opted in -------------------------------------------------------

async function followVisits() {
  const { badge, marks } = await store.settings();
  const now = badge || marks ? await store.held() : null;
  const wanted = new Set(now?.index.vendors.flatMap(origins));
  const granted = (await browser.grantedOrigins()).filter((origin) => wanted.has(origin));
  await browser.runOnVisits(granted, "/page/visit.js");
}

/** @param {number} tabId @param {string | undefined} url */
async function visited(tabId, url) {
  const now = await store.held();
  const found = now && met(now.index, url);
  const { badge, marks } = await store.settings();
  if (badge) await label(tabId, now && found ? { now, found } : null);
  if (marks && found?.page) await mark(tabId, found.vendor.id, found.page);
}

/**
 * @param {number} tabId
 * @param {{now: {index: import("./lib/bundle.js").Index}, found: import("./lib/sites.js").Met} | null} here
 */
async function label(tabId, here) {
  const say = await words();
  if (!here) {
    await browser.setBadge("", tabId);
    return browser.setButton(icon("ear"), say.say("name"), tabId);
  }
  const { vendor, assistants } = here.found;
  const sort = await verdictThere(vendor.id, assistants);
  await browser.setBadge(say.has(`badge_${sort}`) ? say.say(`badge_${sort}`) : "?", tabId);
  const title = say.say("button_title", {
    vendor: vendor.name,
    verdict: short(sort, here.now.index, say),
  });
  await browser.setButton(icon(sort), title, tabId);
}

/** The answer for the one assistant that is met there, or the vendor's.
 * @param {string} vendorId @param {string[]} assistants */
async function verdictThere(vendorId, assistants) {
  const vendor = await store.vendor(vendorId);
  const one = assistants.length === 1 && vendor?.assistants.find(({ id }) => id === assistants[0]);
  return verdict((one && one.human_review) || vendor?.answers.human_review);
}

/** @param {import("./lib/bundle.js").Index} index @returns {browser.IconRule[]} */
function iconRules(index) {
  return index.vendors
    .filter(({ sites }) => sites.length)
    .map(({ sites, verdict: sort }) => ({
      icon: icon(sort),
      pages: sites.map(({ host, paths }) => ({ host, paths: paths.map(asExpression) })),
    }));
}

const ICONS = ["yes", "opt_out", "opt_in", "no", "unclear", "not_stated", "not_read", "ear"];

/** @param {string} sort @returns {Record<number, string>} */
function icon(sort) {
  const name = ICONS.includes(sort) ? sort : "unclear";
  return { 16: `/icons/${name}-16.png`, 32: `/icons/${name}-32.png` };
}

// --- being told ------------------------------------------------------------------------------

async function count() {
  const unseen = await store.unseen();
  await browser.setBadge(unseen.length ? String(unseen.length) : "");
}

async function tell() {
  const { notify } = await store.settings();
  const say = await words();
  const now = await store.held();
  for (const event of await store.toTell()) {
    const vendor = notify ? await store.vendor(event.vendor) : null;
    const change = vendor?.changes.find(({ id }) => id === event.id);
    if (now && vendor && change) {
      const title = vendor.pages.find(({ id }) => id === change.page_id)?.title ?? "";
      const notice = say.say("notice", { vendor: vendor.name, title });
      const message = [notice, ...waysTold(change, now.index, say)].join(" ");
      await browser.notify(`${event.vendor}/${event.id}`, say.say("notice_title"), message);
    }
    await store.told(event.id);
  }
}

/** Which way a change goes, where that is clear.
 * @param {import("./lib/bundle.js").Change} change @param {import("./lib/bundle.js").Index} index
 * @param {import("./lib/words.js").Words} say */
function waysTold(change, index, say) {
  return byWay(change).flatMap(([way, topics]) => {
    if (way === null || way === "unclear") return [];
    const names = topics.map((topic) => topicName(topic, index, say));
    return say.say("notice_way", { way: wayName(way, index, say), topics: say.list(names) });
  });
}

/** @param {string} id vendor and change */
async function openNotified(id) {
  const [vendor] = id.split("/");
  const page = `popup/popup.html?vendor=${encodeURIComponent(vendor)}`;
  await browser.openTab(browser.ownAddress(page));
}
