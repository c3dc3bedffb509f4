import { setHtml } from "./html.js";

const MASK = "▇▇▇";

/** A message as one would read it aloud, for where no markup is shown; spoilers stay hidden. @param {{content?: string, html?: string}} message */
export function plainText({ content = "", html }) {
  if (!html) return content.replace(/\|\|.+?\|\|/gs, MASK);
  const text = document.createElement("div");
  setHtml(text, html);
  for (const spoiler of text.querySelectorAll(".spoiler")) spoiler.replaceWith(MASK);
  for (const image of text.querySelectorAll("img")) image.replaceWith(image.alt);
  for (const end of text.querySelectorAll("br")) end.replaceWith("\n");
  return text.textContent ?? "";
}
