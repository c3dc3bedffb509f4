import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import * as protocol from "../../public/js/protocol.js";

const SERVER = new URL("../../chatserver/", import.meta.url);
const read = (path) => readFileSync(new URL(path, SERVER), "utf8");
const protocolSource = () => readdirSync(new URL("protocol/", SERVER)).filter((name) => name.endsWith(".py")).map((name) => read(`protocol/${name}`)).join("\n");

test("every request this client makes is one the server knows", { skip: !existsSync(SERVER) }, () => {
  const tags = new Set([...protocolSource().matchAll(/tag="(\w+)"/g)].map((match) => match[1]));
  assert.deepEqual(Object.values(protocol.REQUEST).filter((name) => !tags.has(name)), []);
});

test("every event this client handles is one the server sends", { skip: !existsSync(SERVER) }, () => {
  const source = protocolSource() + read("model/values.py");
  const names = [...Object.values(protocol.EPHEMERAL), ...Object.values(protocol.DURABLE)];
  assert.deepEqual(names.filter((name) => !source.includes(`"${name}"`) && !source.includes(`\`\`${name}\`\``)), []);
});

test("every error code this client acts on is in the server's table", { skip: !existsSync(SERVER) }, () => {
  const codes = new Set([...read("model/errors.py").matchAll(/^ {4}"(\w+)": \d+/gm)].map((match) => match[1]));
  assert.deepEqual(Object.values(protocol.ERROR).filter((code) => !codes.has(code)), []);
});

test("close codes ask for what the protocol says", () => {
  for (const code of [1001, 1006, 4000, 4008, 4013]) assert.equal(protocol.afterClose(code), "reconnect", String(code));
  for (const code of [4029, 4030]) assert.equal(protocol.afterClose(code), "wait");
  for (const code of [4001, 4003]) assert.equal(protocol.afterClose(code), "signin");
  for (const code of [4004, 4006, 4010]) assert.equal(protocol.afterClose(code), "stop");
});

test("an error is worth a retry when the server says when, or it is no one's fault", () => {
  const temporary = (wire) => protocol.toError(wire).temporary;
  assert.equal(temporary({ code: "slow_mode", message: "", retry_after: 3 }), true);
  assert.equal(temporary({ code: "unavailable", message: "" }), true);
  assert.equal(temporary({ code: "muted", message: "" }), false);
  assert.equal(temporary({ code: "nonce_conflict", message: "" }), false);
  assert.equal(protocol.toError(undefined).code, "internal");
});

test("a direct room has one name, from both sides", () => {
  assert.equal(protocol.directName("u2", "u1"), protocol.directName("u1", "u2"));
});
