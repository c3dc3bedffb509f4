/** A small publisher: parts listen to topics, the owner of the state emits them. */
export class Emitter {
  constructor() {
    /** @type {Map<string, Set<(detail: any) => void>>} */
    this.listeners = new Map();
  }

  /**
   * @param {string} topic
   * @param {(detail: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(topic, listener) {
    const set = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, set.add(listener));
    return () => set.delete(listener);
  }

  /**
   * One listener that fails must not keep the others from hearing: its error is thrown afterwards, on its own.
   * @param {string} topic
   * @param {any} [detail]
   */
  emit(topic, detail) {
    for (const listener of [...(this.listeners.get(topic) ?? [])]) {
      try {
        listener(detail);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
