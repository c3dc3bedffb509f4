/** Draws messages of the kind `tally:poll` as buttons with counts. */

const TEXTS = {
  en: { "tally.votes": { one: "{count} vote", other: "{count} votes" }, "tally.closed": "This poll is closed." },
  "zh-Hant": { "tally.votes": "{count} 票", "tally.closed": "投票已結束。" },
  "zh-Hans": { "tally.votes": "{count} 票", "tally.closed": "投票已结束。" },
};

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);

  /** What is on the screen, by poll: the newest drawing of each. @type {Map<string, Poll>} */
  const polls = new Map();

  chat.addRenderer("tally:poll", (message) => {
    const poll = new Poll(chat, message);
    polls.set(message.message_id, poll);
    poll.refresh();
    return poll.element;
  });
  chat.on("tally:voted", (event) => polls.get(event.poll)?.refresh());
  chat.on("tally:closed", (event) => polls.get(event.poll)?.show(event.counts, true));
}

class Poll {
  constructor(chat, message) {
    this.chat = chat;
    this.id = message.message_id;
    const [question, ...choices] = message.content.split("\n");
    this.element = document.createElement("div");
    this.element.className = "tally-poll";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", question);
    this.element.append(paragraph(question));
    this.buttons = choices.map((choice, index) => this.button(choice.replace(/^• /, ""), index));
    this.element.append(...this.buttons);
    this.note = paragraph("");
    this.element.append(this.note);
  }

  button(choice, index) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(span(choice), span(""));
    button.addEventListener("click", () => this.vote(index));
    return button;
  }

  async vote(index) {
    try {
      const { counts } = await this.chat.request("tally:vote", { poll: this.id, choice: index });
      this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
      this.show(counts, false);
    } catch (error) {
      this.note.textContent = error.message;
    }
  }

  async refresh() {
    const response = await fetch(`/plugins/tally/results/${this.id}`);
    if (!response.ok) return;
    const { counts, closed } = await response.json();
    this.show(counts, closed);
  }

  show(counts, closed) {
    this.buttons.forEach((button, index) => {
      button.lastChild.textContent = this.chat.t("tally.votes", { count: counts[index] });
      button.disabled = closed;
    });
    this.note.textContent = closed ? this.chat.t("tally.closed") : "";
  }
}

function paragraph(text) {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

function span(text) {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}
