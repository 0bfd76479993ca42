/** What is shown of one vendor. */

import { inOrder, sentences, short, topicName } from "../lib/answers.js";
import { verdict } from "../lib/bundle.js";
import { badge, h, theirs } from "./elements.js";
import { caveats, past } from "./past.js";
import { quotes } from "./quotes.js";

/** @typedef {import("../lib/bundle.js").Vendor} Vendor */
/** @typedef {import("../lib/bundle.js").Answer} Answer */
/** @typedef {import("../lib/bundle.js").Index} Index */
/** @typedef {import("../lib/words.js").Words} Words */

const TOPIC = "human_review";
const KEPT = "retention";

/**
 * @typedef {object} Shown
 * @property {Vendor} vendor
 * @property {string[]} met ids of the assistants that the site is about; empty: all
 * @property {Index} index
 * @property {Words} words
 */

/** The answer on people listening, and for whom it is: the one assistant that is met, or all.
 * @param {Shown} shown @returns {{given: Answer | undefined, called: string[]}} */
export function heard({ vendor, met }) {
  const one = met.length === 1 && vendor.assistants.find(({ id }) => id === met[0]);
  if (one && one.human_review) return { given: one.human_review, called: [one.name] };
  return { given: vendor.answers[TOPIC], called: vendor.assistants.map(({ name }) => name) };
}

/** The answer on people listening. @param {Shown} shown */
export function answer(shown) {
  const { vendor, index, words } = shown;
  const { given, called } = heard(shown);
  const sort = verdict(given);
  const told = given
    ? sentences(given, TOPIC, { vendor: vendor.name, assistants: called }, words)
    : [words.say("not_read_of", { vendor: vendor.name })];
  const [first, ...rest] = told;
  return h(
    "section",
    { class: `answer ${sort}`, "aria-labelledby": "answer-title" },
    h("h2", { class: "unseen", id: "answer-title" }, topicName(TOPIC, index, words)),
    h("p", {}, badge(sort, short(sort, index, words))),
    h("p", { class: "says" }, first),
    rest.length > 0 && h("p", { class: "soft" }, rest.join(" ")),
    quotes(shown, given, 1),
    byAssistant(shown),
    caveats(shown, given),
  );
}

/** The other assistants' own answers. @param {Shown} shown */
function byAssistant({ vendor, met, index, words }) {
  const others = vendor.assistants.filter((one) => one.human_review && !(met.length === 1 && met[0] === one.id));
  if (!others.length) return null;
  const rows = others.map((one) => {
    const sort = verdict(one.human_review);
    return h("li", {}, h("span", {}, one.name), badge(sort, short(sort, index, words), true));
  });
  return h("ul", { class: "by", "aria-label": words.say("by_assistant") }, ...rows);
}

/** The vendor's own switches. @param {Shown} shown */
export function controls({ vendor, met, words }) {
  const wanted = vendor.controls.filter(
    ({ assistants }) => !met.length || !assistants.length || assistants.some((id) => met.includes(id)),
  );
  if (!wanted.length) return null;
  const order = ["opt_out", "deletion", "settings"];
  const sorted = [...wanted].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return h(
    "section",
    { class: "controls" },
    h("h2", {}, words.say("controls_title")),
    h("ul", {}, ...sorted.map((one) => control(one, words))),
  );
}

/** @param {Vendor["controls"][number]} one @param {Words} words */
function control(one, words) {
  const called = words.pick(one.name);
  const steps = words.pick(one.steps);
  const does = words.say(words.has(`control_${one.kind}`) ? `control_${one.kind}` : "control_settings");
  const name = called ? theirs("span", called.lang, called.value) : one.id;
  const door = one.url
    ? h(
        "a",
        { class: "button", href: one.url, target: "_blank", rel: "noopener noreferrer" },
        h("strong", {}, does),
        h("span", { class: "name" }, name),
      )
    : h("p", { class: "in-app" }, h("strong", {}, does), " ", name, " ", h("span", { class: "soft" }, words.say("only_in_app")));
  const list = steps && h("ol", { lang: steps.lang }, ...steps.value.map((step) => h("li", {}, step)));
  return h(
    "li",
    { class: one.kind },
    door,
    list && h("details", { open: !one.url }, h("summary", {}, words.say("steps")), list),
  );
}

/** What is kept, and for how long. @param {Shown} shown */
export function kept(shown) {
  const { vendor, words, index } = shown;
  const given = vendor.answers[KEPT];
  if (!given) return null;
  const called = vendor.assistants.map(({ name }) => name);
  const [first] = sentences(given, KEPT, { vendor: vendor.name, assistants: called }, words);
  return h(
    "section",
    { class: "kept" },
    h("h2", {}, topicName(KEPT, index, words)),
    h("p", {}, first),
    quotes(shown, given, 2),
    caveats(shown, given),
    past(shown, given),
  );
}

/** The other topics, folded. @param {Shown} shown */
export function others(shown) {
  const { vendor, words, index } = shown;
  const called = vendor.assistants.map(({ name }) => name);
  const topics = inOrder(Object.keys(vendor.answers)).filter((topic) => topic !== TOPIC && topic !== KEPT);
  if (!topics.length) return null;
  const rows = topics.map((topic) => {
    const given = vendor.answers[topic];
    const told = sentences(given, topic, { vendor: vendor.name, assistants: called }, words);
    return h(
      "details",
      { class: "topic" },
      h("summary", {}, h("span", { class: "name" }, topicName(topic, index, words))),
      h("p", {}, told.join(" ")),
      quotes(shown, given, 2),
      caveats(shown, given),
      past(shown, given),
    );
  });
  return h("section", { class: "others" }, h("h2", {}, words.say("others_title")), ...rows);
}
