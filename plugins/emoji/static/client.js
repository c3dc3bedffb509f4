import { openPicker } from "./picker.js";
import { ownPage } from "./own.js";

/** Emoji in the browser: the picker at the message field, and a page of the settings for this server's own. */

const TEXTS = {
  en: {
    "emoji.pick": "Emoji",
    "emoji.find": "Find an emoji",
    "emoji.none": "There is none like that.",
    "emoji.tone": "Skin tone",
    "emoji.groups": "Recent|Of this server|Smileys|People|Animals and nature|Food and drink|Travel and places|Activities|Objects|Symbols|Flags",
    "emoji.own": "Emoji",
    "emoji.ownHelp": "Pictures that everyone here can write as :name:.",
    "emoji.name": "Name",
    "emoji.picture": "Picture",
    "emoji.add": "Add",
    "emoji.remove": "Remove :{name}:",
    "emoji.empty": "There are none yet.",
    "emoji.tooLarge": "A picture has at most {size} KiB.",
  },
  "zh-Hant": {
    "emoji.pick": "表情符號", "emoji.find": "尋找表情符號", "emoji.none": "找不到符合的表情符號。", "emoji.tone": "膚色",
    "emoji.groups": "最近使用|本站專屬|笑臉|人物|動物與自然|飲食|旅遊與地點|活動|物品|符號|旗幟", "emoji.own": "表情符號",
    "emoji.ownHelp": "大家都能以 :名稱: 輸入的圖片。", "emoji.name": "名稱", "emoji.picture": "圖片", "emoji.add": "新增",
    "emoji.remove": "移除 :{name}:", "emoji.empty": "還沒有專屬的表情符號。", "emoji.tooLarge": "圖片最大 {size} KiB。",
  },
  "zh-Hans": {
    "emoji.pick": "表情符号", "emoji.find": "查找表情符号", "emoji.none": "没有找到这样的表情符号。", "emoji.tone": "肤色",
    "emoji.groups": "最近使用|本站专属|笑脸|人物|动物与自然|食物与饮料|旅行与地点|活动|物品|符号|旗帜", "emoji.own": "表情符号",
    "emoji.ownHelp": "大家都能用 :名称: 输入的图片。", "emoji.name": "名称", "emoji.picture": "图片", "emoji.add": "添加",
    "emoji.remove": "移除 :{name}:", "emoji.empty": "还没有专属的表情符号。", "emoji.tooLarge": "图片最大 {size} KiB。",
  },
};

/** A smiling face, drawn like the program's own icons. */
function face() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const d of ["M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14", "M6.800 11.500c1.400 2.400 5 2.400 6.400 0", "M7.700 8v.6M12.300 8v.6"]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  /** @type {() => void} */
  let close = () => {};
  chat.addSlot("composer", (/** @type {{insert: (text: string) => void}} */ { insert }) => {
    const label = chat.t("emoji.pick");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "icon-button emoji-button", title: label });
    button.append(face());
    button.setAttribute("aria-label", label);
    button.setAttribute("aria-haspopup", "dialog");
    button.addEventListener("click", () => {
      close = openPicker(chat, button.getBoundingClientRect(), (emoji) => insert(`${emoji} `));
    });
    return button;
  });
  chat.addSlot("settings", () => ownPage(chat), { title: () => chat.t("emoji.own") });
  return () => close();
}
