// Shows the progress of a long download: the browser cannot, because the size of a streamed file is unknown.
import { ended, say } from "./panes.js";

const PAUSE_MS = 1500;
const SILENCES = 4;
const line = document.getElementById("downloading");
let latest = 0;

document.addEventListener("click", (event) => {
  if (line && event.target.closest("[data-download]")) follow();
});

/** Shows and announces the progress until the end. A later click replaces an earlier one. */
async function follow() {
  latest += 1;
  const mine = latest;
  let quarter = 0;
  let silences = 0;
  let running = false;
  show(line.dataset.begun);
  say(line.dataset.begun);
  while (silences < SILENCES) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (mine !== latest) return;
    const answer = await fetch("/api/invoices/export/progress", { cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) return ended();
    const progress = answer?.ok ? (await answer.json()).progress : null;
    if (progress) {
      running = true;
      show(progress.text);
      const reached = Math.floor((4 * progress.done) / progress.total);
      if (reached > quarter) say(progress.text);
      quarter = reached;
      silences = 0;
    } else if (running && answer?.ok) {
      break;
    } else {
      silences += 1;
    }
  }
  show(line.dataset.over);
  say(line.dataset.over);
}

function show(sentence) {
  line.textContent = sentence;
  line.hidden = false;
}
