import { ask, field, make } from "./make.js";

/** What can be done to a user in a room, each with its permission and whether it has a time. */
const ACTS = [
  { act: "warn", permission: "moderation.warn", timed: false },
  { act: "kick", permission: "moderation.kick", timed: false },
  { act: "mute", permission: "moderation.mute", timed: true },
  { act: "ban", permission: "moderation.ban", timed: true },
  { act: "server mute", permission: "moderation.server", timed: true },
  { act: "server ban", permission: "moderation.server", timed: true },
];
const TIMES = ["10m", "1h", "1d", "7d", ""];

/** What this user may do to others here. @param {any} chat @param {any} room */
function possible(chat, room) {
  const everywhere = ["moderator", "admin"].includes(chat.user()?.role);
  return ACTS.filter(({ permission }) => chat.may(permission, room.name) && (permission !== "moderation.server" || everywhere));
}

/** A button on a person's card, for those who keep order in the room. @param {any} chat @param {any} user @param {any} room */
export function moderate(chat, user, room) {
  if (!room?.joined || room.kind === "direct" || user.bot) return null;
  const acts = possible(chat, room);
  if (acts.length === 0) return null;
  return make("button", { type: "button", className: "button wide", onClick: () => open(chat, user, room, acts) }, chat.t("moderation.act"));
}

/** @param {any} chat @param {any} user @param {any} room @param {typeof ACTS} acts */
function open(chat, user, room, acts) {
  const { t } = chat;
  const act = /** @type {HTMLSelectElement} */ (make("select", {}, ...acts.map((each) => new Option(t(`moderation.act.${each.act}`), each.act))));
  const time = /** @type {HTMLSelectElement} */ (make("select", {}, ...TIMES.map((each) => new Option(t(`moderation.time.${each}`), each))));
  const reason = /** @type {HTMLTextAreaElement} */ (make("textarea", { rows: 2, maxLength: 500, dir: "auto" }));
  const times = field(t("moderation.time"), time);
  const draw = () => { times.hidden = !acts.find((each) => each.act === act.value)?.timed; };
  act.addEventListener("change", draw);
  draw();
  ask(chat, t("moderation.actOn", { name: user.display_name || user.name }), [field(t("moderation.what"), act), times, field(t("moderation.why"), reason)], t("moderation.do"), async () => {
    const why = reason.value.replace(/\s+/g, " ").trim();
    const words = [`/${act.value}`, user.id, times.hidden ? "" : time.value, why];
    await chat.request("message", { room: room.name, content: words.filter(Boolean).join(" ") });
  });
}
