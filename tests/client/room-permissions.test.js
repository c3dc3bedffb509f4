import assert from "node:assert/strict";
import { test } from "node:test";

import { chosen } from "../../public/js/parts/room-permissions.js";

test("an answer moves between what is allowed and what is denied, and what isn't shown stays", () => {
  const before = { guest: { deny: ["message.post", "tea.pour"] }, press: { allow: ["room.announce"] } };
  assert.equal(chosen(before, [{ role: "guest", name: "message.post", answer: "no" }, { role: "member", name: "room.topic", answer: "" }]), before);
  assert.deepEqual(chosen(before, [{ role: "guest", name: "message.post", answer: "yes" }]),
    { guest: { allow: ["message.post"], deny: ["tea.pour"] }, press: { allow: ["room.announce"], deny: [] } });
  assert.deepEqual(chosen({ member: { allow: ["room.topic"] } }, [{ role: "member", name: "room.topic", answer: "" }]), {});
});
