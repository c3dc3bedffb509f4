import { parseRoute } from "./router.js";

/**
 * The one way for HTML into the page. The server has rendered and sanitised it; what could still act is taken out
 * here once more, so that a mistake there is not a hole here.
 */

/** @typedef {{createHTML(html: string): any}} Policy */

/** @type {Policy} */
const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("chat-html", {
  createHTML: (/** @type {string} */ html) => html,
}) ?? { createHTML: (/** @type {string} */ html) => html };

const FORBIDDEN = "script,style,link,meta,base,iframe,object,embed,form,input,button,textarea,select,svg,annotation-xml,template";
const ADDRESSES = ["href", "src", "action", "formaction", "xlink:href", "srcset"];
const SAFE_ADDRESS = /^(?:https?:|mailto:|\/|#)/i;

/** Replace what is in `element` by a message's HTML. @param {Element} element @param {string} html */
export function setHtml(element, html) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  for (const node of template.content.querySelectorAll("*")) clean(node);
  element.replaceChildren(template.content);
}

/** @param {Element} node */
function clean(node) {
  if (node.matches(FORBIDDEN)) return node.remove();
  for (const { name, value } of [...node.attributes]) {
    const wrong = name.startsWith("on") || name === "style" || name === "id" ||
      (ADDRESSES.includes(name) && !SAFE_ADDRESS.test(value.trim()));
    if (wrong) node.removeAttribute(name);
  }
  if (node instanceof HTMLAnchorElement) direct(node);
  if (node instanceof HTMLImageElement) node.loading = "lazy";
}

/** A link into this client goes there; any other opens elsewhere. @param {HTMLAnchorElement} link */
function direct(link) {
  const { origin, pathname, search, hash } = new URL(link.getAttribute("href") ?? "", location.href);
  if (origin === location.origin && pathname === location.pathname && search === "" && parseRoute(hash).room !== null) {
    link.removeAttribute("target");
    link.setAttribute("href", hash);
  } else {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
}
