import { Emitter } from "./emitter.js";

/** @typedef {import("./protocol.js").Attachment} Attachment */
/** @typedef {import("./protocol.js").ChatError} ChatError */
/** @typedef {import("./drafts.js").Drafts} Drafts */
/**
 * @typedef {{room: string, to?: string, name: string, size: number, file: File|null, share: number, cancel: () => void,
 *   attachment?: Attachment, cut?: boolean, error?: string, final?: boolean, tries: number}} Upload
 *   `file` is null where only what was uploaded earlier is known; `share` is how much is up, 0 to 1; `cut` while it waits for
 *   the connection; `error` when it has failed, and `final` if trying again can't help
 * @typedef {(upload: Upload, onProgress: (share: number) => void) => {done: Promise<Attachment>, cancel: () => void}} Start
 * @typedef {{tooLarge(size: number): string|null, empty: string, why(error: ChatError): string}} Words
 */

/** So often a file that was cut off is begun anew without asking. */
const AGAIN = 4;
const WAIT_MS = 2000;

/** @param {{room: string, name: string, size: number, attachment?: Attachment}} saved @returns {Upload} */
export function savedUpload({ room, name, size, attachment }) {
  return { room, name, size, attachment, file: null, share: 1, cancel: () => {}, tries: 0 };
}

/** On its way, or waiting to go on. @param {Upload} upload */
export const isRunning = ({ attachment, error }) => !attachment && !error;

/**
 * Files on their way up, each in the draft that it belongs to, whatever is on the screen. Emits `change` (room),
 * `progress` (upload), and `ready` (room) when all files of a draft that is to be sent are up.
 */
export class Uploads extends Emitter {
  /**
   * @param {Drafts} drafts @param {Start} start @param {() => Words} words
   * @param {{online?: () => boolean, later?: (run: () => void, milliseconds: number) => unknown}} [options]
   */
  constructor(drafts, start, words, { online = () => true, later = (run, milliseconds) => setTimeout(run, milliseconds) } = {}) {
    super();
    this.online = online;
    this.later = later;
    this.drafts = drafts;
    this.start = start;
    this.words = words;
    /** @type {Set<Upload>} to be begun again with the next connection */
    this.cut = new Set();
    /** @type {Set<Upload>} */
    this.running = new Set();
  }

  /** @param {string} room @param {File[]} files @param {string} [to] the user, in a conversation that has no room yet */
  add(room, files, to) {
    const draft = this.drafts.of(room);
    draft.wanted = false;
    for (const file of files) {
      /** @type {Upload} */
      const upload = { room, to, name: file.name, size: file.size, file, share: 0, cancel: () => {}, tries: 0 };
      const problem = file.size === 0 ? this.words().empty : this.words().tooLarge(file.size);
      if (problem) Object.assign(upload, { error: problem, final: true });
      draft.files.push(upload);
      if (!problem) void this.run(upload);
    }
    this.changed(room);
  }

  /** @param {Upload} upload */
  retry(upload) {
    if (!upload.file || upload.final || isRunning(upload) || upload.attachment) return;
    upload.tries = 0;
    void this.run(upload);
    this.changed(upload.room);
  }

  /** @param {Upload} upload */
  remove(upload) {
    const draft = this.drafts.of(upload.room);
    draft.files = draft.files.filter((one) => one !== upload);
    draft.wanted = false;
    this.cut.delete(upload);
    upload.cancel();
    this.changed(upload.room);
  }

  /** The connection is back, or it was never gone: what was cut off goes on. */
  resume() {
    if (!this.online()) return;
    const cut = [...this.cut];
    this.cut.clear();
    for (const upload of cut) void this.run(upload);
    for (const room of new Set(cut.map((upload) => upload.room))) this.changed(room);
  }

  /** @param {Upload} upload */
  async run(upload) {
    const { room } = upload;
    delete upload.error;
    delete upload.cut;
    upload.share = 0;
    const { done, cancel } = this.start(upload, (share) => {
      upload.share = share;
      this.emit("progress", upload);
    });
    upload.cancel = cancel;
    this.running.add(upload);
    try {
      upload.attachment = await done;
    } catch (/** @type {any} */ error) {
      if (error.code === "cancelled") return;
      this.failed(upload, error);
    } finally {
      this.running.delete(upload);
    }
    this.changed(room);
    this.settle(room);
  }

  /** @param {Upload} upload @param {ChatError} error */
  failed(upload, error) {
    upload.tries += 1;
    // What was cut off goes on by itself, and the message with it; what was refused waits for the user.
    if (error.code === "offline" && upload.tries <= AGAIN) {
      upload.cut = true;
      this.cut.add(upload);
      this.later(() => this.resume(), WAIT_MS * upload.tries);
      return;
    }
    Object.assign(upload, { error: this.words().why(error), final: error.code === "too_large" });
    this.drafts.of(upload.room).wanted = false;
  }

  /** @param {string} room */
  settle(room) {
    const { wanted, files } = this.drafts.of(room);
    if (wanted && files.every((file) => file.attachment)) this.emit("ready", room);
  }

  /** @param {string} room */
  changed(room) {
    this.drafts.changed(room);
    this.emit("change", room);
  }
}
