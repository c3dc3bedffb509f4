/** @typedef {(files: File[]) => void} Take */

/** What comes in by mouse or clipboard: files that are dropped anywhere on the page, or pasted into the message field. */
export class Intake {
  /**
   * @param {HTMLElement} host marked with `data-drop` while files are over the page
   * @param {() => boolean} welcome whether files are taken @param {Take} take
   */
  constructor(host, welcome, take) {
    this.host = host;
    this.welcome = () => welcome() && !document.querySelector("dialog[open]");
    this.take = take;
    document.addEventListener("dragover", (event) => this.mark(this.dragged(event)));
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && this.mark(false));
    document.addEventListener("drop", (event) => this.dropped(event));
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
