/**
 * What the extension keeps in the browser, and nowhere else.
 *
 * A bundle is written in one step: its index, each vendor's record, and what came of comparing
 * it with the one before. A reader sees the old one or the new one.
 */

import { again, read, index as indexOf } from "../lib/bundle.js";
import { events, look } from "../lib/news.js";
import { drop, dropAll, keep, kept, packaged } from "../platform/browser.js";

/** @typedef {import("../lib/bundle.js").Bundle} Bundle */
/** @typedef {import("../lib/bundle.js").Index} Index */
/** @typedef {import("../lib/bundle.js").Vendor} Vendor */
/** @typedef {import("../lib/news.js").Look} Look */
/** @typedef {import("../lib/news.js").Read} Read */
/** @typedef {import("../lib/news.js").Event} Event */

/**
 * @typedef {object} Settings
 * @property {string | null} api address of the server; null: none, the packaged bundle serves
 * @property {string} language "auto" or one of the languages
 * @property {import("../lib/news.js").Follows} follows
 * @property {boolean} notify
 * @property {boolean} badge whether visits are answered on the button
 * @property {boolean} marks whether policy pages are marked without a click
 */

/** @typedef {"offline" | "refused" | "newer" | "broken" | "too_large" | "not_allowed" | "no_room"} Kind */
/** @typedef {{at: string, kind: Kind, detail: string}} Trouble */

/**
 * @typedef {object} Held
 * @property {"package" | "server"} from
 * @property {string | null} digest SHA-256 of the bundle, if it came from a server
 * @property {string | null} api that it came from
 * @property {string} at when it was taken up
 * @property {string | null} asked_at when the server last confirmed it
 * @property {string[]} vendors ids
 * @property {number} size bytes, as it came
 */

const READ = "read:"; // what was read of a page, by its id

/** @type {Settings} */
const DEFAULTS = {
  api: null,
  language: "auto",
  follows: { vendors: [], topics: [] },
  notify: false,
  badge: false,
  marks: false,
};

/** @returns {Promise<Settings>} */
export async function settings() {
  const stored = (await kept(["settings"])).settings;
  return { ...DEFAULTS, api: stored ? null : await packagedApi(), ...stored };
}

/** @param {Partial<Settings>} changed */
export const set = (changed) =>
  alone(async () => keep({ settings: { ...(await settings()), ...changed } }));

/** Nobody else writes meanwhile: pages and worker share what is kept.
 * @template T @param {() => Promise<T>} job @returns {Promise<T>} */
function alone(job) {
  return navigator.locks.request("store", job);
}

async function packagedApi() {
  const about = await packaged("packaged/about.json");
  return about ? /** @type {string | null} */ (JSON.parse(about).api) : null;
}

// --- the bundle ---------------------------------------------------------------------------

/** @returns {Promise<{held: Held, index: Index} | null>} null: nothing was ever loaded */
export async function held() {
  const found = await kept(["held", "index"]);
  if (found.held) return /** @type {{held: Held, index: Index}} */ (found);
  const json = await packaged("packaged/bundle.json");
  if (json === null) return null;
  await take(json, { from: "package", digest: null, api: null });
  return /** @type {{held: Held, index: Index}} */ (await kept(["held", "index"]));
}

/** After an update of the extension: what the older one kept may lack what this one shows, and the
 * server is asked for all of it once more. */
export const refit = () =>
  alone(async () => {
    const { held: now, index } = await kept(["held", "index"]);
    if (!now) return;
    const keys = /** @type {string[]} */ (now.vendors).map(vendorKey);
    const records = await kept(keys);
    const bundle = again(index, keys.map((key) => records[key]));
    await keep({ ...recordsOf(bundle), held: { ...now, digest: null }, shown: false });
  });

/** A newer package may carry newer words than what was downloaded. */
export async function takeNewerPackage() {
  const json = await packaged("packaged/bundle.json");
  const now = await held();
  if (json === null || now === null) return;
  const theirs = Date.parse(read(json).as_of ?? "") || 0;
  if (theirs > (Date.parse(now.index.as_of ?? "") || 0)) {
    await take(json, { from: "package", digest: null, api: null });
  }
}

/** @param {string} id @returns {Promise<Vendor | null>} */
export async function vendor(id) {
  const name = vendorKey(id);
  return (await kept([name]))[name] ?? null;
}

/**
 * Take up a bundle, with the events that it brings.
 * @param {string} json @param {{from: Held["from"], digest: string | null, api: string | null}} source
 * @throws {import("../lib/shape.js").Refused}
 */
export async function take(json, source) {
  const bundle = read(json);
  await alone(() => takeUp(bundle, new Blob([json]).size, source));
}

/**
 * @param {Bundle} bundle @param {number} size
 * @param {{from: Held["from"], digest: string | null, api: string | null}} source
 */
async function takeUp(bundle, size, { from, digest, api }) {
  const before = await kept(["held", "watched", "unseen", "to_tell"]);
  const { follows } = await settings();
  /** @type {Record<string, Look>} */
  const watched = before.watched ?? {};
  const news = events(bundle.vendors, follows, watched);
  const at = new Date().toISOString();
  await keep({
    ...recordsOf(bundle),
    held: {
      from,
      digest,
      api,
      at,
      asked_at: from === "server" ? at : null,
      vendors: bundle.vendors.map(({ id }) => id),
      size,
    },
    watched: watch(bundle.vendors, follows.vendors, at),
    unseen: [...(before.unseen ?? []), ...news],
    to_tell: [...(before.to_tell ?? []), ...news],
    shown: false,
    ...(from === "server" ? { trouble: null } : {}),
  });
  await dropVanished(before.held?.vendors ?? [], bundle);
}

