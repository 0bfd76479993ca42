/**
 * An answer in sentences.
 *
 * The bundle brings them in the languages that its server speaks; in the others they are put
 * together here from what the answer holds.
 */

/** @typedef {import("./bundle.js").Answer} Answer */
/** @typedef {import("./bundle.js").Index} Index */
/** @typedef {import("./words.js").Words} Words */

const STANCES = ["yes", "opt_out", "opt_in", "no", "unclear"];
const TOPICS = [
  "human_review",
  "reviewers",
  "sample",
  "identity",
  "training",
  "choice",
  "deletion",
  "retention",
  "activation",
  "sharing",
  "on_device",
];

/**
 * @param {Answer} answer @param {string} topic
 * @param {{vendor: string, assistants: string[]}} names as people say them
 * @param {Words} words
 * @returns {string[]} what is said, what else, since when
 */
export function sentences(answer, topic, names, words) {
  const told = answer.popup?.[words.lang]?.map(({ text }) => text) ?? answer.summary[words.lang];
  if (told?.length) return told;
  const also = answer.also.filter((stance) => STANCES.includes(stance));
  const since = sinceWhen(answer, words);
  return [
    what(answer, topic, names, words),
    ...also.map((stance) => words.say(`also_${stance}`)),
    ...(since ? [since] : []),
  ];
}

/** @param {Answer} answer @param {string} topic
 * @param {{vendor: string, assistants: string[]}} names @param {Words} words */
function what(answer, topic, { vendor, assistants }, words) {
  const called = assistants.length ? words.list(assistants) : words.say("its_assistants");
  const values = { vendor, what: called };
  const isReview = topic === "human_review";
  if (answer.standing === "not_stated") {
    return words.count(isReview ? "review_not_stated" : "not_stated", answer.pages_read, values);
  }
  if (answer.standing !== "stated") return words.say("not_read_of", values);
  if (!isReview) return words.say(TOPICS.includes(topic) ? `stated_${topic}` : "stated", values);
  const stance = STANCES.includes(answer.stance ?? "") ? answer.stance : "unclear";
  return words.say(`review_${stance}`, values);
}

/** @param {Answer} answer @param {Words} words */
function sinceWhen(answer, words) {
  if (!answer.since || answer.standing !== "stated") return null;
  return words.say(answer.observed ? "since" : "since_first", { date: words.day(answer.since) });
}

/** A verdict in a few words. @param {string} verdict @param {Index} index @param {Words} words */
export function short(verdict, index, words) {
  if (words.has(`verdict_${verdict}`)) return words.say(`verdict_${verdict}`);
  return words.pick(index.stances[verdict] ?? {})?.value ?? words.say("verdict_unclear");
}

const WAYS = ["worse", "better", "says_less", "says_more", "unclear"];

/** Which way something goes, in words. @param {string} way @param {Index} index @param {Words} words */
export function wayName(way, index, words) {
  if (words.has(`way_${way}`)) return words.say(`way_${way}`);
  return words.pick(index.directions[way] ?? {})?.value ?? words.say("way_unclear");
}

/** The topics of a change by the way it goes on them, what weighs most first; null: not told.
 * @param {import("./bundle.js").Change} change @returns {[string | null, string[]][]} */
export function byWay({ topics, directions }) {
  /** @type {Map<string | null, string[]>} */
  const found = new Map();
  for (const topic of inOrder(topics)) {
    const way = Object.hasOwn(directions, topic) ? directions[topic] : null;
    found.set(way, [...(found.get(way) ?? []), topic]);
  }
  const rank = (/** @type {string | null} */ way) => (WAYS.indexOf(way ?? "") + 99) % 99;
  return [...found].sort(([one], [other]) => rank(one) - rank(other));
}

/** The way that a change is named by: the clear one on the topic that is shown first.
 * @param {import("./bundle.js").Change} change @returns {string | null} null: none is known */
export function chiefWay({ topics, directions }) {
  const known = inOrder(topics).filter((topic) => Object.hasOwn(directions, topic));
  const told = known.map((topic) => directions[topic]).find((way) => way !== "unclear");
  return told ?? (known.length ? "unclear" : null);
}

/** A topic's name. @param {string} topic @param {Index} index @param {Words} words */
export function topicName(topic, index, words) {
  if (words.has(`topic_${topic}`)) return words.say(`topic_${topic}`);
  return words.pick(index.topics[topic] ?? {})?.value ?? topic;
}

/** Topics in the order in which they are shown; those unknown here come last.
 * @param {Iterable<string>} topics */
export function inOrder(topics) {
  const rank = (/** @type {string} */ topic) => (TOPICS.indexOf(topic) + 99) % 99;
  return [...topics].sort((a, b) => rank(a) - rank(b));
}

/**
 * Which of four families a passage is marked as: the eleven topics would be eleven colours.
 * @param {string[]} topics @returns {"listening" | "choice" | "keeping" | "recording"}
 */
export function family(topics) {
  const has = (/** @type {string[]} */ ...wanted) => wanted.some((topic) => topics.includes(topic));
  if (has("human_review", "reviewers", "sample", "identity")) return "listening";
  if (has("choice", "deletion")) return "choice";
  if (has("retention", "sharing", "training")) return "keeping";
  return "recording";
}
