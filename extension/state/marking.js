/** Marks a policy page that is open in a tab, and says what was found on it. */

import { family } from "../lib/answers.js";
import { find } from "../lib/finding.js";
import { baseline, novelty, rewording, sitting, vanished } from "../lib/news.js";
import { callInTab, runFile, styleTab, unstyleTab } from "../platform/browser.js";
import { lastRead, remember, vendor as vendorOf } from "./store.js";

const SCRIPT = "/page/reader.js";
const STYLE = "/page/marks.css";

/**
 * @typedef {object} Mark
 * @property {string} id of the passage
 * @property {string} text as it stands on the page
 * @property {string[]} topics
 * @property {string | null} stance
 * @property {ReturnType<typeof family>} family
 * @property {import("../lib/news.js").Novelty} novelty
 * @property {string[][] | null} runs how it was reworded
 */

/**
 * @typedef {object} Reading
 * @property {Mark[]} marks in page order
 * @property {{id: string, topics: string[], text: string}[]} vanished since the last reading
 * @property {number} missing passages that our copy of the page holds and this one does not
 * @property {string | null} since when the last reading was
 */

/**
 * @param {number} tabId @param {string} vendorId @param {string} pageId
 * @returns {Promise<Reading | null>} null: the page is not known any more
 */
export async function mark(tabId, vendorId, pageId) {
  const vendor = await vendorOf(vendorId);
  const page = vendor?.pages.find(({ id }) => id === pageId);
  if (!vendor || !page) return null;
  const last = baseline(await lastRead(pageId), Date.now());
  await runFile(tabId, SCRIPT).catch(refused);
  /** @type {string[]} */
  const blocks = await callInTab(tabId, "read", page.remove ?? []);
  const places = find(blocks, page.passages, page.language);
  const texts = places.map(({ block, start, end }) => blocks[block].slice(start, end));
  const changes = vendor.changes.filter((change) => change.page_id === pageId);
  const said = new Map(page.passages.map((passage) => [passage.id, passage]));
  const marks = places.map(({ id }, i) => {
    const { topics = [], stance = null } = said.get(id) ?? {};
    const isNew = novelty(id, texts[i], last, changes);
    const runs = isNew === "reworded" ? rewording(texts[i], changes) : null;
    return { id, text: texts[i], topics, stance, family: family(topics), novelty: isNew, runs };
  });
  const named = places.map((place, i) => ({ ...place, name: highlight(marks[i]) }));
  await callInTab(tabId, "mark", named);
  await styleTab(tabId, STYLE);
  const here = new Set(places.map(({ id }) => id));
  return {
    marks,
    vanished: vanished(last, here),
    missing: page.passages.filter(({ id }) => !here.has(id)).length,
    since: last?.at ?? null,
  };
}

/** The browser keeps extensions away from some pages: its own, its store's. */
export class NotReadable extends Error {}

/** @param {unknown} error @returns {never} */
function refused(error) {
  throw new NotReadable(String(error));
}

/** Remember what was read. @param {string} pageId @param {string | null} versionId @param {Mark[]} marks */
export async function keepReading(pageId, versionId, marks) {
  const passages = marks.map(({ id, topics, text }) => ({ id, topics, text }));
  const last = await lastRead(pageId);
  await remember(pageId, sitting({ version_id: versionId, passages }, last, Date.now()));
}

/** @param {number} tabId @param {number} i @returns {Promise<"shown" | "folded" | "gone">} */
export const show = (tabId, i) => callInTab(tabId, "show", i);

/** Whether the page that was read is still the one in the tab. @param {number} tabId */
export const isThere = async (tabId) => typeof (await callInTab(tabId, "marked")) === "number";

/** @param {number} tabId */
export async function unmark(tabId) {
  await callInTab(tabId, "clear");
  await unstyleTab(tabId, STYLE);
}

/** @param {Mark} one */
function highlight(one) {
  const suffix = one.novelty === "same" ? "" : "-new";
  return `earwitness-${one.family}${suffix}`;
}
