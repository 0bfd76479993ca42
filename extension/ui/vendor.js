/** What is shown of one vendor. */

import { inOrder, sentences, short, topicName } from "../lib/answers.js";
import { verdict } from "../lib/bundle.js";
import { away, badge, diff, h, theirs } from "./elements.js";

/** @typedef {import("../lib/bundle.js").Vendor} Vendor */
/** @typedef {import("../lib/bundle.js").Answer} Answer */
/** @typedef {import("../lib/bundle.js").Change} Change */
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

/** The answer on people listening. @param {Shown} shown */
export function answer(shown) {
  const { vendor, met, index, words } = shown;
  const one = met.length === 1 && vendor.assistants.find(({ id }) => id === met[0]);
  const given = (one && one.human_review) || vendor.answers[TOPIC];
  const called = one && one.human_review ? [one.name] : vendor.assistants.map(({ name }) => name);
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

/** Verbatim words, with where and when. @param {Shown} shown @param {Answer | undefined} given @param {number} most */
function quotes({ vendor, words }, given, most) {
  const named = (given?.quotes ?? []).flatMap((name) =>
    Object.hasOwn(vendor.quotes, name) ? [vendor.quotes[name]] : [],
  );
  // Of quotes that weigh the same to us the reader's own language comes first.
  const own = named.filter(({ language }) => language === words.lang);
  const shown = [...own, ...named.filter((one) => !own.includes(one))].slice(0, most);
  if (!shown.length) return null;
  return h("div", { class: "quotes" }, ...shown.map((one) => quote(one, vendor, words)));
}

/** @param {import("../lib/bundle.js").Quote} said @param {Vendor} vendor @param {Words} words */
function quote(said, vendor, words) {
  const page = vendor.pages.find(({ id }) => id === said.page_id);
  const source = away(said.url, theirs("span", said.language, page?.title ?? said.page_id));
  return h(
    "figure",
    { class: "quote" },
    h("blockquote", { lang: said.language, dir: "auto" }, h("p", {}, said.text)),
    h(
      "figcaption",
      {},
      source,
      h("span", {}, words.say("quote_seen", { first: words.day(said.captured_at), last: words.day(said.last_seen) })),
    ),
  );
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
  );
}

/**
 * What changed since the last look, or when it last did.
 * @param {Shown} shown @param {Change[]} news @param {string | null} last when the person last looked
 */
export function changed(shown, news, last) {
  const { vendor, words } = shown;
  const [latest] = vendor.changes;
  const title = h("h2", {}, words.say("changed_title"));
  if (news.length && last) {
    const said = words.count("changed", news.length, { date: words.day(last) });
    const list = h("ol", { class: "news" }, ...news.map((one) => newsItem(one, shown)));
    return h("section", { class: "changed has-news" }, title, h("p", { class: "says" }, said), list);
  }
  const said = last ? words.say("unchanged", { date: words.day(last) }) : words.say("first_look");
  const before =
    latest &&
    h(
      "details",
      {},
      h("summary", {}, words.say("last_change", { date: words.day(latest.captured_at) })),
      h("ol", { class: "news" }, newsItem(latest, shown)),
    );
  return h("section", { class: "changed" }, title, h("p", { class: "soft" }, said), before);
}

/** @param {Change} change @param {Shown} shown */
function newsItem(change, { vendor, words, index }) {
  const page = vendor.pages.find(({ id }) => id === change.page_id);
  const title = page ? theirs("span", page.language, page.title) : change.page_id;
  const topics = inOrder(change.topics).map((topic) => h("span", { class: "chip" }, topicName(topic, index, words)));
  const more = change.edits_total - change.edits.length;
  return h(
    "li",
    {},
    h("p", { class: "what" }, h("time", { datetime: change.captured_at }, words.day(change.captured_at)), " · ", title),
    h("p", {}, ...topics),
    ...change.edits.map(({ runs }) => {
      const shown = diff(runs);
      if (page) shown.lang = page.language;
      return shown;
    }),
    more > 0 && h("p", { class: "soft" }, words.count("more_edits", more)),
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
    );
  });
  return h("section", { class: "others" }, h("h2", {}, words.say("others_title")), ...rows);
}
