/**
 * @typedef {{key: string, version: string}} Keyed what a list shows: `key` says what it is, `version` everything that its
 *   drawing depends on
 * @typedef {ChildNode & {rowKey?: string, rowVersion?: string|null, held?: boolean, guest?: boolean, foreign?: boolean}} Marked
 *   `held` is not drawn again for now; a `guest` stands in a row without being part of its drawing; what is `foreign` has
 *   listeners of its own, and is replaced as a whole
 */

/** Set by scripts or the user: no drawing has them. */
const KEPT = new Set(["open", "style"]);

/**
 * Make `parent` hold one node for each row, in order. A row's node stays the same node while its key is there, so that a
 * press or the focus that is on it survives what changes around it and in it.
 * @template {Keyed} R
 * @param {Element} parent
 * @param {R[]} rows
 * @param {(row: R) => HTMLElement} draw
 */
export function reconcile(parent, rows, draw) {
  const present = new Map([...parent.childNodes].map((node) => [/** @type {Marked} */ (node).rowKey, node]));
  const wanted = new Set(rows.map((row) => row.key));
  for (const [key, node] of present) if (key === undefined || !wanted.has(key)) node.remove();
  let next = parent.firstChild;
  for (const row of rows) {
    const there = present.get(row.key);
    const node = there ? refresh(there, row, draw) : mark(draw(row), row);
    // What stood here may have been replaced.
    if (next !== null && next.parentNode !== parent) next = node.nextSibling;
    else if (node === next) next = node.nextSibling;
    else parent.insertBefore(node, next);
  }
}

/**
 * Draw one row again if it has changed.
 * @template {Keyed} R
 * @param {ChildNode} node @param {R} row @param {(row: R) => HTMLElement} draw
 * @returns {ChildNode} the same one, or what has replaced it
 */
export function refresh(node, row, draw) {
  const { rowVersion, held } = /** @type {Marked} */ (node);
  if (rowVersion === row.version || held) return node;
  const path = pathTo(node, document.activeElement);
  const drawn = mark(morph(node, draw(row)), row);
  // What had the focus may have been replaced by what looks like it.
  if (path && !drawn.contains(document.activeElement)) follow(drawn, path).focus({ preventScroll: true });
  return drawn;
}

/** Where an element stands in a row: its index on each level. @param {ChildNode} row @param {Element|null} element @returns {number[]|null} */
function pathTo(row, element) {
  if (!element || !row.contains(element)) return null;
  const path = [];
  for (let at = element; at !== row && at.parentElement; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
  return path;
}

/** The element there, or the last one on the way. @param {ChildNode} row @param {number[]} path */
function follow(row, path) {
  let at = /** @type {HTMLElement} */ (row);
  for (const index of path) {
    const next = at.children[index];
    if (!(next instanceof HTMLElement)) break;
    at = next;
  }
  return at;
}

/** @param {ChildNode} node @param {Keyed} row */
function mark(node, { key, version }) {
  return Object.assign(node, { rowKey: key, rowVersion: version });
}

/** Make a node look like a fresh one, with as many of its own nodes as are alike. @param {ChildNode} node @param {ChildNode} fresh */
function morph(node, fresh) {
  if (!alike(node, fresh)) {
    node.replaceWith(fresh);
    return fresh;
  }
  if (!(node instanceof Element) || !(fresh instanceof Element)) {
    if (node.nodeValue !== fresh.nodeValue) node.nodeValue = fresh.nodeValue;
    return node;
  }
  for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name) && !KEPT.has(name)) node.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (!KEPT.has(name) && node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  // The page's policy lets no attribute set a style; the object may.
  if (node instanceof HTMLElement && fresh instanceof HTMLElement) node.style.cssText = fresh.style.cssText;
  children(node, [...fresh.childNodes]);
  return node;
}

/** @param {Element} parent @param {ChildNode[]} wanted */
function children(parent, wanted) {
  const own = () => [...parent.childNodes].filter((node) => !(/** @type {Marked} */ (node).guest));
  let at = 0;
  for (const child of wanted) {
    const present = own();
    const match = present.findIndex((node, index) => index >= at && alike(node, child));
    for (const passed of present.slice(at, Math.max(at, match))) passed.remove();
    if (match >= 0) morph(present[match], child);
    else parent.insertBefore(child, present[at] ?? null);
    at += 1;
  }
  for (const extra of own().slice(at)) extra.remove();
}

/** @param {ChildNode} one @param {ChildNode} other */
function alike(one, other) {
  if (one.nodeName !== other.nodeName || /** @type {Marked} */ (one).foreign || /** @type {Marked} */ (other).foreign) return false;
  return !(one instanceof Element) || one.classList[0] === /** @type {Element} */ (other).classList[0];
}
