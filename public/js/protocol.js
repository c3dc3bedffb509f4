/**
 * The wire's names (chat.v1): the only module, with socket.js and store.js, that knows them.
 *
 * @typedef {{id: string, name: string, display_name: string, role?: string, bot?: boolean, guest?: boolean, avatar?: string}} User
 * @typedef {{id: string, name: string, size: number, mime: string, url: string, inline?: boolean, preview?: string,
 *   width?: number, height?: number}} Attachment
 * @typedef {{name: string, title: string, topic: string, kind: "public"|"private"|"direct",
 *   history: "all"|"joined", archived: boolean, unlisted?: boolean, read_only?: boolean, slow_mode?: number, guests?: boolean, notify?: "all"|"mentions"|"none", keep_days?: number, permissions?: Record<string, {allow?: string[], deny?: string[]}>, floor?: number, head: number, joined: boolean, role?: string, unread: number,
 *   mentions: number, read: number, members: number, with?: User, hidden?: boolean}} WireRoom
 * @typedef {{type: string, room: string, seq: number, ts: string, user: User} & Record<string, any>} DurableEvent
 * @typedef {DurableEvent & {message_id: string, rev: number, content: string, html: string, kind: string,
 *   nonce?: string, reply_to?: string, files?: Attachment[], edited_at?: string, deleted?: boolean,
 *   extras?: Record<string, any>, actions?: Action[], display_name?: string,
 *   reactions?: {emoji: string, count: number, users: string[]}[], pinned?: boolean, pinned_by?: {id: string, name: string}}} Message
 * @typedef {{plugin: string, id: string, label: string, style?: "plain"|"primary"|"danger", permission?: string}} Action a button
 * @typedef {{name: string, type: "text"|"multiline"|"number"|"choice"|"checkbox"|"user"|"room", label: string, required: boolean,
 *   help?: string, default?: any, choices?: string[], whole?: boolean, min?: number, max?: number}} FormField
 * @typedef {{form: string, plugin: string, title: string, submit: string, seconds: number, fields: FormField[]}} Form
 * @typedef {{user: User, role: string, status: string, text: string}} Member
 * @typedef {{name: string, type: string, required: boolean, rest: boolean, choices?: string[], help?: string,
 *   complete?: boolean}} Arg
 * @typedef {{name: string, usage: string, help: string, plugin?: string, aliases?: string[], examples?: string[], args: Arg[]}} Command
 */

export const SUBPROTOCOL = "chat.v1";

/** Requests, client to server. */
export const REQUEST = Object.freeze({
  hello: "hello",
  join: "join",
  leave: "leave",
  message: "message",
  edit: "edit",
  delete: "delete",
  complete: "complete",
  action: "action",
  answer: "answer",
  typing: "typing",
  read: "read",
  presence: "presence",
  profile: "profile",
  block: "block",
  blocked: "blocked",
  hide: "hide",
  invitations: "invitations",
  invitation: "invitation",
  sync: "sync",
  setRole: "room_role",
  members: "members",
  rooms: "rooms",
  stats: "stats",
  ping: "ping",
});

/** The id of the server's own user, who made the rooms that are there from the start. */
export const SYSTEM = "system";

/** The request that the bundled plugin `history` adds. */
export const HISTORY = "history";

/** The request that the bundled plugin `emoji` adds. */
export const EMOJI = "emoji:find";

/** Events that take a seq, as far as this client shows them; others advance the cursor only. */
export const DURABLE = Object.freeze({
  message: "message",
  edited: "edited",
  deleted: "deleted",
  room: "room",
  member: "member",
});

/** Events that take none and are never replayed. */
export const EPHEMERAL = Object.freeze({
  joined: "joined",
  left: "left",
  presence: "presence",
  typing: "typing",
  read: "read",
  renamed: "renamed",
  profile: "profile",
  blocked: "blocked",
  hidden: "hidden",
  invited: "invited",
  invitationGone: "invitation_gone",
  notice: "notice",
  mention: "mention",
  kicked: "kicked",
  rooms: "rooms",
  plugins: "plugins",
  heartbeat: "heartbeat",
  bye: "bye",
  gap: "gap",
  live: "live",
});

/** Replies. */
export const REPLY = Object.freeze({ welcome: "welcome", ok: "ok", error: "error" });

/** Error codes this client acts on. */
export const ERROR = Object.freeze({
  unauthorized: "unauthorized",
  secondStep: "second_step",
  muted: "muted",
  notFound: "not_found",
  notMember: "not_member",
  rateLimited: "rate_limited",
  slowMode: "slow_mode",
  unavailable: "unavailable",
  internal: "internal",
});

/** What a close code asks of the client. Codes that are not listed mean "reconnect". */
const AFTER_CLOSE = new Map(
  /** @type {[number, "wait"|"signin"|"stop"][]} */ ([
    [4029, "wait"],
    [4030, "wait"],
    [4001, "signin"],
    [4003, "signin"],
    [4004, "stop"],
    [4006, "stop"],
    [4010, "stop"],
  ]),
);

/**
 * @param {number} code a WebSocket close code
 * @returns {"reconnect"|"wait"|"signin"|"stop"}
 */
export function afterClose(code) {
  return AFTER_CLOSE.get(code) ?? "reconnect";
}

/** A refusal by the server, over the WebSocket or HTTP, or a request that could not be made. */
export class ChatError extends Error {
  /**
   * @param {string} code
   * @param {string} message text for people
   * @param {{field?: string|null, retryAfter?: number}} [more]
   */
  constructor(code, message, { field = null, retryAfter } = {}) {
    super(message);
    this.code = code;
    this.field = field;
    /** @type {number|undefined} seconds */
    this.retryAfter = retryAfter;
  }

  /** Whether trying the same again later can help. */
  get temporary() {
    const codes = /** @type {string[]} */ ([
      ERROR.rateLimited, ERROR.slowMode, ERROR.unavailable, ERROR.internal, "offline", "timeout",
    ]);
    return this.retryAfter !== undefined || codes.includes(this.code);
  }
}

/**
 * @param {{code?: string, message?: string, field?: string|null, retry_after?: number}|undefined} wire
 */
export function toError(wire) {
  return new ChatError(wire?.code ?? "internal", wire?.message ?? "", {
    field: wire?.field,
    retryAfter: wire?.retry_after,
  });
}

/** The name of the direct room of two people. @param {string} one @param {string} other */
export function directName(one, other) {
  return `dm:${[one, other].sort().join("+")}`;
}
