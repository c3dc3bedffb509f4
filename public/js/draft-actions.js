import { plainText } from "./plain.js";
import { tidy } from "./text-field.js";

/** What happens to drafts, whether they are on the screen or not. Each says whether it changed the draft. */

/** @typedef {import("./app.js").App} App */

/** The draft becomes a message. @param {App} app @param {string} room */
export function sendDraft(app, room) {
  const { text, files, reply } = app.drafts.of(room);
  const attachments = files.flatMap((file) => file.attachment ?? []);
  const content = tidy(text);
  if (content === "" && attachments.length === 0) return false;
  app.session.post(room, content, { reply_to: reply?.deleted ? undefined : reply?.id, files: attachments.length ? attachments : undefined });
  app.drafts.clear(room);
  return true;
}

/** A command was run: its line goes, the files wait for a message. @param {App} app @param {string} room @param {string} line */
export function clearCommand(app, room, line) {
  const draft = app.drafts.of(room);
  // What was written meanwhile stays.
  if (tidy(draft.text) !== line) return false;
  draft.text = "";
  app.drafts.changed(room);
  return true;
}

/** A message that could not be sent becomes a draft again. @param {App} app @param {import("./outbox.js").Entry} entry */
export function takeBack(app, { nonce, room, content, field, files = [] }) {
  const draft = app.drafts.of(room);
  draft.text = [draft.text, content].filter(Boolean).join("\n");
  // Files that the server doesn't have any more would be refused again.
  if (field !== "files") {
    draft.files.push(...files.map((attachment) => ({ room, name: attachment.name, size: attachment.size, file: null, share: 1,
      cancel: () => {}, tries: 0, attachment })));
  }
  app.outbox.drop(nonce);
  app.drafts.changed(room);
  return true;
}

/** What a draft keeps of a message. @param {App} app @param {{content?: string, html?: string, deleted?: boolean}} message */
function quoted(app, { deleted = false, ...message }) {
  return { content: plainText(message).slice(0, 200) || app.t("messages.file"), deleted };
}

/** @param {App} app @param {string} room @param {import("./protocol.js").Message|null} message null for no reply */
export function setReply(app, room, message) {
  const reply = message && { id: message.message_id, seq: message.seq, name: app.authorOf(message), ...quoted(app, message) };
  app.drafts.of(room).reply = reply ?? undefined;
  app.drafts.changed(room);
  return true;
}

/** What a draft answers was edited or deleted. @param {App} app @param {import("./protocol.js").DurableEvent} event */
export function followOriginal(app, { room, message_id, type, content, html }) {
  const { reply } = app.drafts.of(room);
  if (reply === undefined || reply.id !== message_id) return false;
  Object.assign(reply, quoted(app, { content, html, deleted: type === "deleted" }));
  app.drafts.changed(room);
  // What is gone may not stay in the storage either.
  app.drafts.saveAll();
  return true;
}
