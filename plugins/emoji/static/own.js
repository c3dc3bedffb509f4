/** A page of the settings: this server's own emoji, added and removed by those who may. */

const NAME = "(?=.*[a-z])[a-z0-9_+\\-]{2,32}";

/** @typedef {{emoji: {name: string, by: string}[], add: boolean, remove: boolean}} Known */

/** @param {any} chat */
export function ownPage(chat) {
  const page = document.createElement("div");
  page.className = "emoji-own";
  const note = Object.assign(document.createElement("p"), { className: "emoji-note" });
  note.setAttribute("role", "status");
  const list = document.createElement("ul");
  const form = adding(chat, note, () => show());
  page.append(Object.assign(document.createElement("p"), { textContent: chat.t("emoji.ownHelp") }), form, note, list);

  const show = async () => {
    try {
      /** @type {Known} */
      const known = await chat.request("emoji:custom", {});
      form.hidden = !known.add;
      const mine = chat.user()?.id;
      list.replaceChildren(...known.emoji.map(({ name, by }) => line(chat, name, known.remove || (known.add && by === mine), async () => {
        await chat.fetch("DELETE", `c/${name}`).catch((/** @type {Error} */ error) => (note.textContent = error.message));
        await show();
      })));
      if (known.emoji.length === 0) list.replaceChildren(Object.assign(document.createElement("li"), { textContent: chat.t("emoji.empty") }));
    } catch (error) {
      note.textContent = /** @type {Error} */ (error).message;
    }
  };
  form.hidden = true;
  void show();
  return page;
}

/** @param {any} chat @param {HTMLElement} note @param {() => Promise<void>} added */
function adding(chat, note, added) {
  const form = Object.assign(document.createElement("form"), { className: "emoji-form", method: "dialog" });
  const name = Object.assign(document.createElement("input"), { type: "text", required: true, maxLength: 32, pattern: NAME, autocomplete: "off", autocapitalize: "off", spellcheck: false, placeholder: "party_parrot" });
  const file = Object.assign(document.createElement("input"), { type: "file", required: true, accept: "image/png,image/jpeg,image/gif,image/webp,image/avif" });
  const button = Object.assign(document.createElement("button"), { type: "submit", className: "button primary", textContent: chat.t("emoji.add") });
  file.addEventListener("change", () => {
    const from = file.files?.[0]?.name.replace(/\.[^.]*$/, "").toLowerCase().replace(/[^a-z0-9_+-]+/g, "_").slice(0, 32) ?? "";
    if (!name.value) name.value = from;
  });
  form.append(labelled(chat.t("emoji.picture"), file), labelled(chat.t("emoji.name"), name), button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const picture = file.files?.[0];
    note.textContent = "";
    if (!picture) return;
    if (picture.size > chat.settings.max_bytes) return void (note.textContent = chat.t("emoji.tooLarge", { size: Math.floor(chat.settings.max_bytes / 1024) }));
    button.disabled = true;
    try {
      await chat.fetch("PUT", `c/${encodeURIComponent(name.value.replace(/^:|:$/g, ""))}`, picture);
      form.reset();
      await added();
    } catch (error) {
      note.textContent = /** @type {Error} */ (error).message;
    }
    button.disabled = false;
  });
  return form;
}

/** @param {any} chat @param {string} name @param {boolean} may @param {() => void} remove */
function line(chat, name, may, remove) {
  const node = document.createElement("li");
  node.append(Object.assign(document.createElement("img"), { src: `/plugins/emoji/c/${name}`, alt: "", width: 28, height: 28 }), Object.assign(document.createElement("span"), { textContent: `:${name}:` }));
  if (may) {
    const label = chat.t("emoji.remove", { name });
    const button = Object.assign(document.createElement("button"), { type: "button", className: "emoji-remove", title: label, textContent: "×" });
    button.setAttribute("aria-label", label);
    button.addEventListener("click", remove);
    node.append(button);
  }
  return node;
}

/** @param {string} text @param {HTMLElement} control */
function labelled(text, control) {
  const label = document.createElement("label");
  label.append(Object.assign(document.createElement("span"), { textContent: text }), control);
  return label;
}
