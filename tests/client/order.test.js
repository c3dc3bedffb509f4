import assert from "node:assert/strict";
import { test } from "node:test";

import { Actions } from "../../public/js/actions.js";
import { Slots } from "../../public/js/slots.js";

test("what fills a slot stands in the plugins' order, however they were loaded", () => {
  const order = ["files", "pins", "reactions"];
  for (const loaded of [["reactions", "files", "pins"], ["pins", "reactions", "files"]]) {
    const slots = new Slots(() => true, (plugin) => order.indexOf(plugin));
    for (const plugin of loaded) slots.add(plugin, "message-footer", () => null);
    assert.deepEqual(slots.of("message-footer").map(({ plugin }) => plugin), order);
  }
});

test("dangerous actions stand last, those of plugins in their order before them", () => {
  const actions = new Actions();
  const add = (id, more) => actions.add({ id, of: "message", label: () => id, run() {}, ...more });
  add("reply");
  add("delete", { danger: true });
  add("tasks:take", { rank: () => 2 });
  add("pins:pin", { rank: () => 1 });
  add("link");
  assert.deepEqual(actions.of("message", {}).map(({ id }) => id), ["reply", "link", "pins:pin", "tasks:take", "delete"]);
});
