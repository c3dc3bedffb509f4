import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { LANGUAGES, fill } from "../../public/js/i18n.js";

const ROOT = new URL("../../public/", import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(`i18n/${path}.json`, ROOT), "utf8"));
const load = (lang) => ({ ...read(lang), ...read(`later/${lang}`) });
const english = load("en");

function sources() {
  const files = readdirSync(new URL("js/", ROOT), { recursive: true }).filter((name) => name.endsWith(".js"));
  return [...files.map((name) => readFileSync(new URL(`js/${name}`, ROOT), "utf8")), readFileSync(new URL("index.html", ROOT), "utf8")].join("\n");
}

const forms = (text) => (typeof text === "string" ? [text] : Object.values(text));
const slots = (text) => [...new Set(forms(text).flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map((match) => match[1])))].sort();

for (const lang of Object.keys(LANGUAGES)) {
  test(`${lang} has every text, with the same parameters and the plural forms it needs`, () => {
    // The server's own words for its commands are English.
    const texts = Object.fromEntries(Object.entries(load(lang)).filter(([key]) => !key.startsWith("command.")));
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort());
    const categories = new Intl.PluralRules(lang).resolvedOptions().pluralCategories;
    for (const [key, text] of Object.entries(texts)) {
      assert.deepEqual(slots(text), slots(english[key]), key);
      if (typeof text !== "string") for (const category of categories) assert.ok(text[category], `${key}: ${category}`);
      for (const form of forms(text)) assert.ok(form.trim(), key);
    }
  });
}

test("no text is both among those of the start and among the later ones", () => {
  const later = read("later/en");
  assert.deepEqual(Object.keys(read("en")).filter((key) => key in later), []);
});

test("every text that the program names exists", () => {
  const source = sources();
  const named = [...source.matchAll(/\bt\(\s*"([\w.]+)"/g), ...source.matchAll(/data-t(?:-label|-placeholder)?="([\w.]+)"/g)].map((match) => match[1]);
  assert.ok(named.length > 80);
  assert.deepEqual([...new Set(named)].filter((key) => !(key in english)), []);
});

test("every text is used", () => {
  const source = sources();
  const families = [...source.matchAll(/`(\w+)\.\$\{/g)].map((match) => match[1]);
  const unused = Object.keys(english).filter((key) => !source.includes(`"${key}"`) && !families.includes(key.split(".")[0]));
  assert.deepEqual(unused, []);
});

test("every refusal of the server can be said in every language", () => {
  const table = new URL("../../chatserver/model/errors.py", import.meta.url);
  if (!existsSync(table)) return;
  const codes = [...readFileSync(table, "utf8").matchAll(/^ {4}"(\w+)": \d+/gm)].map((match) => match[1]);
  assert.ok(codes.length > 15);
  assert.deepEqual(codes.filter((code) => !(`error.${code}` in english)), []);
});

test("parameters and plural forms are filled in; a value is never a template", () => {
  const plural = new Intl.PluralRules("en");
  const number = new Intl.NumberFormat("en");
  const text = { one: "{count} person", other: "{count} people" };
  assert.equal(fill(text, { count: 1 }, plural, number), "1 person");
  assert.equal(fill(text, { count: 1200 }, plural, number), "1,200 people");
  assert.equal(fill("{who} said {what}", { who: "{what}", what: "$&" }, plural, number), "{what} said $&");
  assert.equal(fill("{missing}", {}, plural, number), "{missing}");
});
