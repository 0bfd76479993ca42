/**
 * The key of a text: what two texts share that differ only in typography and white space.
 *
 * The same as `policies/passages.py`; both are checked against tests/vectors/passage_keys.json.
 * Each character of a key knows where it came from, so that what is found in keys can be marked
 * in the page.
 */

import { sha256 } from "./sha256.js";

// eslint-disable-next-line no-misleading-character-class -- each stands for itself here
const INVISIBLE = /[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]/;
// eslint-disable-next-line no-control-regex -- as Python counts white space
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const PLAIN = /^[\x21-\x5f\x61-\x7e\xc0-\xff]*$/;
const BULLETS = new Set("•‣◦⁃∙·▪▫●○■□*+-");
const TIGHT = new Set(";:!?");
const STRAIGHT = new Map([
  ...[..."‘’‚‛′‹›`´"].map((mark) => /** @type {const} */ ([mark, "'"])),
  ...[..."“”„‟″«»"].map((mark) => /** @type {const} */ ([mark, '"'])),
  ...[..."‐‑‒–—―−"].map((mark) => /** @type {const} */ ([mark, "-"])),
]);

// A text of these whose spaces are single and loose nowhere is its own key, but for its ends.
const SIMPLE = /^[\x20-\x7e\xa1-\xa7\xae\xb0\xb6\xbf-\xff]*$/;
const LOOSE = / [ ;:!?"]|" /;
const STRAIGHTENED = new RegExp(`[${[...STRAIGHT.keys()].join("")}]`, "g");
const SPACES = new RegExp(SPACE, "g");

/**
 * @typedef {object} Keyed
 * @property {string} key
 * @property {(at: number) => number} start where in the text a UTF-16 unit of the key came from
 * @property {(at: number) => number} end and where that ended
 */

/** @param {string} text @returns {string} */
export function key(text) {
  return keyed(text).key;
}

/** @param {string} text @param {string} lang @returns {string} 16 hex digits */
export function passageId(text, lang) {
  return idOfKey(key(text), lang);
}

/** @param {string} itsKey @param {string} lang @returns {string} 16 hex digits */
export function idOfKey(itsKey, lang) {
  return sha256(`${lang}\n${itsKey}`).slice(0, 16);
}

/** The key of a text with the origin of each of its characters. @param {string} text @returns {Keyed} */
export function keyed(text) {
  return simple(text) ?? tightened(stripped(folded(composed(text))));
}

/** The key of most texts, without tracing each character. @param {string} text @returns {Keyed | null} */
function simple(text) {
  const plain = text
    .replace(STRAIGHTENED, (mark) => STRAIGHT.get(mark) ?? mark)
    .replace(SPACES, " ");
  const inner = plain.trim();
  if (!SIMPLE.test(inner) || LOOSE.test(inner) || BULLETS.has(inner[0])) return null;
  const lead = plain.indexOf(inner);
  return { key: inner, start: (at) => lead + at, end: (at) => lead + at + 1 };
}

/**
 * @typedef {object} Traced characters in order, with where they came from
 * @property {string[]} units
 * @property {number[]} starts
 * @property {number[]} ends
 */

/** Invisible characters gone, marks straight, NFKC. @param {string} text @returns {Traced} */
function composed(text) {
  /** @type {Traced} */
  const traced = { units: [], starts: [], ends: [] };
  for (const word of text.matchAll(/\S+|\s+/gu)) {
    const [run] = word;
    if (PLAIN.test(run)) trace(traced, run, word.index, 1);
    else compose(traced, run, word.index);
  }
  return traced;
}

/** @param {Traced} traced @param {string} run @param {number} at */
function compose(traced, run, at) {
  const clusters = [...run.matchAll(/\P{M}\p{M}*|\p{M}+/gsu)];
  const pieces = clusters.map(([cluster]) => normal(cluster));
  const whole = normal(run);
  if (pieces.join("") !== whole) {
    trace(traced, whole, at, 0, at + run.length); // letters that only compose with their neighbours
    return;
  }
  clusters.forEach((cluster, i) => {
    const start = at + cluster.index;
    trace(traced, pieces[i], start, 0, start + cluster[0].length);
  });
}

/** @param {string} run */
function normal(run) {
  return straight(straight(visible(run)).normalize("NFKC"));
}

/** @param {string} run */
function visible(run) {
  return INVISIBLE.test(run) ? [...run].filter((mark) => !INVISIBLE.test(mark)).join("") : run;
}

/** @param {string} run */
function straight(run) {
  return [...run].map((mark) => STRAIGHT.get(mark) ?? mark).join("");
}

/**
 * @param {Traced} traced @param {string} run @param {number} at
 * @param {0 | 1} step 1: unit by unit; 0: all of it comes from at..end
 * @param {number} [end]
 */
function trace(traced, run, at, step, end = at) {
  for (let i = 0; i < run.length; i++) {
    traced.units.push(run[i]);
    traced.starts.push(at + i * step);
    traced.ends.push(step ? at + i + 1 : end);
  }
}

/** White space as single spaces. @param {Traced} traced @returns {Traced} */
function folded(traced) {
  let spaced = false;
  return kept(
    traced,
    (unit) => {
      const isSpace = SPACE.test(unit);
      const keep = !(isSpace && spaced);
      spaced = isSpace;
      return keep;
    },
    (unit) => (SPACE.test(unit) ? " " : unit),
  );
}

/** Without space around it and without a bullet before it. @param {Traced} traced */
function stripped(traced) {
  const { units } = traced;
  let start = units[0] === " " ? 1 : 0;
  const end = units.at(-1) === " " ? units.length - 1 : units.length;
  if (BULLETS.has(units[start]) && units[start + 1] === " " && start + 2 < end) start += 2;
  return kept(traced, (_, i) => i >= start && i < end);
}

/** Without the spaces that typography sets. @param {Traced} traced @returns {Keyed} */
function tightened({ units, starts, ends }) {
  const loose = kept({ units, starts, ends }, (unit, i) => {
    if (unit !== " ") return true;
    const next = units[i + 1];
    return !(TIGHT.has(next) || (i > 0 && (units[i - 1] === '"' || next === '"')));
  });
  return {
    key: loose.units.join(""),
    start: (at) => loose.starts[at],
    end: (at) => loose.ends[at],
  };
}

/**
 * @param {Traced} traced
 * @param {(unit: string, at: number) => boolean} wanted
 * @param {(unit: string) => string} [become]
 * @returns {Traced}
 */
function kept({ units, starts, ends }, wanted, become = (unit) => unit) {
  /** @type {Traced} */
  const left = { units: [], starts: [], ends: [] };
  for (let i = 0; i < units.length; i++) {
    if (!wanted(units[i], i)) continue;
    left.units.push(become(units[i]));
    left.starts.push(starts[i]);
    left.ends.push(ends[i]);
  }
  return left;
}
