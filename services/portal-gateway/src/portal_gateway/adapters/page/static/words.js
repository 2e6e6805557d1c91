// Sentences with a count, one for each plural category of the page's language.

const categories = new Intl.PluralRules(document.documentElement.lang);

/** `counted('{"one": "%(count)d minuto", "other": "%(count)d minutos"}', 3)`: "3 minutos" */
export function counted(sentences, count) {
  const known = JSON.parse(sentences);
  return (known[categories.select(count)] ?? known.other).replace("%(count)d", String(count));
}

/** "5 minutos" of a Retry-After in seconds; at least one. */
export function minutesOf(sentences, seconds) {
  return counted(sentences, Math.max(1, Math.ceil(seconds / 60)));
}
