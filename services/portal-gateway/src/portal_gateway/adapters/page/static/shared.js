// Shows the result of a payment as soon as it is known, and opens the confirmation when the payer's bank wants one.
const PAUSES_MS = [1000, 1000, 2000, 2000, 3000, 5000, 8000, 13000, 21000, 34000];

const pausing = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const { shared: shown, waits } = document.querySelector("[data-shared]").dataset;

for (const pause of PAUSES_MS) {
  await pausing(pause);
  const answer = await fetch("/api/shared-invoice", { cache: "no-store", headers: { "x-live": "1" } }).catch(() => null);
  const state = answer?.ok ? await answer.json() : null;
  if (state?.authenticate_until && waits === undefined) {
    location.assign("/shared-invoice/confirmation");
    break;
  }
  if (answer?.status === 401 || (state && (state.status !== shown || (waits !== undefined && !state.authenticate_until)))) {
    location.reload();
    break;
  }
}
