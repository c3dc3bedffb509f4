import { h } from "../dom.js";

/**
 * A list that the server gives, drawn once it has come, and again by `again`.
 * @template Item
 * @param {import("../app.js").App} app
 * @param {() => Promise<Item[]>} ask
 * @param {(item: Item) => HTMLElement} draw
 * @param {string} none what is said of an empty one
 */
export function ownList(app, ask, draw, none) {
  const list = h("ul", { class: "own-list", "aria-busy": "true" });
  const again = async () => {
    try {
      const items = await ask();
      list.replaceChildren(...(items.length ? items.map((item) => h("li", { class: "own-row" }, draw(item))) : [h("li", { class: "hint" }, none)]));
    } catch (error) {
      list.replaceChildren(h("li", { class: "form-error" }, app.explain(error)));
    }
    list.removeAttribute("aria-busy");
  };
  void again();
  return { list, again };
}

/** Do what a button says, tell what went wrong, and draw the list anew. @param {import("../app.js").App} app @param {() => Promise<unknown>} act @param {() => unknown} [after] */
export async function doAndTell(app, act, after) {
  try {
    await act();
  } catch (error) {
    app.complain(error);
  }
  await after?.();
}

/** What a row says: a line, and smaller ones below it. @param {(string|Node|null)[]} first @param {(string|null)[]} more */
export function rowText(first, ...more) {
  return h("div", { class: "own-text" }, h("div", { class: "own-name", dir: "auto" }, ...first),
    ...more.filter(Boolean).map((line) => h("div", { class: "hint", dir: "auto" }, line)));
}
