/**
 * Call into a plugin: what it throws, or its promise is rejected with, is logged with the plugin's name.
 * @template R
 * @param {string} plugin @param {() => R} run
 * @returns {R|undefined}
 */
export function guarded(plugin, run) {
  try {
    const result = run();
    if (result instanceof Promise) result.catch((error) => report(plugin, error));
    return result;
  } catch (error) {
    report(plugin, error);
    return undefined;
  }
}

/** @param {string} plugin @param {unknown} error */
export function report(plugin, error) {
  console.error(`Plugin "${plugin}":`, error);
}

/** Say what a plugin's author did wrong, and the remedy. @param {string} plugin @param {string} what @returns {() => void} undoes nothing */
export function complain(plugin, what) {
  console.error(`Plugin "${plugin}": ${what}.`);
  return () => {};
}
