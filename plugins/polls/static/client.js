/** Polls in the browser: messages of the kind `polls:poll` as choices with counts, and actions to open and close them. */

const TEXTS = {
  en: {
    "polls.new": "New poll…", "polls.close": "Close poll", "polls.closed": "Closed", "polls.closes": "Closes {when}", "polls.several": "Several choices",
    "polls.anonymous": "Anonymous", "polls.who": "Who voted", "polls.hide": "Hide", "polls.voters": { one: "{count} voter", other: "{count} voters" },
    "polls.choice": { one: "{text}: {count} vote, {percent}%", other: "{text}: {count} votes, {percent}%" }, "polls.noVotes": "No votes",
  },
  "zh-Hant": { "polls.new": "新投票…", "polls.close": "結束投票", "polls.closed": "已結束", "polls.closes": "{when} 結束", "polls.several": "可複選", "polls.anonymous": "匿名",
    "polls.who": "誰投了票", "polls.hide": "隱藏", "polls.voters": "{count} 人投票", "polls.choice": "{text}：{count} 票，{percent}%", "polls.noVotes": "沒有票" },
  "zh-Hans": { "polls.new": "新投票…", "polls.close": "结束投票", "polls.closed": "已结束", "polls.closes": "{when} 结束", "polls.several": "可多选", "polls.anonymous": "匿名",
    "polls.who": "谁投了票", "polls.hide": "隐藏", "polls.voters": "{count} 人投票", "polls.choice": "{text}：{count} 票，{percent}%", "polls.noVotes": "没有票" },
};
const DAY_MS = 86_400_000;
/** The longest time that a browser's timer waits. */
const LONGEST_MS = 2 ** 31 - 1;

/** @typedef {{question: string, choices: {text: string, votes: number}[], several: boolean, anonymous: boolean, closes: number|null, closed: boolean, voters: number}} Poll */

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  const cards = new Cards(chat);
  chat.addRenderer("polls:poll", (message) => (message.extras?.polls ? cards.draw(message, message.extras.polls) : null));
  chat.on("polls:mine", ({ message_id, choices }) => cards.chose(message_id, choices));
  chat.on("live", () => cards.askAgain());
  chat.addAction({ id: "new", of: "room", icon: "plus", label: () => chat.t("polls.new"), when: ({ room }) => chat.may("polls.open", room.name),
    run: ({ room }) => chat.request("message", { room: room.name, content: "/poll", nonce: crypto.randomUUID?.() ?? String(Math.random()) }) });
  chat.addAction({ id: "close", of: "message", icon: "check", label: () => chat.t("polls.close"),
    when: ({ message, extras }) => extras.polls && !over(extras.polls) && !message.deleted && (message.user.id === chat.user()?.id || chat.may("polls.close", message.room)),
    run: ({ message }) => chat.request("polls:close", { message_id: message.message_id }) });
  return () => cards.end();
}

/** Whether no one can vote any more. @param {Poll} poll */
function over(poll) {
  return poll.closed || (poll.closes !== null && poll.closes * 1000 <= Date.now());
}

/** What is on the screen, and what the user has chosen. */
class Cards {
  /** @param {any} chat */
  constructor(chat) {
    this.chat = chat;
    /** The newest drawing of each poll. @type {Map<string, Card>} */
    this.drawn = new Map();
    /** The user's choices, as far as they are known. @type {Map<string, number[]>} */
    this.mine = new Map();
    /** Who voted, of the polls in which it is shown. @type {Map<string, any[][]>} */
    this.open = new Map();
  }

  /** @param {any} message @param {Poll} poll @returns {HTMLElement} */
  draw(message, poll) {
    const id = message.message_id;
    this.drawn.get(id)?.stop();
    const card = new Card(this, message, poll);
    this.drawn.set(id, card);
    if (!this.mine.has(id) || this.open.has(id)) void this.ask(id);
    return card.element;
  }

  /** @param {string} id @param {number[]} choices */
  chose(id, choices) {
    this.mine.set(id, choices);
    this.drawn.get(id)?.paint();
  }

  /** After a time without a connection: another device may have voted. */
  askAgain() {
    for (const [id, card] of this.drawn) {
      if (card.element.isConnected) void this.ask(id);
      else this.forget(id);
    }
  }

  /** @param {string} id */
  forget(id) {
    this.drawn.get(id)?.stop();
    for (const each of [this.drawn, this.mine, this.open]) each.delete(id);
  }

  /** @param {string} id */
  async ask(id) {
    try {
      const { mine, users } = await this.chat.request("polls:votes", { message_id: id });
      if (this.open.has(id)) this.open.set(id, users);
      this.chose(id, mine);
    } catch {
      // It is shown without: the next connection asks again.
    }
  }

  /** Show who voted, or hide it. @param {string} id */
  async toggle(id) {
    if (!this.open.delete(id)) {
      this.open.set(id, []);
      await this.ask(id);
    }
    this.drawn.get(id)?.paint();
  }

