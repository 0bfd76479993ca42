/** Where an answer is not the whole story: pages that differ, what was said before, what is gone. */

import { short } from "../lib/answers.js";
import { verdict } from "../lib/bundle.js";
import { away, badge, h, theirs } from "./elements.js";
import { quote, quoteOf } from "./quotes.js";

/** @typedef {import("../lib/bundle.js").Answer} Answer */
/** @typedef {import("../lib/bundle.js").Contradiction} Contradiction */
/** @typedef {import("../lib/words.js").Words} Words */
/** @typedef {import("./vendor.js").Shown} Shown */

const GAPS = ["languages", "editions", "pages"];

/** Where pages or languages do not say the same, and what could not be looked at.
 * @param {Shown} shown @param {Answer | undefined} given */
export function caveats(shown, given) {
  const { words } = shown;
  if (!given) return null;
  const unread = given.standing !== "not_read" && given.pages_unread > 0;
  const gaps = given.contradictions.map((one) => gap(one, shown));
  if (!unread && !gaps.length) return null;
  return h(
    "div",
    { class: "caveats" },
    gaps.length > 0 && h("h3", {}, words.say("gaps_title")),
    gaps.length > 0 && h("ul", { class: "gaps" }, ...gaps),
    unread && h("p", { class: "soft small" }, words.count("unread", given.pages_unread)),
  );
}

/** @param {Contradiction} found @param {Shown} shown */
function gap({ gap: kind, more, less }, shown) {
  const name = GAPS.includes(kind) ? kind : "pages";
  const sides = [more, less].map((side) => onPage(side, shown));
  return h("li", {}, h("p", { class: "soft" }, shown.words.say(`gap_${name}`)), h("ul", { class: "sides" }, ...sides));
}

/** @param {Contradiction["more"]} side @param {Shown} shown */
function onPage({ page_id: id, standing, stance, as_of: asOf }, { vendor, index, words }) {
  const page = vendor.pages.find((one) => one.id === id);
  const sort = verdict({ standing, stance });
  const tongue = page && words.language(page.region ? `${page.language}-${page.region}` : page.language);
  const facts = [tongue, asOf && words.say("read_on", { date: words.day(asOf) })].filter(Boolean);
  return h(
    "li",
    {},
    badge(sort, short(sort, index, words), true),
    away(page?.url ?? null, page ? theirs("span", page.language, page.title) : id),
    h("span", { class: "soft small", dir: "auto" }, facts.join(", ")),
  );
}

/** Earlier answers, and sentences that were taken out while others still say it; both folded.
 * @param {Shown} shown @param {Answer | undefined} given */
export function past(shown, given) {
  const { words } = shown;
  const earlier = (given?.before ?? []).map((one) => period(one, shown));
  const gone = (given?.gone ?? []).flatMap((one) => withdrawn(one, shown) ?? []);
  if (!earlier.length && !gone.length) return null;
  return h(
    "div",
    { class: "past" },
    earlier.length > 0 &&
      h("details", {}, h("summary", {}, words.say("before_title")), h("ol", {}, ...earlier)),
    gone.length > 0 &&
      h("details", {}, h("summary", {}, words.count("gone", gone.length)), h("ol", { class: "withdrawn" }, ...gone)),
  );
}

/** @param {Answer["before"][number]} one @param {Shown} shown */
function period(one, { vendor, index, words }) {
  const sort = verdict(one);
  const said = one.quotes.flatMap((name) => quoteOf(vendor, name) ?? []).slice(0, 1);
  return h(
    "li",
    {},
    h("p", {}, badge(sort, short(sort, index, words), true), " ", h("span", { class: "soft small" }, span(one, one.observed, words))),
    ...said.map((found) => quote(found, vendor, words)),
  );
}

/** @param {Answer["gone"][number]} one @param {Shown} shown */
function withdrawn(one, { vendor, words }) {
  const found = quoteOf(vendor, one.quote);
  return found && h("li", {}, quote(found, vendor, words, span(one, true, words)));
}

/** From when to when. @param {{since: string | null, until: string | null}} one
 * @param {boolean} observed whether its beginning was @param {Words} words */
function span({ since, until }, observed, words) {
  const days = { since: since ? words.day(since) : "…", until: until ? words.day(until) : "…" };
  return words.say(observed ? "from_until" : "from_until_first", days);
}
