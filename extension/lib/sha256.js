/**
 * SHA-256 of a text in UTF-8, as hex digits.
 *
 * The browser's own is asynchronous, which costs more than the hash itself for a sentence.
 * FIPS 180-4; tests compare it with Node's.
 */

const ROUND = constants(64, (prime) => fraction(Math.cbrt(prime)));
const START = constants(8, (prime) => fraction(Math.sqrt(prime)));
const ENCODER = new TextEncoder();
const WORDS = new Int32Array(64);

/** @param {string} text @returns {string} 64 hex digits */
export function sha256(text) {
  const bytes = padded(ENCODER.encode(text));
  const view = new DataView(bytes.buffer);
  const state = Int32Array.from(START);
  for (let at = 0; at < bytes.length; at += 64) {
    schedule(view, at);
    compress(state);
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** @param {Uint8Array} message */
function padded(message) {
  const bytes = new Uint8Array(((message.length + 8) >> 6) * 64 + 64);
  bytes.set(message);
  bytes[message.length] = 0x80;
  new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(message.length) * 8n);
  return bytes;
}

/** @param {DataView} view @param {number} at */
function schedule(view, at) {
  for (let i = 0; i < 16; i++) WORDS[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const a = WORDS[i - 15];
    const b = WORDS[i - 2];
    const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
    const s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
    WORDS[i] = (WORDS[i - 16] + s0 + WORDS[i - 7] + s1) | 0;
  }
}

/** @param {Int32Array} state */
function compress(state) {
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + WORDS[i]) | 0;
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] + word) | 0));
}

/** @param {number} word @param {number} by */
function turn(word, by) {
  return (word >>> by) | (word << (32 - by));
}

/** The first 32 bits of a number's fraction. @param {number} value */
function fraction(value) {
  return ((value - Math.floor(value)) * 2 ** 32) | 0;
}

/** @param {number} count @param {(prime: number) => number} of */
function constants(count, of) {
  const found = new Int32Array(count);
  for (let candidate = 2, have = 0; have < count; candidate++) {
    if (isPrime(candidate)) found[have++] = of(candidate);
  }
  return found;
}

/** @param {number} value */
function isPrime(value) {
  for (let factor = 2; factor * factor <= value; factor++) {
    if (value % factor === 0) return false;
  }
  return true;
}
