/** Previews of links, below the message. */

const TEXTS = {
  en: { "links.dismiss": "Remove the preview", "links.picture": "Picture of {site}" },
  "zh-Hant": { "links.dismiss": "移除預覽", "links.picture": "{site} 的圖片" },
  "zh-Hans": { "links.dismiss": "移除预览", "links.picture": "{site} 的图片" },
};
/** A picture at least so wide, and wider than high, stands below the text; others beside it. */
const WIDE_PX = 400;

/** @typedef {{url: string, title: string, text: string, site: string, picture: {id: string, width: number, height: number}|null}} Preview */

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  chat.addSlot("message-footer", ({ message, extras }) => {
    const previews = extras.links?.previews ?? [];
    if (previews.length === 0) return null;
    const box = document.createElement("div");
    box.className = "links";
    const own = message.user?.id === chat.user()?.id || chat.may("message.delete_any", message.room);
    for (const preview of previews) box.append(card(chat, message, preview, own));
    return box;
  });
}

/** @param {any} chat @param {any} message @param {Preview} preview @param {boolean} own */
function card(chat, message, preview, own) {
  const node = document.createElement("div");
  node.className = "links-card";
  const words = document.createElement("div");
  words.className = "links-words";
  if (preview.site) words.append(line("links-site", preview.site));
  if (preview.title) words.append(link(preview.url, "links-title", preview.title));
  if (preview.text) words.append(line("links-text", preview.text));
  node.append(words);
  if (preview.picture) node.append(picture(chat, node, preview, preview.picture));
  if (own) {
    const label = chat.t("links.dismiss");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "links-dismiss", title: label, textContent: "×" });
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => void dismiss(chat, message, preview.url));
    node.append(button);
  }
  return node;
}

/** @param {any} chat @param {HTMLElement} card @param {Preview} preview @param {{id: string, width: number, height: number}} from */
function picture(chat, card, preview, { id, width, height }) {
  // The title is a link already: this one is for the hand that points.
  const node = link(preview.url, "links-picture", "");
  const image = Object.assign(document.createElement("img"), { width, height, loading: "lazy", decoding: "async", alt: preview.title ? "" : chat.t("links.picture", { site: preview.site }) });
  if (preview.title) node.tabIndex = -1;
  image.addEventListener("error", () => node.remove());
  image.src = `/plugins/links/p/${id}`;
  node.append(image);
  card.classList.toggle("links-wide", !preview.title || (width >= WIDE_PX && width > height));
  return node;
}

/** @param {string} url @param {string} className @param {string} text */
function link(url, className, text) {
  return Object.assign(document.createElement("a"), { href: url, target: "_blank", rel: "noopener noreferrer nofollow", className, textContent: text, dir: "auto" });
}

/** @param {string} className @param {string} text */
function line(className, text) {
  return Object.assign(document.createElement("p"), { className, textContent: text, dir: "auto" });
}

/** @param {any} chat @param {any} message @param {string} url */
async function dismiss(chat, message, url) {
  try {
    await chat.request("links:dismiss", { message_id: message.message_id, url });
  } catch (error) {
    chat.toast(/** @type {Error} */ (error).message);
  }
}
