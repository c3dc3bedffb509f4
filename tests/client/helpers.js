import { Store } from "../../public/js/store.js";

export const ANN = { id: "u1", name: "ann", display_name: "Ann" };
export const BOB = { id: "u2", name: "bob", display_name: "Bob" };

/** A room as `welcome` gives it. */
export function wireRoom(more = {}) {
  return {
    name: "general", title: "General", topic: "", kind: "public", history: "all", archived: false, head: 0,
    joined: true, role: "member", unread: 0, mentions: 0, read: 0, members: 2, ...more,
  };
}

/** A `welcome`. */
export function welcome(more = {}) {
  return {
    type: "welcome", user: { ...ANN, role: "member" }, epoch: "e1", server: { name: "test", version: "1" }, limits: {},
    heartbeat: 25, permissions: [], commands: [], plugins: { history: {} }, rooms: [wireRoom()], ...more,
  };
}

/** A store that has been welcomed. */
export function startedStore(more = {}, now = () => 0) {
  const store = new Store(now);
  store.welcome(welcome(more));
  return store;
}

/** A message event. */
export function message(seq, more = {}) {
  return {
    type: "message", room: "general", seq, ts: new Date(seq * 1000).toISOString(), user: BOB, message_id: `m${seq}`,
    kind: "text", rev: 1, content: `text ${seq}`, html: `text ${seq}`, ...more,
  };
}
