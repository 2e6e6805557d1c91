// Reads the card fields: whatever has one possible reading. payments/domain/entry.py does the same; one table of cases holds for both.
"use strict";
(() => {
  const LONGEST_VALIDITY_YEARS = 20;

  // Of ten decimal digits in a row of their script; none when the character is no digit.
  function digit(character) {
    const isDigit = (point) => /^\p{Nd}$/u.test(String.fromCodePoint(point));
    const point = character.codePointAt(0);
    let value = 0;
    while (value < 9 && isDigit(point - value - 1)) value += 1;
    return isDigit(point) ? String(value) : "";
  }

  /** Groups of ASCII digits, apart by anything but a letter; null when there is a letter. What cannot be seen counts for nothing. */
  function groups(text) {
    const plain = text.normalize("NFKC").replace(/[\p{Cf}\p{M}]/gu, "");
    if (/\p{L}/u.test(plain)) return null;
    return Array.from(plain, (character) => digit(character) || " ").join("").split(" ").filter(Boolean);
  }

  /** All digits in the text; the text itself when there is a letter. */
  function digits(text) {
    const found = groups(text);
    return found ? found.join("") : text.trim();
  }

  function expiry(text, month) {
    let found = groups(text);
    if (!found) return null;
    if (found.length > 1 && found.every((group) => group.length === 1)) found = [found.join("")];
    const thisYear = Number(month.slice(0, 4));
    const valid = ([m, y]) => Number(m) >= 1 && Number(m) <= 12 && Number(y) >= 1000;
    const plausible = ([m, y]) => valid([m, y]) && Number(y) >= thisYear && Number(y) <= thisYear + LONGEST_VALIDITY_YEARS;
    const [first, then] = readings(found);
    const read = first && valid(first) ? first : then && plausible(then) ? then : null;
    return read && `${read[1]}-${read[0].padStart(2, "0")}`;
  }

  // [month, year] as it is usually written, and as it could be meant when that is none.
  function readings(found) {
    const [a, b, c] = found;
    const century = (year) => `20${year}`;
    if (found.length === 1) {
      const split = (at) => [a.slice(0, at), a.slice(at)];
      if (a.length === 3) return [[a[0], century(a.slice(1))]];
      if (a.length === 4) return [[split(2)[0], century(split(2)[1])], [split(2)[1], century(split(2)[0])]];
      if (a.length === 5 || a.length === 6) return [split(a.length - 4), [a.slice(4), a.slice(0, 4)]];
    }
    if (found.length === 2) {
      if (a.length === 4 && b.length <= 2) return [[b, a]];
      if (b.length === 4 && a.length <= 2) return [[a, b]];
      if (a.length <= 2 && b.length <= 2) {
        return [b.length === 2 ? [a, century(b)] : null, a.length === 2 ? [b, century(a)] : null];
      }
    }
    if (found.length === 3) return [dated(a, b, c)];
    return [];
  }

  // Of a whole date, when the order of day and month is known.
  function dated(a, b, c) {
    const isDay = (day) => day.length <= 2 && Number(day) >= 1 && Number(day) <= 31;
    if (a.length === 4 && b.length <= 2 && isDay(c)) return [b, a];
    if (c.length !== 4 || !isDay(a) || !isDay(b)) return null;
    const months = new Set([Number(a), Number(b)].filter((value) => value <= 12));
    return months.size === 1 ? [String([...months][0]), c] : null;
  }

  /** The brand of a number or of its beginning; empty while several are possible, "other" if the page has no mark for it. */
  function brand(text) {
    const found = Object.entries({ visa: /^4/, amex: /^3[47]/, mastercard: /^(5[1-5]|2[2-7])/ }).find(([, begins]) => begins.test(text));
    return found ? found[0] : text.length < 2 ? "" : "other";
  }

  globalThis.cardFields = { brand, digits, expiry };
})();
