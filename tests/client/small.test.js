import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { hue } from "../../public/js/dom.js";
import { Format } from "../../public/js/format.js";
import { parseRoute, roomHash } from "../../public/js/router.js";
import { backoff } from "../../public/js/socket.js";

test("no style asks what the whole page has: each change would be looked at from its root", () => {
  const folders = ["public/css", ...readdirSync(new URL("../../plugins/", import.meta.url)).map((name) => `plugins/${name}/static`)];
  const sheets = folders.flatMap((folder) => {
    const url = new URL(`../../${folder}/`, import.meta.url);
    return existsSync(url) ? readdirSync(url).filter((name) => name.endsWith(".css")).map((name) => readFileSync(new URL(name, url), "utf8")) : [];
  });
  assert.ok(sheets.length > 10);
  const wide = sheets.flatMap((sheet) => sheet.match(/(?:^|[\s,{}])(?::root|html|body|\*|\.app|chat-app|\.room|\.log|\.scroller)?(?:\[[^\]]*\]|:not\([^)]*\))*:has\([^)]*\)/gm) ?? []);
  assert.deepEqual(wide, []);
});

test("an address leads to where it came from", () => {
  for (const name of ["general", "dm:u1+u2", "茶室", "a_b-c", "50%", "a/b", "x y"]) {
    assert.deepEqual(parseRoute(roomHash(name, 532)), { room: name, seq: 532, panel: null, setup: null, link: null });
  }
  assert.equal(roomHash("general"), "#/general");
  assert.deepEqual(parseRoute("#/general/people").panel, { name: "people", arg: "" });
  assert.deepEqual(parseRoute(roomHash("general", "search/" + encodeURIComponent("a/b 茶"))).panel, { name: "search", arg: "a/b 茶" });
  assert.equal(parseRoute("#setup=abc_-1").setup, "abc_-1");
  assert.deepEqual(parseRoute("#invite=a_-1%20").link, { name: "invite", code: "a_-1 " });
  assert.equal(parseRoute("#reset=").link, null);
});

test("a broken address is no address", () => {
  for (const hash of ["", "#", "#/", "#/%E0%A4%A", "#nothing"]) assert.equal(parseRoute(hash).room, null, hash);
  assert.deepEqual([parseRoute("#/general/12x").seq, parseRoute("#/general/12x").panel], [null, null]);
});

test("the wait before the next try has jitter, grows, and is bounded", () => {
  assert.equal(backoff(0, () => 0), 500);
  assert.equal(backoff(0, () => 1), 1000);
  assert.equal(backoff(3, () => 1), 8000);
  assert.equal(backoff(50, () => 1), 30_000);
  assert.equal(backoff(50, () => 0.5), 15_000);
});

test("days near now have a word", () => {
  const format = new Format("en");
  const now = new Date(2026, 6, 4, 0, 30);
  assert.equal(format.day(new Date(2026, 6, 4, 0, 10).toISOString(), now), "Today");
  assert.equal(format.day(new Date(2026, 6, 3, 23, 50).toISOString(), now), "Yesterday");
  assert.match(format.day(new Date(2025, 0, 2).toISOString(), now), /2025/);
});

test("the clock is that of the region, the words are those of the language", () => {
  const afternoon = new Date(2026, 6, 4, 15, 7).toISOString();
  const time = (lang, ...regions) => new Format(lang, regions).time(afternoon).replace(/\s/g, " ");
  assert.deepEqual([time("en"), time("en", "en-US"), time("en", "en-GB"), time("en", "de-DE", "en")],
    ["3:07 PM", "3:07 PM", "15:07", "15:07"]);
  assert.match(new Format("en", ["de-DE"]).exact(afternoon), /^Saturday.*15:07/);
  assert.equal(time("zh-Hans", "en-GB"), "15:07");
  assert.match(new Format("en", ["en-GB"]).day(new Date(2025, 0, 2).toISOString()), /^2 January 2025$/);
});

test("sizes have the unit people expect", () => {
  const format = new Format("en");
  assert.equal(format.size(0), "0 bytes");
  assert.equal(format.size(1500), "1.5 kB");
  assert.equal(format.size(25_000_000), "25 MB");
});

test("the page holds no inline script, style or handler", () => {
  const page = readFileSync(new URL("../../public/index.html", import.meta.url), "utf8");
  assert.doesNotMatch(page, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
});

test("no form of the page can be sent by the browser itself, which would write a password into the address", () => {
  const page = readFileSync(new URL("../../public/index.html", import.meta.url), "utf8");
  const forms = [...page.matchAll(/<form(?![\w-])[^>]*>/g)].map((match) => match[0]);
  assert.ok(forms.length > 0);
  for (const form of forms) assert.match(form, /method="dialog"/);
});

test("what browsers give to secure pages only is asked for in one place, which has a way without", () => {
  const root = new URL("../../public/js/", import.meta.url);
  const names = readdirSync(root, { recursive: true }).filter((name) => name.endsWith(".js") && name !== "platform.js");
  const secure = /randomUUID|crypto\.subtle|navigator\.(clipboard|serviceWorker|storage|share|wakeLock|mediaDevices)|\bNotification\b|\bcaches\b/;
  assert.deepEqual(names.filter((name) => secure.test(readFileSync(new URL(name, root), "utf8"))), []);
});

test("every icon that is used is drawn", () => {
  const root = new URL("../../public/", import.meta.url);
  const page = readFileSync(new URL("icons.svg", root), "utf8");
  const files = readdirSync(new URL("js/", root), { recursive: true }).filter((name) => name.endsWith(".js"));
  const source = files.map((name) => readFileSync(new URL(`js/${name}`, root), "utf8")).join("\n");
  const drawn = new Set([...page.matchAll(/<symbol id="icon-(\w+)"/g)].map((match) => match[1]));
  const shell = readFileSync(new URL("index.html", root), "utf8");
  const used = [...source.matchAll(/\b(?:(?:icon|iconButton)\(|icon: )"(\w+)"/g), ...shell.matchAll(/#icon-(\w+)/g)].map((match) => match[1]);
  assert.deepEqual([...new Set(used)].filter((name) => !drawn.has(name)), []);
});

test("colours are spread evenly, over ids that follow each other too", () => {
  for (const id of [(at) => `u${at}`, (at) => String(1e9 + at), (at) => `01J9ZK3QWERTYUIOPASDFGHJ${at.toString(36).toUpperCase().padStart(2, "0")}`]) {
    const counts = new Map();
    for (let at = 0; at < 1200; at += 1) counts.set(hue(id(at)), (counts.get(hue(id(at))) ?? 0) + 1);
    const sizes = [...counts.values()];
    assert.equal(sizes.length, 24);
    assert.ok(Math.min(...sizes) > 20 && Math.max(...sizes) < 90, sizes.join(" "));
  }
});
