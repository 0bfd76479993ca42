/**
 * What is kept about a person, as a file: saved in one browser, restored in another.
 *
 * A file may come from anywhere, so it is read like any document of others: bounded, and refused
 * where it is not what it says to be.
 */

import { address, document, list, maybe, orElse, record, table, text, time, truth } from "./shape.js";

export const LARGEST = 5_000_000; // bytes: half of what a browser keeps for an extension
const PERSONAL_VERSION = 1;

const name = text(200);

const look = record({ at: time, changes: list(name, 200), oldest: maybe(time) });

const seen = {
  at: time,
  version_id: maybe(name),
  passages: list(record({ id: name, topics: list(name, 50), text: text(20_000) }), 20_000),
};

const file = record({
  saved_at: time,
  settings: record({
    api: address,
    language: name,
    follows: record({ vendors: list(name, 5000), topics: list(name, 100) }),
    notify: truth,
    badge: truth,
    marks: truth,
  }),
  looks: orElse(table(look, 5000), {}),
  watched: orElse(table(look, 5000), {}),
  unseen: orElse(list(record({ id: name, vendor: name }), 5000), []),
  reads: orElse(table(record({ ...seen, before: maybe(record(seen)) }), 5000), {}),
});

/** @typedef {ReturnType<typeof file>} Personal */

/** @param {Omit<Personal, "saved_at">} own @param {string} at */
export function write(own, at) {
  return JSON.stringify({ personal_version: PERSONAL_VERSION, saved_at: at, ...own }, null, 1);
}

/** @param {string} json @returns {Personal} @throws {import("./shape.js").Refused} */
export const read = (json) => document(json, "personal_version", PERSONAL_VERSION, file);
