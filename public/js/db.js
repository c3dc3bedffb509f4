/** @typedef {import("./outbox.js").Entry} Entry */

const NAME = "chat";
const STORE = "outbox";

/** Where the outbox keeps its entries, in IndexedDB: a `Shelf`. */
export class IndexedShelf {
  constructor() {
    /** @type {Promise<IDBDatabase>|null} */
    this.opening = null;
  }

  open() {
    this.opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(STORE, { keyPath: "nonce" }).createIndex("user", "user");
      };
      request.onsuccess = () => resolve(this.opened(request.result));
      request.onerror = () => {
        this.opening = null;
        reject(request.error);
      };
    });
    return this.opening;
  }

  /** What the browser closes, or a user empties, is opened anew with the next entry. @param {IDBDatabase} db */
  opened(db) {
    db.onversionchange = () => {
      db.close();
      this.opening = null;
    };
    db.onclose = () => { this.opening = null; };
    return db;
  }

  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>} work
   * @returns {Promise<T>}
   */
  async run(mode, work) {
    const db = await this.open();
    return new Promise((resolve, reject) => {
      const request = work(db.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  /** @param {string} user @returns {Promise<Entry[]>} */
  load(user) {
    return this.run("readonly", (store) => store.index("user").getAll(user));
  }

  /** @param {Entry} entry */
  put(entry) {
    return this.run("readwrite", (store) => store.put(entry));
  }

  /** @param {string} nonce */
  remove(nonce) {
    return this.run("readwrite", (store) => store.delete(nonce));
  }
}
