/** @typedef {(files: File[]) => void} Take */

const FIELDS = "input, textarea, select, [contenteditable], dialog";

/** What comes in by mouse or clipboard: files that are dropped anywhere on the page, what is pasted beside every field. */
export class Intake {
  /**
   * @param {HTMLElement} host marked with `data-drop` while files are over the page
   * @param {() => boolean} welcome whether files are taken @param {Take} take @param {(text: string) => void} insert
   */
  constructor(host, welcome, take, insert) {
    this.insert = insert;
    this.host = host;
    this.welcome = () => welcome() && !document.querySelector("dialog[open]");
    this.take = take;
    document.addEventListener("dragover", (event) => this.mark(this.dragged(event)));
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && this.mark(false));
    document.addEventListener("drop", (event) => this.dropped(event));
    document.addEventListener("paste", (event) => this.pastedBeside(event));
  }

  /** @param {boolean} on */
  mark(on) {
    this.host.toggleAttribute("data-drop", on);
  }

  /** Whether files may be dropped here. Where not, they must not be opened in place of the chat either.
   * @param {DragEvent} event */
  dragged(event) {
    if (!event.dataTransfer?.types.includes("Files")) return false;
    event.preventDefault();
    const welcome = this.welcome();
    event.dataTransfer.dropEffect = welcome ? "copy" : "none";
    return welcome;
  }

  /** @param {DragEvent} event */
  dropped(event) {
    const welcome = this.dragged(event);
    this.mark(false);
    if (welcome) this.take([...(event.dataTransfer?.files ?? [])]);
  }

  /** What is pasted while no field has the focus goes into the message. @param {ClipboardEvent} event */
  pastedBeside(event) {
    if (event.defaultPrevented || /** @type {Element} */ (event.target).closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
    this.pasted(event);
    const text = event.clipboardData?.getData("text/plain");
    if (event.defaultPrevented || !text) return;
    event.preventDefault();
    this.insert(text);
  }

  /** @param {ClipboardEvent} event */
  pasted(event) {
    const data = event.clipboardData;
    const files = [...(data?.files ?? [])];
    if (!data || !files.length || !this.welcome() || isText(data, files)) return;
    event.preventDefault();
    this.take(files);
  }
}

/**
 * Office programs add a picture of a text that is copied; what was copied is the text. File managers add the files' names.
 * @param {Pick<DataTransfer, "getData">} data @param {{name: string}[]} files
 */
export function isText(data, files) {
  const lines = data.getData("text/plain").split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean);
  const names = new Set(files.map((file) => file.name));
  return lines.some((line) => !names.has(line.split(/[\\/]/).at(-1) ?? line));
}