  /** @param {string} id @param {number[]} choices */
  async vote(id, choices) {
    const before = this.mine.get(id) ?? [];
    this.chose(id, choices);
    try {
      await this.chat.request("polls:vote", { message_id: id, choices });
    } catch (error) {
      this.chose(id, before);
      this.chat.toast(/** @type {Error} */ (error).message);
    }
  }

  end() {
    for (const card of this.drawn.values()) card.stop();
  }
}

/** One poll. What it says is set anew by `paint`, so that what has the focus stays. */
class Card {
  /** @param {Cards} cards @param {any} message @param {Poll} poll */
  constructor(cards, message, poll) {
    this.cards = cards;
    this.message = message;
    this.poll = poll;
    this.timer = 0;
    this.element = node("div", "polls-poll");
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", poll.question);
    const question = Object.assign(node("p", "polls-question"), { textContent: poll.question, dir: "auto" });
    this.choices = poll.choices.map((choice, at) => this.choice(choice, at));
    this.note = node("p", "polls-note");
    this.who = Object.assign(node("button", "link-button polls-who"), { type: "button" });
    this.who.addEventListener("click", () => void cards.toggle(message.message_id));
    const foot = node("div", "polls-foot");
    foot.append(this.note, ...(poll.anonymous || poll.voters === 0 ? [] : [this.who]));
    this.element.append(question, ...this.choices.map(({ box }) => box), foot);
    this.paint();
    const left = poll.closes === null || over(poll) ? 0 : poll.closes * 1000 - Date.now() + 50;
    if (left > 0 && left < LONGEST_MS) this.timer = window.setTimeout(() => this.paint(), left);
  }

  /** @param {{text: string, votes: number}} choice @param {number} at */
  choice(choice, at) {
    const box = node("div", "polls-choice");
    const button = Object.assign(node("button", "polls-button"), { type: "button" });
    const mark = node("span", "polls-mark");
    const text = Object.assign(node("span", "polls-text"), { textContent: choice.text, dir: "auto" });
    const count = node("span", "polls-count");
    button.append(mark, text, count);
    button.addEventListener("click", () => this.press(at));
    const names = Object.assign(node("p", "polls-names"), { dir: "auto" });
    box.append(button, names);
    return { box, button, count, names };
  }

  paint() {
    const { chat, mine, open } = this.cards;
    const { poll, message: { message_id: id, room } } = this;
    const ended = over(poll);
    const own = mine.get(id) ?? [];
    const users = open.get(id);
    const most = Math.max(...poll.choices.map(({ votes }) => votes));
    this.element.classList.toggle("polls-over", ended);
    this.element.classList.toggle("polls-several", poll.several);
    this.choices.forEach(({ box, button, count, names }, at) => {
      const { text, votes } = poll.choices[at];
      const percent = poll.voters ? Math.round((votes / poll.voters) * 100) : 0;
      button.style.setProperty("--share", `${percent}%`);
      button.setAttribute("aria-pressed", String(own.includes(at)));
      button.setAttribute("aria-disabled", String(ended || !chat.may("polls.vote", room)));
      button.setAttribute("aria-label", chat.t("polls.choice", { text, count: votes, percent }));
      box.classList.toggle("polls-most", ended && votes > 0 && votes === most);
      count.textContent = votes ? `${percent}% · ${votes}` : "";
      names.hidden = !users;
      names.textContent = users?.[at]?.length ? users[at].map((user) => user.display_name || user.name).join(", ") : chat.t("polls.noVotes");
    });
    this.who.textContent = chat.t(users ? "polls.hide" : "polls.who");
    this.who.setAttribute("aria-expanded", String(Boolean(users)));
    const said = [chat.t("polls.voters", { count: poll.voters }), ...(poll.several ? [chat.t("polls.several")] : []), ...(poll.anonymous ? [chat.t("polls.anonymous")] : []),
      ...(ended ? [chat.t("polls.closed")] : poll.closes === null ? [] : [chat.t("polls.closes", { when: when(poll.closes * 1000) })])];
    this.note.textContent = said.join(" · ");
  }

  /** @param {number} at */
  press(at) {
    const { cards, poll, message: { message_id: id, room } } = this;
    if (over(poll) || !cards.chat.may("polls.vote", room)) return;
    const own = cards.mine.get(id) ?? [];
    const others = poll.several ? own.filter((one) => one !== at) : [];
    void cards.vote(id, own.includes(at) ? others : [...others, at].sort((one, other) => one - other));
  }

  stop() {
    clearTimeout(this.timer);
  }
}

/** A time as people say it: with the day where it isn't within a day. @param {number} ms */
function when(ms) {
  const far = ms - Date.now() > DAY_MS;
  return new Date(ms).toLocaleString(document.documentElement.lang, far ? { dateStyle: "medium", timeStyle: "short" } : { timeStyle: "short" });
}

/** @template {keyof HTMLElementTagNameMap} K @param {K} tag @param {string} className @returns {HTMLElementTagNameMap[K]} */
function node(tag, className) {
  return Object.assign(document.createElement(tag), { className });
}
