/** Elements made one by one: texts go in as text, so nothing in them can become markup. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {Record<string, string | boolean | null | undefined | ((event: any) => void)>} Props */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} props attributes; a function is a listener (`onclick`)
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SHAPES = ["ear", "yes", "opt_out", "opt_in", "no", "unclear", "stated", "not_stated", "not_read"];
const WAYS = ["worse", "better", "says_less", "says_more", "unclear"];

/** A drawing beside a text that says the same. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/icons/shapes.svg#${[...SHAPES, ...WAYS].includes(name) ? name : "unclear"}`);
  svg.append(use);
  return svg;
}

/** An answer's sort with its icon. @param {string} sort @param {string} text @param {boolean} small */
export function badge(sort, text, small = false) {
  const known = SHAPES.includes(sort) ? sort : "unclear";
  return h("span", { class: `badge ${known}${small ? " small" : ""}` }, icon(known), h("span", {}, text));
}

/** Which way a change goes, as a sign and in words. @param {string} direction @param {string} text */
export function way(direction, text) {
  const known = WAYS.includes(direction) ? direction : "unclear";
  return h("strong", { class: `way ${known}` }, icon(known), h("span", {}, text));
}

/** A link that leads away and tells nothing. @param {string | null} url @param {Child[]} children */
export function away(url, ...children) {
  if (!url) return h("span", {}, ...children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/** Words of a page or a server, in their own language and direction.
 * @param {keyof HTMLElementTagNameMap} tag @param {string} lang @param {Child[]} children */
export function theirs(tag, lang, ...children) {
  return h(tag, { lang, dir: "auto" }, ...children);
}

/** What was removed and added, in reading order. @param {string[][]} runs */
export function diff(runs) {
  const marked = runs.map(([kind, words]) => {
    if (kind === "added") return h("ins", {}, words);
    if (kind === "removed") return h("del", {}, words);
    return words;
  });
  return h("p", { class: "diff", dir: "auto" }, ...marked);
}

/** Put the page's own words into its elements that name them.
 * @param {import("../lib/words.js").Words} words */
export function speak(words) {
  document.documentElement.lang = words.lang;
  document.documentElement.dir = words.say("direction");
  for (const element of document.querySelectorAll("[data-say]")) {
    element.textContent = words.say(/** @type {HTMLElement} */ (element).dataset.say ?? "");
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words.say(/** @type {HTMLElement} */ (element).dataset.label ?? ""));
  }
}
