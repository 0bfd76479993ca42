/** The sentences that matter on the policy page in the tab: marked there, listed here. */

import { inOrder, topicName } from "../lib/answers.js";
import { NotReadable, keepReading, mark, show, unmark } from "../state/marking.js";
import { diff, h } from "./elements.js";

/** @typedef {import("../lib/bundle.js").Index} Index */
/** @typedef {import("../lib/bundle.js").Page} Page */
/** @typedef {import("../lib/words.js").Words} Words */
/** @typedef {import("../state/marking.js").Mark} Mark */
/** @typedef {import("../state/marking.js").Reading} Reading */

/**
 * @typedef {object} Open
 * @property {number} tabId
 * @property {string} vendorId
 * @property {Page} page
 * @property {boolean} remembers whether this reading is kept; not in a private window
 * @property {Index} index
 * @property {Words} words
 */

/**
 * A button that marks, and then the list of what was marked: here, or in the panel beside the page.
 * @param {Open} open @param {() => Promise<boolean>} beside whether the panel takes it over
 */
export function offer(open, beside) {
  const { words } = open;
  const room = h("div", { class: "room" });
  const begin = async () => {
    if (!(await beside())) await fill(room, open);
  };
  room.append(marker(begin, words));
  return h("section", { class: "reading" }, h("h2", {}, words.say("reading_title")), h("p", {}, words.say("reading_about")), room);
}

/** @param {() => unknown} begin @param {Words} words */
function marker(begin, words) {
  return h("button", { type: "button", class: "button", onclick: begin }, words.say("mark"));
}

/** Marks the page in the tab, and lists in that room what was marked.
 * @param {HTMLElement} room @param {Open} open */
export async function fill(room, open) {
  const { words, page, tabId, vendorId } = open;
  try {
    const found = await mark(tabId, vendorId, page.id);
    if (!found) return;
    if (open.remembers) await keepReading(page.id, page.version_id, found.marks);
    room.replaceChildren(...listed(found, room, open));
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error;
    room.replaceChildren(h("p", { class: "trouble", role: "alert" }, words.say("mark_failed")));
  }
}

/** @param {Reading} found @param {HTMLElement} room @param {Open} open */
function listed(found, room, open) {
  const { words } = open;
  const { marks, since } = found;
  const status = h("p", { role: "status" }, words.count("marked", marks.length));
  const fresh = marks.filter((one) => one.novelty !== "same").length;
  const about = since
    ? words.count("marked_new", fresh, { date: words.day(since) })
    : words.say("marked_first");
  // A page that builds itself up slowly may hold more by now.
  const again = h("button", { type: "button", class: "plain", onclick: () => fill(room, open) }, words.say("mark_again"));
  async function remove() {
    await unmark(open.tabId);
    room.replaceChildren(marker(() => fill(room, open), words));
  }
  return [
    status,
    marks.length > 0 && h("p", { class: "soft" }, about),
    found.missing > 0 && h("p", { class: "soft" }, words.count("missing", found.missing), " ", again),
    marks.length > 0 && steps(marks, open),
    gone(found, open),
    h("button", { type: "button", class: "plain", onclick: remove }, words.say("unmark")),
  ].filter((child) => child instanceof Node);
}

/** @param {Mark[]} marks @param {Open} open */
function steps(marks, { tabId, index, words }) {
  let at = -1;
  const where = h("span", { class: "where", "aria-live": "polite" });
  const items = marks.map((one, i) =>
    h(
      "li",
      { class: `passage ${one.family}` },
      h("button", { type: "button", onclick: () => go(i) }, ...described(one, index, words)),
      one.runs && diff(one.runs),
    ),
  );
  /** @param {number} i */
  async function go(i) {
    at = (i + marks.length) % marks.length;
    items.forEach((item, n) => item.classList.toggle("current", n === at));
    items[at].scrollIntoView({ block: "nearest" });
    const state = await show(tabId, at);
    const said = words.say("step", { n: words.number(at + 1), total: words.number(marks.length) });
    where.textContent = state === "shown" ? said : `${said} ${words.say(`step_${state}`)}`;
  }
  const bar = h(
    "div",
    { class: "stepper", role: "group", "aria-label": words.say("stepper") },
    h("button", { type: "button", onclick: () => go(at < 0 ? marks.length - 1 : at - 1) }, words.say("previous")),
    h("button", { type: "button", onclick: () => go(at + 1) }, words.say("next")),
    where,
  );
  return h("div", {}, bar, h("ol", { class: "marks" }, ...items));
}

/** @param {Mark} one @param {Index} index @param {Words} words */
function described(one, index, words) {
  const topics = inOrder(one.topics).map((topic) => topicName(topic, index, words));
  return [
    one.novelty !== "same" && h("span", { class: "novelty" }, words.say(`novelty_${one.novelty}`)),
    h("span", { class: "text", dir: "auto" }, one.text),
    h("span", { class: "topics" }, topics.join(" · ")),
  ];
}

/** @param {Reading} found @param {Open} open */
function gone({ vanished }, { words, page }) {
  if (!vanished.length) return null;
  return h(
    "div",
    { class: "gone" },
    h("h3", {}, words.count("vanished", vanished.length)),
    h("ul", {}, ...vanished.map(({ text }) => h("li", {}, h("del", { lang: page.language, dir: "auto" }, text)))),
  );
}
