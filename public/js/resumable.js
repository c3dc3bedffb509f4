import { ChatError } from "./protocol.js";
import { refusal, xsrf } from "./api.js";

/** @typedef {import("./protocol.js").Attachment} Attachment */
/** @typedef {{room: string, to?: string, address?: string}} Place `address` is where it has begun already */

const PATH = "/plugins/files/tus";

/**
 * Upload a large file by tus 1.0, from where it broke off.
 * @param {Place} place gets the address of the upload, for the next time
 * @param {File} file @param {(share: number) => void} onProgress @param {AbortSignal} signal
 * @returns {Promise<Attachment>} rejects with ChatError, `cancelled` after an abort
 */
export async function resumable(place, file, onProgress, signal) {
  signal.addEventListener("abort", () => place.address && void call("DELETE", place.address).catch(() => {}));
  const offset = place.address ? await there(place.address) : null;
  if (offset === null) place.address = await begin(place, file);
  const address = /** @type {string} */ (place.address);
  if ((offset ?? 0) < file.size) await rest(address, file, offset ?? 0, onProgress, signal);
  const answer = await call("GET", address);
  return (await answer.json()).file;
}

/** How much of it the server has; null where it knows nothing of it any more. @param {string} address */
async function there(address) {
  try {
    return Number((await call("HEAD", address)).headers.get("Upload-Offset"));
  } catch (/** @type {any} */ error) {
    if (error.code === "not_found") return null;
    throw error;
  }
}

/** @param {Place} place @param {File} file @returns {Promise<string>} its address */
async function begin({ room, to }, file) {
  const told = { filename: file.name, ...(to ? { to } : { room }) };
  const metadata = Object.entries(told).map(([key, value]) => `${key} ${inBase64(value)}`).join(",");
  const answer = await call("POST", PATH, { "Upload-Length": String(file.size), "Upload-Metadata": metadata });
  return answer.headers.get("Location") ?? "";
}

/** XMLHttpRequest, because fetch tells no upload progress. @param {string} address @param {File} file @param {number} offset @param {(share: number) => void} onProgress @param {AbortSignal} signal */
function rest(address, file, offset, onProgress, signal) {
  const request = new XMLHttpRequest();
  return /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new ChatError("cancelled", ""));
    request.open("PATCH", address);
    request.responseType = "json";
    for (const [name, value] of Object.entries({ ...headers(), "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" })) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onProgress(Math.min(1, (offset + loaded) / file.size));
    request.onload = () => (request.status < 300 ? resolve() : reject(again(refusal(request.status, request.response?.error))));
    request.onerror = () => reject(new ChatError("offline", ""));
    request.onabort = () => reject(new ChatError("cancelled", ""));
    signal.addEventListener("abort", () => request.abort());
    request.send(file.slice(offset));
  }));
}

/** Where the server has another part than we know of, or still waits for the one that broke off, it is asked once more. @param {ChatError} error */
function again(error) {
  return error.code === "conflict" ? new ChatError("offline", "") : error;
}

/** @param {string} method @param {string} address @param {Record<string, string>} [more] */
async function call(method, address, more = {}) {
  let answer;
  try {
    answer = await fetch(address, { method, headers: { ...headers(), ...more } });
  } catch {
    throw new ChatError("offline", "");
  }
  if (!answer.ok) throw refusal(answer.status, (await answer.json().catch(() => null))?.error);
  return answer;
}

function headers() {
  return { "Tus-Resumable": "1.0.0", "X-XSRFToken": xsrf() };
}

/** @param {string} text */
function inBase64(text) {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}
