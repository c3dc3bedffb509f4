/** @typedef {import("./protocol.js").Command} Command */

/**
 * What `/help` says, in the user's language: the server's own words are English.
 * @param {Command[]} commands with their help in the language @param {string} wanted the name of one of them, empty for all
 * @param {(key: string, params?: Record<string, string>) => string} t
 * @returns {string|null} null for one that isn't there, which the server tells
 */
export function helpText(commands, wanted, t) {
  const sorted = [...commands].sort((one, other) => (one.name < other.name ? -1 : 1));
  const name = wanted.trim().replace(/^\//, "").toLowerCase().replace(/\s+/g, " ");
  if (name === "") return [...sorted.map(short), t("help.more")].join("\n");
  const found = commands.find((one) => one.name === name || one.aliases?.includes(name));
  const below = sorted.filter((one) => one.name.startsWith(`${name} `));
  return found || below.length ? [...(found ? described(found, t) : []), ...below.map(short)].join("\n") : null;
}

/** @param {Command} command */
function short({ usage, help }) {
  return `${usage} – ${help}`;
}

/** @param {Command} command @param {(key: string, params?: Record<string, string>) => string} t */
function described({ usage, help, aliases = [], examples = [] }, t) {
  const also = aliases.map((one) => `/${one}`).join(", ");
  return [usage, help, also && t("help.also", { names: also }), examples.length ? t("help.examples", { examples: examples.join(" · ") }) : ""].filter(Boolean);
}
