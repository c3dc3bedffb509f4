import { h, icon, iconButton } from "../dom.js";

/** @typedef {import("../protocol.js").Message} Message */

/** What a draft answers, above the message field. */
export class ReplyBar {
  /** @param {import("../app.js").App} app @param {() => void} drop the user takes the reply back */
  constructor(app, drop) {
    this.app = app;
    this.drop = drop;
    this.node = h("div", { class: "reply-bar", hidden: true });
  }

  /** @param {import("../drafts.js").Reply|undefined} reply */
  draw(reply) {
    const { t } = this.app;
    this.node.hidden = !reply;
    this.node.toggleAttribute("data-gone", Boolean(reply?.deleted));
    this.node.replaceChildren();
    if (!reply) return;
    const text = reply.deleted ? t("composer.replyGone") : reply.content;
    this.node.append(icon(reply.deleted ? "warning" : "reply"),
      h("span", { class: "one-line", dir: "auto", role: reply.deleted ? "status" : null },
        h("b", null, t("composer.replyTo", { name: reply.name })), " ", text),
      iconButton("close", t("composer.noReply"), this.drop));
  }
}

/** What a draft keeps of the message that it answers. @param {import("../app.js").App} app @param {Message} message */
export function replyTo(app, message) {
  return { id: message.message_id, seq: message.seq, name: app.nameOf(message.user), ...quoted(app, message) };
}

/** @param {import("../app.js").App} app @param {{content?: string, deleted?: boolean}} message */
export function quoted(app, { content = "", deleted = false }) {
  return { content: content.slice(0, 200) || app.t("messages.file"), deleted };
}
