export function activate(chat) {
  chat.addSlot("message-footer", ({ message, extras }) => {
    if (!extras.chores) return null;
    const { by } = extras.chores;
    const node = document.createElement(by ? "p" : "button");
    node.textContent = by ? `${by} does it` : "I do it";
    const take = () => chat.request("chores:take", { message_id: message.message_id });
    if (!by) node.addEventListener("click", () => take().catch((error) => (node.textContent = error.message)));
    return node;
  });
}
