/** Dates, times and sizes as people write them, in one language and the local time zone. */
export class Format {
  /** @param {string} lang @param {readonly string[]} [regions] what the browser asks for: BCP 47 tags, best first */
  constructor(lang, regions = []) {
    this.lang = lang;
    const { locale, hourCycle } = regional(lang, regions);
    this.timeOf = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", hourCycle });
    this.exactOf = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium", hourCycle });
    this.dayOf = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
    this.momentOf = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", hourCycle });
    this.oldDayOf = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });
    this.relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
    this.listOf = new Intl.ListFormat(lang, { type: "conjunction" });
  }

  /** @param {string} ts ISO 8601 */
  time(ts) {
    return this.timeOf.format(new Date(ts));
  }

  /** @param {string} ts */
  exact(ts) {
    return this.exactOf.format(new Date(ts));
  }

  /** "today", "yesterday", or the date. @param {string} ts @param {Date} [now] */
  day(ts, now = new Date()) {
    const date = new Date(ts);
    const days = Math.round((midnight(date) - midnight(now)) / 86_400_000);
    if (days === 0 || days === -1) {
      const text = this.relative.format(days, "day");
      return text.charAt(0).toLocaleUpperCase(this.lang) + text.slice(1);
    }
    return (date.getFullYear() === now.getFullYear() ? this.dayOf : this.oldDayOf).format(date);
  }

  /** The time, and the day unless it is today. @param {string} ts @param {Date} [now] */
  moment(ts, now = new Date()) {
    const date = new Date(ts);
    return midnight(date) === midnight(now) ? this.time(ts) : this.momentOf.format(date);
  }

  /** @param {string[]} items */
  list(items) {
    return this.listOf.format(items);
  }

  /** @param {number} count */
  number(count) {
    return new Intl.NumberFormat(this.lang).format(count);
  }

  /** @param {number} bytes */
  size(bytes) {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
    const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
    const value = bytes / 1000 ** step;
    const digits = step === 0 || value >= 100 ? 0 : 1;
    return new Intl.NumberFormat(this.lang, {
      style: "unit", unit: units[step], unitDisplay: step === 0 ? "long" : "short", maximumFractionDigits: digits,
    }).format(value);
  }
}

/**
 * How a language is written where the user lives: their own variant of it, and in any case the clock of their region.
 * @param {string} lang @param {readonly string[]} regions
 */
function regional(lang, regions) {
  const kind = (/** @type {string} */ tag) => {
    const { language, script } = new Intl.Locale(tag).maximize();
    return `${language}-${script}`;
  };
  const own = regions.find((tag) => kind(tag) === kind(lang));
  const { hourCycle } = new Intl.DateTimeFormat(regions[0] ?? lang, { hour: "numeric" }).resolvedOptions();
  return { locale: own ?? lang, hourCycle };
}

/** The local day of a time, for comparing. @param {string} ts */
export function localDay(ts) {
  const date = new Date(ts);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** @param {Date} date */
function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
