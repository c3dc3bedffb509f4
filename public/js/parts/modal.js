const PHONE = "(max-width: 43.6875em)";

/**
 * Open a modal dialog. Going elsewhere closes it; on a phone Back closes it and nothing else, by an entry of its own
 * in the history.
 * @param {HTMLDialogElement} dialog
 */
export function openModal(dialog) {
  const { hash } = location;
  const layer = window.matchMedia(PHONE).matches ? String(Math.random()) : "";
  const leave = () => (location.hash !== hash || (layer && history.state?.layer !== layer)) && dialog.close();
  dialog.dataset.layer = layer;
  dialog.showModal();
  if (layer) history.pushState({ layer }, "");
  for (const event of ["hashchange", "popstate"]) window.addEventListener(event, leave);
  dialog.addEventListener("close", () => {
    for (const event of ["hashchange", "popstate"]) window.removeEventListener(event, leave);
    // Not if another place, or another dialog, has come in between.
    if (layer && history.state?.layer === layer) history.back();
  }, { once: true });
}

/** Pass over what dialogs that are closed by now have left in the history. */
export function skipClosed() {
  window.addEventListener("popstate", () => {
    const layer = history.state?.layer;
    if (layer && !document.querySelector(`dialog[open][data-layer="${layer}"]`)) history.back();
  });
}
