/**
 * Where the passages that say something stand in a page's blocks of text.
 *
 * A passage is looked for by how its key begins, and proven by its id: the page need not be cut
 * into sentences, and nothing that only begins alike is marked.
 */

import { idOfKey, keyed } from "./keys.js";

const MOST = 20; // places of one passage: a line that a page repeats without end says it often enough

/**
 * @typedef {object} Place
 * @property {string} id of the passage
 * @property {number} block
 * @property {number} start in the block's text, UTF-16 units
 * @property {number} end
 */

/**
 * @param {string[]} blocks texts as the page holds them, in order
 * @param {{id: string, head: string | null, length: number | null}[]} passages
 * @param {string} lang
 * @returns {Place[]} in page order
 */
export function find(blocks, passages, lang) {
  const page = joined(blocks);
  return passages
    .flatMap((passage) => places(page, passage, lang))
    .sort((a, b) => a.block - b.block || a.start - b.start);
}

/** @typedef {{keys: import("./keys.js").Keyed[], begins: number[], text: string}} Joined */

/** @param {string[]} blocks @returns {Joined} */
function joined(blocks) {
  const keys = blocks.map(keyed);
  /** @type {number[]} */
  const begins = [];
  let at = 0;
  for (const { key } of keys) {
    begins.push(at);
    at += key.length + 1;
  }
  return { keys, begins, text: keys.map(({ key }) => key).join("\n") };
}

/**
 * @param {Joined} page
 * @param {{id: string, head: string | null, length: number | null}} passage
 * @param {string} lang
 * @returns {Place[]}
 */
function places({ keys, begins, text }, { id, head, length }, lang) {
  /** @type {Place[]} */
  const found = [];
  if (!head || !length) return found;
  let at = text.indexOf(head);
  while (at >= 0 && found.length < MOST) {
    let step = 1;
    if (idOfKey(text.slice(at, at + length), lang) === id) {
      const block = lastAtOrBefore(begins, at);
      const from = at - begins[block];
      const { start, end } = keys[block];
      found.push({ id, block, start: start(from), end: end(from + length - 1) });
      step = length;
    }
    at = text.indexOf(head, at + step);
  }
  return found;
}

/** @param {number[]} sorted @param {number} value */
export function lastAtOrBefore(sorted, value) {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sorted[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
