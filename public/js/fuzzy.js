/**
 * Finding names by a few of their letters.
 *
 * @template T
 * @typedef {{item: T, texts: string[], rank: number}} Candidate `texts` in the form of `fold`; a higher `rank` comes first
 *   among those that fit as well
 */

const NO = -1;
const PLAIN = /^[\x20-\x7e]*$/;
const MARKS = /\p{M}+/gu;
/** What each way to fit is worth; a letter further apart takes one off. */
const SAME = 1000;
const BEGINS = 800;
const WORD = 600;
const INSIDE = 400;
const SCATTERED = 200;

/** A text as it is compared: no case, no accents, no difference in width. @param {string} text */
export function fold(text) {
  return PLAIN.test(text) ? text.toLowerCase() : text.normalize("NFKD").replace(MARKS, "").toLowerCase();
}

/**
 * How well what is typed fits a name, both folded: the name itself, its beginning, a word's, some letters in a row, or its
 * letters in order. -1 where it doesn't.
 * @param {string} typed @param {string} name
 */
export function fit(typed, name) {
  const at = name.indexOf(typed);
  if (at === 0) return name.length === typed.length ? SAME : BEGINS - Math.min(name.length - typed.length, 99);
  if (at > 0) return (isBoundary(name, at) ? WORD : INSIDE) - Math.min(at, 99);
  return scattered(typed, name);
}

/** @param {string} typed @param {string} name */
function scattered(typed, name) {
  let from = 0;
  let gaps = 0;
  for (let index = 0; index < typed.length; index += 1) {
    const letter = typed[index];
    if (letter === " ") continue;
    const at = name.indexOf(letter, from);
    if (at < 0) return NO;
    if (at > from && !isBoundary(name, at)) gaps += at - from;
    from = at + 1;
  }
  return gaps > typed.length * 4 ? NO : SCATTERED - Math.min(gaps, 99);
}

/** Whether a word begins there. @param {string} name @param {number} at */
function isBoundary(name, at) {
  return at === 0 || " -_./#@".includes(name[at - 1]);
}

/**
 * The best of them, best first. Without anything typed, those of the highest rank.
 * @template T
 * @param {Candidate<T>[]} all @param {string} typed @param {number} most
 * @returns {T[]}
 */
export function best(all, typed, most) {
  const wanted = fold(typed.trim());
  /** The best so far, best first: sorting all that fit would take longer than finding them. @type {{item: T, score: number}[]} */
  const top = [];
  for (const { item, texts, rank } of all) {
    const fits = wanted === "" ? 0 : bestFit(wanted, texts) * 10;
    const score = fits + rank;
    if (fits < 0 || (top.length === most && score <= top[most - 1].score)) continue;
    let at = top.length;
    while (at > 0 && top[at - 1].score < score) at -= 1;
    top.splice(at, 0, { item, score });
    if (top.length > most) top.pop();
  }
  return top.map(({ item }) => item);
}

/** @param {string} wanted @param {string[]} texts */
function bestFit(wanted, texts) {
  let score = NO;
  for (let index = 0; index < texts.length; index += 1) score = Math.max(score, fit(wanted, texts[index]));
  return score;
}
