/** One's own picture: a page of the settings. That pictures are shown is the page's own. */

const TEXTS = {
  en: { "avatars.title": "Your picture", "avatars.hint": "It is shown beside your name, cut to a square. What a photo says of its place and time is removed.", "avatars.choose": "Choose a picture…", "avatars.remove": "Remove it",
    "avatars.set": "Others see your picture now.", "avatars.gone": "Others see your initials.", "avatars.unreadable": "That is no picture that can be shown." },
  "zh-Hant": { "avatars.title": "你的頭像", "avatars.hint": "顯示在你的名字旁，裁成正方形。照片中的地點與時間資訊會被移除。", "avatars.choose": "選擇圖片…", "avatars.remove": "移除",
    "avatars.set": "其他人現在看得到你的頭像。", "avatars.gone": "其他人看到的是你的名字縮寫。", "avatars.unreadable": "無法顯示這個圖片。" },
  "zh-Hans": { "avatars.title": "你的头像", "avatars.hint": "显示在你的名字旁，裁成正方形。照片中的地点与时间信息会被移除。", "avatars.choose": "选择图片…", "avatars.remove": "移除",
    "avatars.set": "其他人现在能看到你的头像。", "avatars.gone": "其他人看到的是你的名字缩写。", "avatars.unreadable": "无法显示这个图片。" },
};
/** So large a picture is sent: twice what is kept of it. */
const SIDE = 384;

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  if (chat.may("avatars.set")) chat.addSlot("settings", () => page(chat), { title: () => chat.t("avatars.title") });
}

/** @param {any} chat */
function page(chat) {
  const root = Object.assign(document.createElement("div"), { className: "avatars-page" });
  const face = Object.assign(document.createElement("img"), { className: "avatars-face", alt: "", width: 96, height: 96 });
  const note = document.createElement("p");
  note.setAttribute("role", "status");
  const file = Object.assign(document.createElement("input"), { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp,image/avif", className: "visually-hidden", tabIndex: -1 });
  file.setAttribute("aria-label", chat.t("avatars.choose"));
  const choose = button(chat.t("avatars.choose"), "primary", () => file.click());
  const remove = button(chat.t("avatars.remove"), "", () => send("DELETE", undefined, "avatars.gone"));

  const show = (/** @type {string|undefined} */ address) => {
    face.hidden = remove.hidden = !address;
    if (address) face.src = address;
  };
  const send = async (/** @type {string} */ method, /** @type {Blob|undefined} */ body, /** @type {string} */ said) => {
    choose.disabled = remove.disabled = true;
    try {
      show((await chat.fetch(method, "mine", body)).user.avatar);
      note.textContent = chat.t(said);
    } catch (error) {
      note.textContent = /** @type {Error} */ (error).message;
    }
    choose.disabled = remove.disabled = false;
  };
  file.addEventListener("change", async () => {
    const chosen = file.files?.[0];
    file.value = "";
    if (!chosen) return;
    const small = await square(chosen);
    if (small) await send("PUT", small, "avatars.set");
    else note.textContent = chat.t("avatars.unreadable");
  });
  const buttons = Object.assign(document.createElement("div"), { className: "avatars-buttons" });
  buttons.append(choose, remove, file);
  root.append(Object.assign(document.createElement("p"), { className: "hint", textContent: chat.t("avatars.hint") }), face, buttons, note);
  show(chat.user()?.avatar);
  return root;
}

/** @param {string} text @param {string} kind @param {() => void} press */
function button(text, kind, press) {
  const node = Object.assign(document.createElement("button"), { type: "button", className: `button ${kind}`, textContent: text });
  node.addEventListener("click", press);
  return node;
}

/** The middle of a picture, small enough to be sent; null for what is none. @param {Blob} chosen @returns {Promise<Blob|null>} */
async function square(chosen) {
  try {
    const picture = await createImageBitmap(chosen);
    const side = Math.min(picture.width, picture.height);
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.min(SIDE, side), height: Math.min(SIDE, side) });
    canvas.getContext("2d")?.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } catch {
    return null;
  }
}
