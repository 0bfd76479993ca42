/** The browser as the extension sees it. No other file names its API. */

/** @type {typeof chrome} */
const api = globalThis.browser ?? globalThis.chrome;

export const isFirefox = api.runtime.getURL("").startsWith("moz-extension:");

// --- the extension itself ---------------------------------------------------------------

/** @param {string} path */
export const ownAddress = (path) => api.runtime.getURL(path);

export const version = api.runtime.getManifest().version;

/** The language of the browser's own words, as a tag. */
export const browserLanguage = () => api.i18n.getUILanguage();

/** Read a file of the package. @param {string} path @returns {Promise<string | null>} null: there is none */
export async function packaged(path) {
  try {
    const answer = await fetch(ownAddress(path));
    return answer.ok ? await answer.text() : null;
  } catch {
    return null;
  }
}

/** Whether this page hangs from the button. */
export const isPopup = () => api.extension.getViews({ type: "popup" }).includes(window);

export const openOptions = () => api.runtime.openOptionsPage();

/** @param {string} url */
export const openTab = (url) => api.tabs.create({ url });

// --- what is kept -------------------------------------------------------------------------

/** @param {string[] | null} keys null: all @returns {Promise<Record<string, any>>} */
export const kept = (keys) => api.storage.local.get(keys);

/** All of it or nothing. @param {Record<string, unknown>} values */
export const keep = (values) => api.storage.local.set(values);

/** @param {string[]} keys */
export const drop = (keys) => api.storage.local.remove(keys);

export const dropAll = () => api.storage.local.clear();

/** @param {(changes: Record<string, unknown>) => void} listener */
export const onKept = (listener) => api.storage.local.onChanged.addListener(listener);

// --- events: to be registered while a file is first run ----------------------------------

/** @param {(reason: string) => void} listener "install", "update" and others */
export const onInstalled = (listener) =>
  api.runtime.onInstalled.addListener(({ reason }) => listener(reason));

/** @param {() => void} listener */
export const onBrowserStart = (listener) => api.runtime.onStartup.addListener(listener);

/**
 * @param {(message: any, from: {tabId?: number, url?: string, isOurs: boolean}) => Promise<unknown>} listener
 */
export const onMessage = (listener) =>
  api.runtime.onMessage.addListener((message, sender, answer) => {
    const isOurs = Boolean(sender.url?.startsWith(ownAddress("")));
    listener(message, { tabId: sender.tab?.id, url: sender.url, isOurs }).then(answer, (error) => {
      console.error(error);
      answer({ failed: String(error) });
    });
    return true; // the answer comes later
  });

/** @param {unknown} message @returns {Promise<any>} */
export const ask = (message) => api.runtime.sendMessage(message);

/** Tell the other pages of the extension; nobody has to listen. @param {string} word */
export const announce = (word) => void api.runtime.sendMessage({ announced: word }).catch(() => {});

/** @param {(word: string) => void} listener answers nothing: that is the worker's to do */
export const onAnnounced = (listener) =>
  api.runtime.onMessage.addListener((message, sender) => {
    const isOurs = Boolean(sender.url?.startsWith(ownAddress("")));
    if (isOurs && message?.announced) listener(message.announced);
  });

/** @param {(name: string) => void} listener */
export const onAlarm = (listener) => api.alarms.onAlarm.addListener(({ name }) => listener(name));

/** @param {string} name @param {number} minutes until the first, @param {number} period then each */
export const setAlarm = (name, minutes, period) =>
  api.alarms.create(name, { delayInMinutes: minutes, periodInMinutes: period });

/** @param {string} name */
export const hasAlarm = async (name) => Boolean(await api.alarms.get(name));

// --- permissions ---------------------------------------------------------------------------

/** @typedef {{origins?: string[], permissions?: ("notifications")[]}} Wish */

/** Asks the person; only from a click. @param {Wish} wish @returns {Promise<boolean>} */
export const request = (wish) => api.permissions.request(wish);

/** @param {Wish} wish @returns {Promise<boolean>} */
export const isGranted = (wish) => api.permissions.contains(wish);

/** @param {Wish} wish @returns {Promise<boolean>} false: the browser keeps it */
export const giveBack = (wish) => api.permissions.remove(wish).catch(() => false);

/** @returns {Promise<string[]>} the origins that were granted */
export const grantedOrigins = async () => (await api.permissions.getAll()).origins ?? [];

/** @param {() => void} listener */
export function onPermissions(listener) {
  api.permissions.onAdded.addListener(listener);
  api.permissions.onRemoved.addListener(listener);
}

// --- the tab in front ----------------------------------------------------------------------

/** @typedef {{id: number, windowId: number, url: string | undefined, isPrivate: boolean}} Tab */

/** Its address is known only where a click on the button granted it. @returns {Promise<Tab | null>} */
export async function tabInFront() {
  const [tab] = await api.tabs.query({ active: true, currentWindow: true });
  if (tab?.id === undefined) return null;
  return { id: tab.id, windowId: tab.windowId, url: tab.url, isPrivate: tab.incognito };
}

/** @param {() => void} changed another tab is in front, or another page in it
 * @param {(id: number) => void} closed */
