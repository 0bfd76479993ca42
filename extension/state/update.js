/** Fetches the bundle: the only request that the extension ever makes, the same for everyone. */

import { read } from "../lib/bundle.js";
import { Refused } from "../lib/shape.js";
import { isFirefox, isGranted } from "../platform/browser.js";
import { confirm, held, note, settings, take } from "./store.js";

const LIMIT = 9_000_000; // bytes; browsers keep 10 MB for an extension
const PATIENCE = 60_000; // milliseconds

/** @typedef {import("./store.js").Kind} Kind */
/** @typedef {{outcome: "new" | "same" | "failed" | "no_server", kind?: Kind, detail?: string}} Result */

class Trouble extends Error {
  /** @param {Kind} kind @param {string} detail */
  constructor(kind, detail) {
    super(detail);
    this.kind = kind;
  }
}

/** Ask the server of the settings, if there is one, and keep what it says. @returns {Promise<Result>} */
export async function update() {
  const { api } = await settings();
  if (!api) return { outcome: "no_server" };
  const now = await held();
  const digest = now?.held.api === api ? now.held.digest : null;
  try {
    const json = await ask(api, digest);
    if (json === null) {
      await confirm();
      return { outcome: "same" };
    }
    const source = { from: /** @type {const} */ ("server"), digest: await digestOf(json), api };
    await take(json, source).catch(refusedByStorage);
    return { outcome: "new" };
  } catch (error) {
    const kind = error instanceof Trouble || error instanceof Refused ? error.kind : null;
    if (kind === null) throw error;
    const detail = /** @type {Error} */ (error).message;
    await note(kind, detail);
    return { outcome: "failed", kind, detail };
  }
}

/** Whether a server answers with a bundle that is understood; nothing is kept. @param {string} api */
export async function probe(api) {
  return read((await ask(api, null)) ?? "").vendors.length;
}

/**
 * @param {string} api @param {string | null} digest of the bundle that is held
 * @returns {Promise<string | null>} null: nothing newer
 */
async function ask(api, digest) {
  if (!(await isAllowed(api))) throw new Trouble("not_allowed", new URL(api).host);
  const answer = await sent(`${api}/v1/bundle.json`, digest);
  if (answer.status === 304) return null;
  if (!answer.ok) throw new Trouble("refused", `${answer.status}`);
  return body(answer);
}

/**
 * What is sent back is computed here from the bundle, as the server's ETag is: one that the
 * server made up could tell this person from others.
 * @param {string} json
 */
async function digestOf(json) {
  const hashed = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(json));
  return Array.from(new Uint8Array(hashed), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** In Firefox a fetch to a host that was not granted would name this installation. @param {string} api */
async function isAllowed(api) {
  return !isFirefox || isGranted({ origins: [originOf(api)] });
}

/** @param {string} url @param {string | null} digest */
async function sent(url, digest) {
  /** @type {RequestInit} */
  const plain = {
    cache: "no-store",
    credentials: "omit",
    referrerPolicy: "no-referrer",
    redirect: "error",
    headers: digest ? { "If-None-Match": `"${digest}"` } : {},
    signal: AbortSignal.timeout(PATIENCE),
  };
  try {
    return await fetch(url, plain);
  } catch (error) {
    throw new Trouble("offline", String(error));
  }
}

/** The body, as long as it is not too long. @param {Response} answer */
async function body(answer) {
  const decoder = new TextDecoder();
  const parts = [];
  let size = 0;
  try {
    for await (const chunk of /** @type {any} */ (answer.body ?? [])) {
      size += chunk.length;
      if (size > LIMIT) break;
      parts.push(decoder.decode(chunk, { stream: true }));
    }
  } catch (error) {
    throw new Trouble("offline", String(error));
  }
  if (size > LIMIT) throw new Trouble("too_large", `${LIMIT}`);
  return parts.join("") + decoder.decode();
}

/** @param {unknown} error @returns {never} */
function refusedByStorage(error) {
  if (error instanceof Refused) throw error;
  throw new Trouble("no_room", String(error));
}

/** The pattern by which a browser asks about a server. @param {string} api */
export function originOf(api) {
  const { protocol, hostname } = new URL(api);
  return `${protocol}//${hostname}/*`;
}
