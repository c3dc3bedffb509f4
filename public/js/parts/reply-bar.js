import { h, icon, iconButton } from "../dom.js";

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