export function onTabs(changed, closed) {
  api.tabs.onActivated.addListener(() => changed());
  api.tabs.onUpdated.addListener((_, { status, url }) => void ((url || status === "complete") && changed()));
  api.tabs.onRemoved.addListener((id) => closed(id));
}

/** @param {number} tabId */
export const toFront = (tabId) => api.tabs.update(tabId, { active: true });

/**
 * Opens the panel beside the page; only from a click, before anything is waited for.
 * @param {number} windowId @returns {Promise<boolean>} false: there is no room for one (Android)
 */
export async function openPanel(windowId) {
  const { sidePanel, sidebarAction } = /** @type {any} */ (api);
  if (!sidePanel && !sidebarAction) return false;
  await (sidePanel ? sidePanel.open({ windowId }) : sidebarAction.open());
  return true;
}

/** @param {number} tabId @param {string} file a script of the package */
export const runFile = (tabId, file) =>
  api.scripting.executeScript({ target: { tabId }, files: [file] });

/**
 * Calls `earwitness[name](...args)`, which a script of the package left in the tab.
 * @param {number} tabId @param {string} name @param {unknown[]} args @returns {Promise<any>}
 */
export async function callInTab(tabId, name, ...args) {
  const [{ result }] = await api.scripting.executeScript({
    target: { tabId },
    func: (/** @type {string} */ called, /** @type {unknown[]} */ given) =>
      /** @type {any} */ (globalThis).earwitness?.[called](...given),
    args: [name, args],
  });
  return result;
}

/** @param {number} tabId @param {string} file a style sheet of the package */
export const styleTab = (tabId, file) =>
  api.scripting.insertCSS({ target: { tabId }, files: [file] });

/** @param {number} tabId @param {string} file */
export const unstyleTab = (tabId, file) =>
  api.scripting.removeCSS({ target: { tabId }, files: [file] });

/** Runs a script on every visit to these origins, or on none. @param {string[]} origins @param {string} file */
export async function runOnVisits(origins, file) {
  const id = "visits";
  const [registered] = await api.scripting.getRegisteredContentScripts({ ids: [id] });
  if (registered) await api.scripting.unregisterContentScripts({ ids: [id] });
  if (!origins.length) return;
  const script = { id, js: [file], matches: origins, runAt: /** @type {const} */ ("document_idle") };
  await api.scripting.registerContentScripts([{ ...script, persistAcrossSessions: true }]);
}

// --- the button ------------------------------------------------------------------------------

/** @param {string} text @param {number} [tabId] */
export async function setBadge(text, tabId) {
  await api.action.setBadgeText({ text, tabId });
  if (text) await api.action.setBadgeBackgroundColor({ color: "#3a3191", tabId });
}

/** @param {Record<number, string>} path by size @param {string} title @param {number} tabId */
export async function setButton(path, title, tabId) {
  await api.action.setIcon({ path, tabId });
  await api.action.setTitle({ title, tabId });
}

/**
 * Icons that the browser shows by itself, where it can (Chromium): it compares addresses, and
 * tells nobody. Each rule: hosts with paths as RE2, and the icon of those pages.
 * @typedef {{icon: Record<number, string>, pages: {host: string, paths: string[]}[]}} IconRule
 * @param {IconRule[]} rules
 */
export async function showIcons(rules) {
  if (!api.declarativeContent) return;
  const { SetIcon, PageStateMatcher, onPageChanged } = api.declarativeContent;
  const made = await Promise.all(
    rules.map(async ({ icon, pages }) => ({
      conditions: pages.map((page) => new PageStateMatcher({ pageUrl: urlFilter(page) })),
      actions: [new SetIcon({ imageData: await pixels(icon) })],
    })),
  );
  await new Promise((done) => onPageChanged.removeRules(undefined, () => done(undefined)));
  await new Promise((done) => onPageChanged.addRules(made, () => done(undefined)));
}

/** @param {{host: string, paths: string[]}} page */
function urlFilter({ host, paths }) {
  const schemes = ["http", "https"];
  if (!paths.length) return { hostSuffix: `.${host}`, schemes };
  const where = `^https?://([^/]*\\.)?${host.replaceAll(".", "\\.")}(:\\d+)?`;
  return { urlMatches: `${where}(${paths.join("|")})`, hostSuffix: `.${host}`, schemes };
}

/** @param {Record<number, string>} icon */
async function pixels(icon) {
  const sizes = await Promise.all(
    Object.entries(icon).map(async ([size, path]) => {
      const bitmap = await createImageBitmap(await (await fetch(ownAddress(path))).blob());
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
      pen.drawImage(bitmap, 0, 0);
      return [size, pen.getImageData(0, 0, bitmap.width, bitmap.height)];
    }),
  );
  return Object.fromEntries(sizes);
}

// --- notifications -----------------------------------------------------------------------------

/** @param {string} id the same id replaces @param {string} title @param {string} message */
export async function notify(id, title, message) {
  const iconUrl = ownAddress("icons/ear-128.png");
  await api.notifications?.create(id, { type: "basic", iconUrl, title, message });
}

/** @param {(id: string) => void} listener */
export const onNotificationClick = (listener) =>
  api.notifications?.onClicked.addListener((id) => {
    api.notifications.clear(id);
    listener(id);
  });
