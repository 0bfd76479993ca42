/** What a vendor changed, which way it goes, and what it said before. */

import { byWay, chiefWay, topicName, wayName } from "../lib/answers.js";
import { diff, h, theirs, way } from "./elements.js";
import { past } from "./past.js";
import { heard } from "./vendor.js";

/** @typedef {import("../lib/bundle.js").Change} Change */
/** @typedef {import("../lib/bundle.js").Index} Index */
/** @typedef {import("../lib/words.js").Words} Words */
/** @typedef {import("./vendor.js").Shown} Shown */

/**
 * What changed since the last look, or when it last did.
 * @param {Shown} shown @param {Change[]} news @param {string | null} last when the person last looked
 */
export function changed(shown, news, last) {
  const { vendor, words } = shown;
  const [latest] = vendor.changes;
  const title = h("h2", {}, words.say("changed_title"));
  if (news.length && last) {
    const said = words.count("changed", news.length, { date: words.day(last) });
    const list = h("ol", { class: "news" }, ...news.map((one) => newsItem(one, shown)));
    const old = past(shown, heard(shown).given);
    return h("section", { class: "changed has-news" }, title, h("p", { class: "says" }, said), list, old);
  }
  const said = last ? words.say("unchanged", { date: words.day(last) }) : words.say("first_look");
  const before =
    latest &&
    h(
      "details",
      {},
      h("summary", {}, words.say("last_change", { date: words.day(latest.captured_at) }), " ", chief(latest, shown)),
      h("ol", { class: "news" }, newsItem(latest, shown)),
    );
  return h("section", { class: "changed" }, title, h("p", { class: "soft" }, said), before, past(shown, heard(shown).given));
}

/** @param {Change} change @param {Shown} shown */
function newsItem(change, { vendor, words, index }) {
  const page = vendor.pages.find(({ id }) => id === change.page_id);
  const title = page ? theirs("span", page.language, page.title) : change.page_id;
  const more = change.edits_total - change.edits.length;
  return h(
    "li",
    {},
    h("p", { class: "what" }, h("time", { datetime: change.captured_at }, words.day(change.captured_at)), " · ", title),
    ways(change, index, words),
    ...change.edits.map(({ runs }) => {
      const shown = diff(runs);
      if (page) shown.lang = page.language;
      return shown;
    }),
    more > 0 && h("p", { class: "soft" }, words.count("more_edits", more)),
  );
}

/** @param {Change} change @param {Shown} shown */
function chief(change, { index, words }) {
  const sort = chiefWay(change);
  return sort && way(sort, wayName(sort, index, words));
}

/** Each way that a change goes, and on what. @param {Change} change @param {Index} index @param {Words} words */
function ways(change, index, words) {
  const rows = byWay(change).map(([sort, topics]) =>
    h(
      "li",
      {},
      sort && way(sort, wayName(sort, index, words)),
      ...topics.flatMap((topic) => [" ", h("span", { class: "chip" }, topicName(topic, index, words))]),
    ),
  );
  return rows.length > 0 && h("ul", { class: "ways", "aria-label": words.say("ways") }, ...rows);
}
