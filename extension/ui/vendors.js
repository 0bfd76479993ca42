/** All vendors, searchable. */

import { short } from "../lib/answers.js";
import { badge, h } from "./elements.js";

/** @typedef {import("../lib/bundle.js").Index} Index */
/** @typedef {import("../lib/bundle.js").Listed} Listed */
/** @typedef {import("../lib/words.js").Words} Words */

/**
 * @param {Index} index @param {Words} words @param {(id: string) => void} open
 * @returns {HTMLElement}
 */
export function vendors(index, words, open) {
  const list = h("ul", { class: "vendors" });
  const said = h("p", { class: "soft", role: "status" });
  const field = h("input", {
    type: "search",
    id: "search",
    autocomplete: "off",
    oninput: () => show(field.value),
  });
  /** @param {string} wanted */
  function show(wanted) {
    const found = index.vendors.filter((one) => fits(one, wanted));
    list.replaceChildren(...found.map((one) => row(one, index, words, open)));
    said.textContent = found.length ? words.count("found", found.length) : words.say("found_none");
  }
  show("");
  return h(
    "section",
    { class: "all" },
    h("label", { for: "search" }, words.say("search")),
    field,
    said,
    list,
  );
}

/** @param {Listed} one @param {Index} index @param {Words} words @param {(id: string) => void} open */
function row(one, index, words, open) {
  const names = one.assistants.map(({ name }) => name).join(", ");
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", onclick: () => open(one.id) },
      h("span", { class: "name", dir: "auto" }, one.name),
      h("span", { class: "soft", dir: "auto" }, names),
      badge(one.verdict, short(one.verdict, index, words), true),
    ),
  );
}

/** @param {Listed} one @param {string} wanted */
function fits(one, wanted) {
  const names = [one.name, ...one.assistants.map(({ name }) => name)];
  return names.some((name) => plain(name).includes(plain(wanted.trim())));
}

/** Without capitals and accents. @param {string} text */
function plain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
