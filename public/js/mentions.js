/**
 * Whom a text mentions, by the server's rule: chatserver/model/mentions.py says it in words, and tests/data/mentions.json
 * holds both to the same cases.
 */

/** @typedef {{start: number, end: number, id: string}} Mention a part of a text, and the user's id */

const NAME_CHARS = 64;
// Whole addresses are passed over. What follows an @ is looked at only: a name may have spaces, and what is none an address.
const AT = /[a-z][a-z0-9+.-]{0,19}:\/\/[!-~]*|@(?=([^\s@:/#+,][^\n\r\t@:/#+,]{0,256}))/giu;
const MARK = /^\p{M}/u;
const WORD = /^[\p{L}\p{N}]/u;
const PUNCTUATION = /^[\p{P}\p{Sc}\p{Sk}\p{Sm}]/u;
const UNSPACED = new RegExp("^[\\u0e00-\\u0eff\\u0f00-\\u0fff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3105-\\u312f\\u31f0-\\u31ff" +
  "\\u3400-\\u4dbf\\u4e00-\\u9fff\\uac00-\\ud7a3\\uf900-\\ufaff\\uff66-\\uff9f\\u{20000}-\\u{3ffff}]", "u");

/** The form in which names are compared. @param {string} name */
export function nameKey(name) {
  return name.normalize("NFKC").toLowerCase().normalize("NFKC");
}

/**
 * @param {string} text
 * @param {(key: string) => string|undefined} named the id of the member with this name, in the form of `nameKey`
 * @returns {Mention[]} in the order of the text
 */
export function findMentions(text, named) {
  const found = [];
  for (const match of text.includes("@") ? text.matchAll(AT) : []) {
    const run = match[1];
    if (run === undefined || endsAWord(text, match.index)) continue;
    const start = match.index;
    const mention = longestName(run, named);
    if (mention) found.push({ start, end: start + 1 + mention.length, id: mention.id });
  }
  return found;
}

/** The member whose name a run of letters begins with. @param {string} run @param {(key: string) => string|undefined} named */
function longestName(run, named) {
  const composed = [...run.normalize("NFC")].slice(0, NAME_CHARS + 2);
  const ends = [];
  for (let end = Math.min(NAME_CHARS, composed.length); end > 0; end -= 1) if (isEnd(composed, end)) ends.push(end);
  const plain = (/** @type {number} */ end) => Number(PUNCTUATION.test(composed[end - 1]));
  ends.sort((one, other) => plain(one) - plain(other));
  for (const end of ends) {
    const name = composed.slice(0, end).join("");
    const id = named(nameKey(name));
    if (id !== undefined) return { id, length: writtenLength(run, name) };
  }
  return null;
}

/** How much of a run is a name, however it was composed. @param {string} run @param {string} name in NFC */
function writtenLength(run, name) {
  if (run.startsWith(name)) return name.length;
  let length = 0;
  for (const char of run) {
    if (run.slice(0, length).normalize("NFC").length >= name.length && !MARK.test(char)) break;
    length += char.length;
  }
  return length;
}

/** Whether a name may end there: no letter or digit goes on with it. @param {string[]} chars @param {number} end */
function isEnd(chars, end) {
  let next = chars[end];
  if (next === undefined) return true;
  if (MARK.test(next)) return false;
  if (".-_".includes(next)) next = chars[end + 1];
  return next === undefined || !WORD.test(next) || UNSPACED.test(next) || UNSPACED.test(chars[end - 1]);
}

/** Whether a letter or a digit, with its marks, stands just before, in a script that puts spaces between words.
 * @param {string} text @param {number} end */
function endsAWord(text, end) {
  let at = end;
  let char = "";
  do {
    at -= 1;
    const code = text.charCodeAt(at);
    if (code >= 0xdc00 && code <= 0xdfff && at > 0) at -= 1;
    char = at < 0 ? "" : String.fromCodePoint(text.codePointAt(at) ?? 0);
  } while (MARK.test(char));
  return WORD.test(char) && !UNSPACED.test(char);
}
