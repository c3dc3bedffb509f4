/**
 * Keep the page above the keyboard of a phone. Some browsers make the page smaller by themselves (`interactive-widget`); others
 * lay the keyboard over it, and only tell by the visual viewport.
 */
export function leaveKeyboardSpace() {
  const view = window.visualViewport;
  if (!view) return;
  const root = document.documentElement;
  const measure = () => {
    // A user who has zoomed in sees a part of the page, and that is no keyboard.
    const covered = view.scale > 1.01 ? 0 : Math.max(0, root.clientHeight - view.height);
    root.style.setProperty("--keyboard", `${Math.round(covered)}px`);
    root.toggleAttribute("data-keyboard", covered > 0);
    // Such browsers scroll the page to the field, and its top out of sight.
    if (covered > 0 && window.scrollY > 0) window.scrollTo(0, 0);
  };
  view.addEventListener("resize", measure);
  view.addEventListener("scroll", measure);
  measure();
}
