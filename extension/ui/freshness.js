/** As of when things are shown, and what is wrong with them. */

import { days, isStale } from "../lib/schedule.js";
import { h } from "./elements.js";

/** @typedef {import("../lib/words.js").Words} Words */
/** @typedef {import("../state/store.js").Trouble} Trouble */

/**
 * @param {string | null} asOf @param {"package" | "server"} from @param {number} now @param {Words} words
 * @returns {HTMLElement}
 */
export function asOfLine(asOf, from, now, words) {
  if (!asOf) return h("p", { class: "asof" }, words.say("as_of_never"));
  const time = h("time", { datetime: asOf }, words.day(asOf));
  const [before, after] = words.say(from === "package" ? "as_of_package" : "as_of").split("{date}");
  const line = h("p", { class: "asof" }, before, time, after);
  if (isStale(asOf, now)) {
    line.append(" ", h("strong", { class: "stale" }, words.count("stale", days(asOf, now))));
  }
  return line;
}

/** What went wrong at the last try, in one sentence. @param {Trouble} trouble @param {Words} words */
export function troubleLine({ kind, at, detail }, words) {
  const says = words.say(`trouble_${kind}`, { detail });
  return h("p", { class: "trouble" }, says, " ", words.say("trouble_at", { at: words.moment(at) }));
}
