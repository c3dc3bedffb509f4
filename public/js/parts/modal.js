const PHONE = "(max-width: 43.6875em)";

/** Open a modal dialog. @param {HTMLDialogElement} dialog */
export function openModal(dialog) {
  dialog.showModal();
  lieOver(dialog, () => dialog.close(), "close");
}

/** Menus, cards and pickers, those of plugins too, lie over the page like dialogs. */
export function coverByPopovers() {
  document.addEventListener("beforetoggle", (event) => {
    const { target, newState } = /** @type {ToggleEvent} */ (event);
    if (newState !== "open" || !(target instanceof HTMLElement) || !target.popover) return;
    lieOver(target, () => target.hidePopover(), "toggle");
  }, true);
}

/**
 * Going elsewhere closes what lies over the page; on a phone Back closes it and nothing else, by an entry of its own in
 * the history.
 * @param {HTMLElement} node @param {() => void} close @param {"close"|"toggle"} closed the event that says it is closed
 */
function lieOver(node, close, closed) {
  const { hash } = location;
  const layer = window.matchMedia(PHONE).matches ? String(Math.random()) : "";
  const gone = new AbortController();
  const { signal } = gone;
  node.dataset.layer = layer;
  if (layer) history.pushState({ layer }, "");
  for (const event of ["hashchange", "popstate"]) {
    window.addEventListener(event, () => (location.hash !== hash || (layer && history.state?.layer !== layer)) && close(), { signal });
  }
  node.addEventListener(closed, (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") return;
    gone.abort();
    // Not if another place, or another layer, has come in between.
    if (layer && history.state?.layer === layer) history.back();
  }, { signal });
}

/** Pass over what is closed by now and has left an entry in the history. */
export function skipClosed() {
  window.addEventListener("popstate", () => {
    const layer = history.state?.layer;
    if (layer && !document.querySelector(`:is(dialog[open], :popover-open)[data-layer="${layer}"]`)) history.back();
  });
}
