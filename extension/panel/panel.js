/**
 * The panel beside the page: lists what is marked on the policy page in front, and stays while the
 * person reads. It follows the tab in front, and knows only what a click on the button let it see.
 */

import { met } from "../lib/sites.js";
import * as browser from "../platform/browser.js";
import { isThere } from "../state/marking.js";
import * as store from "../state/store.js";
import { words as load } from "../state/words.js";
import { away, h, speak, theirs } from "../ui/elements.js";
import { asOfLine } from "../ui/freshness.js";
import { fill } from "../ui/reading.js";

/** @typedef {import("../lib/bundle.js").Vendor} Vendor */
/** @typedef {import("../lib/bundle.js").Page} Page */
/** @typedef {import("../lib/bundle.js").Index} Index */

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const footer = /** @type {HTMLElement} */ (document.getElementById("footer"));
const words = await load();

/** What was read, by tab: whoever comes back to a page finds its list as it was.
 * @type {Map<number, {page: Page, room: HTMLElement}>} */
const readings = new Map();

speak(words);
document.title = words.say("reading_title");
browser.onAnnounced(look);
browser.onTabs(look, (id) => readings.delete(id));
look();

/** One look after the other: two at once would mark the same page twice. */
function look() {
  void navigator.locks.request(`panel ${performance.timeOrigin}`, follow);
}

async function follow() {
  main.setAttribute("aria-busy", "true");
  const [tab, now] = await Promise.all([browser.tabInFront(), store.held()]);
  const found = now && met(now.index, tab?.url);
  const vendor = found && (await store.vendor(found.vendor.id));
  const page = vendor?.pages.find(({ id }) => id === found?.page);
  if (tab && vendor && page) await read(tab, vendor, page, now.index);
  else if (tab) elsewhere(tab, vendor ?? null);
  footer.replaceChildren(...(now ? [asOfLine(now.index.as_of, now.held.from, Date.now(), words)] : []));
  main.setAttribute("aria-busy", "false");
}

/** @param {browser.Tab} tab @param {Vendor} vendor @param {Page} page @param {Index} index */
async function read(tab, vendor, page, index) {
  const last = readings.get(tab.id);
  const goesOn = last?.page.id === page.id && (await isThere(tab.id));
  if (goesOn && last.room.isConnected) return; // whoever reads keeps place and focus
  const room = goesOn ? last.room : h("div", { class: "room" });
  const { host, pathname } = new URL(tab.url ?? "");
  main.replaceChildren(
    h("h1", {}, theirs("span", page.language, page.title)),
    h("p", { class: "of" }, h("bdi", {}, vendor.name), " · ", h("bdi", {}, host + pathname)),
    room,
  );
  if (goesOn) return;
  const open = { tabId: tab.id, vendorId: vendor.id, page, remembers: !tab.isPrivate, index, words };
  if (page.passages.length) await fill(room, open);
  else room.append(h("p", {}, words.say("panel_silent")));
  readings.set(tab.id, { page, room });
}

/** The tab in front shows no policy page, or none that may be seen.
 * @param {browser.Tab} tab @param {Vendor | null} vendor */
function elsewhere(tab, vendor) {
  readings.delete(tab.id);
  const back = [...readings].map(([id, { page }]) => {
    const says = words.say("panel_back", { title: page.title });
    return h("p", {}, h("button", { type: "button", class: "button", onclick: () => browser.toFront(id) }, says));
  });
  main.replaceChildren(
    h("h1", {}, words.say("reading_title")),
    ...(vendor ? pagesOf(vendor) : [h("p", {}, words.say("panel_hint"))]),
    ...back,
  );
}

/** @param {Vendor} vendor */
function pagesOf({ name, pages }) {
  const rows = pages.map((one) => h("li", {}, away(one.url, theirs("span", one.language, one.title))));
  return [
    h("p", {}, words.say("panel_not_policy")),
    h("h2", {}, words.say("panel_pages", { vendor: name })),
    h("ul", { class: "pages" }, ...rows),
  ];
}
