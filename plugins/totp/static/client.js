/** The second step in the settings: switching it on with an app, and off. Asking for the code at sign-in is the page's own. */

const TEXTS = {
  en: { "totp.title": "Second step", "totp.hint": "After your password, a code of an app on your phone is asked for: the password alone lets no one in.",
    "totp.begin": "Set it up", "totp.scan": "Scan this with an authenticator app, or type the key into it. Then enter the code that it shows.", "totp.key": "Key", "totp.code": "Code", "totp.on": "Switch it on",
    "totp.isOn": "It is on.", "totp.left": { one: "{count} recovery code is left.", other: "{count} recovery codes are left." }, "totp.off": "Switch it off", "totp.offHint": "A code of the app, or a recovery code",
    "totp.recovery": "It is on. Keep these recovery codes in a safe place: each lets you in once, without the app. They are not shown again." },
  "zh-Hant": { "totp.title": "第二步驟", "totp.hint": "輸入密碼後，還要輸入手機應用程式上的驗證碼。只有密碼是進不來的。", "totp.begin": "開始設定", "totp.scan": "用驗證器應用程式掃描，或輸入金鑰，然後輸入它顯示的驗證碼。", "totp.key": "金鑰", "totp.code": "驗證碼", "totp.on": "啟用",
    "totp.isOn": "已啟用。", "totp.left": "還有 {count} 個復原碼。", "totp.off": "停用", "totp.offHint": "應用程式的驗證碼，或復原碼", "totp.recovery": "已啟用。請妥善保管這些復原碼：每個可在沒有應用程式時使用一次，之後不再顯示。" },
  "zh-Hans": { "totp.title": "第二步骤", "totp.hint": "输入密码后，还要输入手机应用上的验证码。只有密码是进不来的。", "totp.begin": "开始设置", "totp.scan": "用验证器应用扫描，或输入密钥，然后输入它显示的验证码。", "totp.key": "密钥", "totp.code": "验证码", "totp.on": "启用",
    "totp.isOn": "已启用。", "totp.left": "还有 {count} 个恢复码。", "totp.off": "停用", "totp.offHint": "应用的验证码，或恢复码", "totp.recovery": "已启用。请妥善保管这些恢复码：每个可在没有应用时使用一次，之后不再显示。" },
};

/** @param {any} chat */
export function activate(chat) {
  for (const [language, texts] of Object.entries(TEXTS)) chat.addMessages(language, texts);
  if (!chat.settings.may) return;
  chat.addSlot("settings", () => page(chat), { title: () => chat.t("totp.title") });
}

/** @param {string} tag @param {Record<string, any>} props @param {...(Node|string)} children */
function make(tag, props, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
}

/** @param {any} chat */
function page(chat) {
  const root = make("div", { className: "totp" });
  const show = (/** @type {(Node|string)[]} */ ...nodes) => root.replaceChildren(...nodes);
  const hint = (/** @type {string} */ text) => make("p", { className: "hint" }, text);

  /** A field for a code, and what is done with it. @param {string} label @param {string} action @param {string} kind @param {(code: string) => Promise<unknown>} send */
  function codeForm(label, action, kind, send) {
    const id = `totp-${Math.random().toString(36).slice(2, 8)}`;
    const input = make("input", { id, autocomplete: "one-time-code", inputMode: "text", maxLength: 64, required: true });
    const error = make("p", { className: "form-error" });
    error.setAttribute("role", "alert");
    const form = make("form", { className: "form", noValidate: true }, make("div", { className: "field" }, make("label", { htmlFor: id }, label), input), error,
      make("div", {}, make("button", { type: "submit", className: `button ${kind}` }, action)));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await send(/** @type {HTMLInputElement} */ (input).value);
      } catch (/** @type {any} */ refusal) {
        error.textContent = refusal.message;
        input.setAttribute("aria-invalid", "true");
        input.focus();
      }
    });
    return form;
  }

  async function draw() {
    const state = await chat.request("totp:state", {});
    if (!state.on) {
      const button = make("button", { type: "button", className: "button primary" }, chat.t("totp.begin"));
      button.addEventListener("click", () => begin().catch((error) => chat.toast(error.message)));
      return show(hint(chat.t("totp.hint")), button);
    }
    show(make("p", {}, chat.t("totp.isOn")), hint(chat.t("totp.left", { count: state.recovery })),
      codeForm(chat.t("totp.offHint"), chat.t("totp.off"), "danger", async (code) => {
        await chat.request("totp:off", { code });
        await draw();
      }));
  }

  async function begin() {
    const { secret, picture } = await chat.request("totp:begin", {});
    show(hint(chat.t("totp.scan")), make("img", { className: "totp-picture", src: picture, alt: "" }),
      make("p", { className: "hint" }, `${chat.t("totp.key")}: `, make("code", {}, secret.replace(/(.{4})/g, "$1 ").trim())),
      codeForm(chat.t("totp.code"), chat.t("totp.on"), "primary", async (code) => {
        const { recovery } = await chat.request("totp:confirm", { code });
        show(make("p", {}, chat.t("totp.recovery")), make("ul", { className: "totp-codes" }, ...recovery.map((/** @type {string} */ one) => make("li", {}, make("code", {}, one)))));
      }));
    /** @type {HTMLElement|null} */ (root.querySelector("input"))?.focus();
  }

  draw().catch((error) => show(hint(error.message)));
  return root;
}