/** What is looked up together, under its name. @param {Bundle} bundle */
function recordsOf(bundle) {
  const vendors = bundle.vendors.map((one) => [vendorKey(one.id), one]);
  return { ...Object.fromEntries(vendors), index: indexOf(bundle) };
}

/** The server says that it has nothing newer. */
export const confirm = () =>
  alone(async () => {
    const { held: now } = await kept(["held"]);
    await keep({ held: { ...now, asked_at: new Date().toISOString() }, trouble: null });
  });

/** @param {string[]} ids @param {Bundle} bundle */
async function dropVanished(ids, bundle) {
  const here = new Set(bundle.vendors.map(({ id }) => id));
  await drop(ids.filter((id) => !here.has(id)).map(vendorKey));
}

/** @param {Vendor[]} vendors @param {string[]} followed @param {string} at */
function watch(vendors, followed, at) {
  const looks = vendors
    .filter(({ id }) => followed.includes(id))
    .map((one) => /** @type {const} */ ([one.id, look(one, at)]));
  return Object.fromEntries(looks);
}

/** @param {string} id */
function vendorKey(id) {
  return `vendor:${id}`;
}

// --- trouble -------------------------------------------------------------------------------

/** @returns {Promise<Trouble | null>} */
export async function trouble() {
  return (await kept(["trouble"])).trouble ?? null;
}

/** @param {Kind} kind @param {string} detail */
export async function note(kind, detail) {
  await keep({ trouble: { at: new Date().toISOString(), kind, detail: detail.slice(0, 300) } });
}

// --- what the person has seen ----------------------------------------------------------------

/** @param {string} vendorId @returns {Promise<Look | undefined>} */
export async function lastLook(vendorId) {
  return (await kept(["looks"])).looks?.[vendorId];
}

/** Remember that a vendor was looked at just now. @param {Vendor} one */
export const looked = (one) =>
  alone(async () => {
    const { looks = {}, unseen: waiting = [] } = await kept(["looks", "unseen"]);
    await keep({
      looks: { ...looks, [one.id]: look(one, new Date().toISOString()) },
      unseen: waiting.filter((/** @type {Event} */ event) => event.vendor !== one.id),
    });
  });

/** @param {string} pageId @returns {Promise<Read | undefined>} */
export async function lastRead(pageId) {
  const name = READ + pageId;
  return (await kept([name]))[name];
}

/** @param {string} pageId @param {Read} now */
export async function remember(pageId, now) {
  await keep({ [READ + pageId]: now });
}

// --- following -------------------------------------------------------------------------------

/** @param {string} id @param {boolean} yes */
export const follow = (id, yes) => alone(() => doFollow(id, yes));

/** @param {string} id @param {boolean} yes */
async function doFollow(id, yes) {
  const { follows } = await settings();
  const others = follows.vendors.filter((one) => one !== id);
  const vendors = yes ? [...others, id] : others;
  const { watched = {} } = await kept(["watched"]);
  const one = yes ? await vendor(id) : null;
  const now = new Date().toISOString();
  const { [id]: _, ...rest } = watched;
  await keep({
    settings: { ...(await settings()), follows: { ...follows, vendors } },
    watched: one ? { ...rest, [id]: look(one, now) } : rest,
  });
}

/** @returns {Promise<Event[]>} */
export async function unseen() {
  return (await kept(["unseen"])).unseen ?? [];
}

/** @returns {Promise<Event[]>} */
export async function toTell() {
  return (await kept(["to_tell"])).to_tell ?? [];
}

/** @param {string} id of an event */
export const told = (id) =>
  alone(async () => keep({ to_tell: (await toTell()).filter((event) => event.id !== id) }));

// --- all of it ---------------------------------------------------------------------------------

/** What is kept about the person: everything but the bundle.
 * @returns {Promise<Omit<import("../lib/personal.js").Personal, "saved_at">>} */
export async function personal() {
  const { looks = {}, watched = {}, unseen: waiting = [], ...all } = await kept(null);
  const reads = Object.entries(all).filter(([name]) => name.startsWith(READ));
  return {
    settings: await settings(),
    looks,
    watched,
    unseen: waiting,
    reads: Object.fromEntries(reads.map(([name, one]) => [name.slice(READ.length), one])),
  };
}

/**
 * Put what a file holds in the place of what is kept. The server stays: another is used only after
 * it was tested.
 * @param {import("../lib/personal.js").Personal} own
 * @param {{notify: boolean, visits: boolean}} allowed what the browser allows at present
 */
export const restore = ({ settings: saved, looks, watched, unseen: waiting, reads }, allowed) =>
  alone(async () => {
    const before = Object.keys((await personal()).reads).filter((id) => !Object.hasOwn(reads, id));
    const { held: now } = await kept(["held"]);
    await keep({
      ...Object.fromEntries(Object.entries(reads).map(([id, one]) => [READ + id, one])),
      settings: {
        ...saved,
        api: (await settings()).api,
        notify: saved.notify && allowed.notify,
        badge: saved.badge && allowed.visits,
        marks: saved.marks && allowed.visits,
      },
      looks,
      watched,
      unseen: waiting.filter(({ vendor: id }) => now?.vendors.includes(id)),
      to_tell: [],
    });
    await drop(before.map((id) => READ + id));
  });

/** Back to the day of installation. */
export const eraseAll = () => dropAll();

/** Whether the button shows what is held. @returns {Promise<boolean>} */
export const isShown = async () => Boolean((await kept(["shown"])).shown);
export const shown = () => keep({ shown: true });
