// Shows the result of a payment as soon as it is known.
const PAUSES_MS = [1000, 1000, 2000, 2000, 3000, 5000, 8000, 13000, 21000, 34000];

const pausing = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const shown = document.querySelector("[data-shared]").dataset.shared;

for (const pause of PAUSES_MS) {
  await pausing(pause);
  const answer = await fetch("/api/shared-invoice", { cache: "no-store", headers: { "x-live": "1" } }).catch(() => null);
  const status = answer?.ok ? (await answer.json()).status : null;
  if (answer?.status === 401 || (status && status !== shown)) {
    location.reload();
    break;
  }
}
