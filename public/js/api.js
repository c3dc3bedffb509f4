import { ChatError, toError } from "./protocol.js";

/** @typedef {import("./protocol.js").Attachment} Attachment */

/** What requests that change something repeat of a cookie. */
export function xsrf() {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("_xsrf="));
  return cookie ? decodeURIComponent(cookie.slice("_xsrf=".length)) : "";
}

/**
 * One call of the HTTP API. Throws ChatError with the server's code, or `offline`.
 * @param {"GET"|"POST"|"PUT"|"PATCH"|"DELETE"} method
 * @param {string} path below /api/v1/, or a whole one
 * @param {object} [body] sent as JSON, a Blob as it is
 * @returns {Promise<any>}
 */
export async function api(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-XSRFToken"] = xsrf();
  const plain = body instanceof Blob;
  if (body && !plain) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path[0] === "/" ? path : `/api/v1/${path}`, { method, headers, body: plain ? body : body && JSON.stringify(body) });
  } catch {
    throw new ChatError("offline", "");
  }
  const data = await response.json().catch(() => null);
  if (!response.ok) throw refusal(response.status, data?.error);
  return data ?? {};
}

/** What a proxy says without the server, in the server's codes. @type {Record<number, string>} */
const BY_STATUS = { 401: "unauthorized", 403: "forbidden", 404: "not_found", 408: "offline", 413: "too_large",
  429: "rate_limited", 502: "unavailable", 503: "unavailable", 504: "unavailable" };

/** @param {number} status @param {{code: string}|undefined} error as the server says it */
export function refusal(status, error) {
  return toError(error ?? { code: BY_STATUS[status] ?? "internal", message: "" });
}

/** @param {string} name a room's name, which may hold any letters and, in direct rooms, `:` and `+` */
export function roomPath(name) {
  return `rooms/${encodeURIComponent(name)}`;
}

/**
 * Upload a file with the plugin `files`. XMLHttpRequest, because fetch tells no upload progress.
 * @param {{room: string, to?: string}} place `to` is the other user's id where there is no room yet
 * @param {File} file
 * @param {(share: number) => void} onProgress 0 to 1
 * @returns {{done: Promise<Attachment>, cancel: () => void}} `done` rejects with ChatError, `cancelled` after cancel
 */
export function upload({ room, to }, file, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    const place = to ? `to=${encodeURIComponent(to)}` : `room=${encodeURIComponent(room)}`;
    request.open("POST", `/plugins/files/upload?${place}`);
    request.responseType = "json";
    request.setRequestHeader("X-XSRFToken", xsrf());
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status < 300 && request.response?.file) resolve(request.response.file);
      else reject(refusal(request.status, request.response?.error));
    };
    request.onerror = () => reject(new ChatError("offline", ""));
    request.onabort = () => reject(new ChatError("cancelled", ""));
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}
