/** Verbatim words, with where they stand and when they were seen. */

import { away, h, theirs } from "./elements.js";

/** @typedef {import("../lib/bundle.js").Vendor} Vendor */
/** @typedef {import("../lib/bundle.js").Answer} Answer */
/** @typedef {import("../lib/bundle.js").Quote} Quote */
/** @typedef {import("../lib/words.js").Words} Words */
/** @typedef {import("./vendor.js").Shown} Shown */

/** An answer's quotes. @param {Shown} shown @param {Answer | undefined} given @param {number} most */
export function quotes({ vendor, words }, given, most) {
  const named = (given?.quotes ?? []).flatMap((name) => quoteOf(vendor, name) ?? []);
  // Of quotes that weigh the same to us the reader's own language comes first.
  const own = named.filter(({ language }) => language === words.lang);
  const shown = [...own, ...named.filter((one) => !own.includes(one))].slice(0, most);
  if (!shown.length) return null;
  return h("div", { class: "quotes" }, ...shown.map((one) => quote(one, vendor, words)));
}

/** The quote of a name: of words that stand, or stood. @param {Vendor} vendor @param {string} name */
export function quoteOf({ quotes: standing, past_quotes: past }, name) {
  const held = [standing, past].find((one) => Object.hasOwn(one, name));
  return held ? held[name] : null;
}

/** @param {Quote} said @param {Vendor} vendor @param {Words} words
 * @param {string} when if not given, when it was seen */
export function quote(said, vendor, words, when = seen(said, words)) {
  const page = vendor.pages.find(({ id }) => id === said.page_id);
  const source = away(said.url, theirs("span", said.language, page?.title ?? said.page_id));
  return h(
    "figure",
    { class: "quote" },
    h("blockquote", { lang: said.language, dir: "auto" }, h("p", {}, said.text)),
    h(
      "figcaption",
      {},
      source,
      h("span", {}, when),
    ),
  );
}

/** @param {Quote} said @param {Words} words */
function seen({ captured_at: first, last_seen: last }, words) {
  return words.say("quote_seen", { first: words.day(first), last: words.day(last) });
}
