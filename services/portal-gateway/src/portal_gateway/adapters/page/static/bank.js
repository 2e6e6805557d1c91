// The sheet in which a customer confirms a payment at their bank. The card frame shows the bank's question.
import { ended } from "./panes.js";
import { FramedSheet } from "./sheet.js";
import { minutesOf } from "./words.js";

const ANSWER_MS = 10000;
const DONE_MS = 20000;

// Handles the frame's messages. None of them reports the outcome: it comes from the portal's own page.
const OPEN = { ready: "ready", height: "resize", challenge: "challenge", done: "done", close: "close", error: "erred" };
const HEARD = {
  opening: OPEN,
  typing: OPEN,
  challenging: { ready: "ready", height: "resize", challenge: "challenge", error: "erred" },
  answered: OPEN,
};

/** Whether the next sheet shows what has changed, so that it waits for a click. */
let changed = false;

function start(root) {
  const sheet = root.querySelector("[data-bank]");
  if (sheet && !sheet.dataset.started) {
    sheet.dataset.started = "yes";
    new BankSheet(sheet).start();
  }
}

class BankSheet extends FramedSheet {
  constructor(sheet) {
    super(sheet, HEARD);
    /** Of this confirmation: a repeated request begins no second charge. */
    this.key = crypto.randomUUID();
    /** The page of an invoice link, which shows the status of its payment in every case. */
    this.shared = "shared" in sheet.dataset;
  }

  start() {
    this.sheet.querySelector("[data-confirm]").addEventListener("click", () => {
      this.sheet.querySelector("#sheet-title").focus();
      this.begin();
    });
    if ("begins" in this.sheet.dataset && !changed) this.begin();
    changed = false;
  }

  async begin() {
    this.state = "opening";
    this.show({ wait: true });
    const answer = await this.request().catch(() => null);
    if (!this.sheet.isConnected) return;
    if (answer?.status === 401 && !this.shared) return ended();
    if (answer?.status === 401 || (this.shared && [404, 409].includes(answer?.status))) return this.leave(this.sheet.dataset.result);
    if (answer?.status === 409) {
      changed = true;
      return this.leave(this.sheet.dataset.result);
    }
    if (answer?.status === 429) return this.fail("tooMany", { again: false, sentence: minutesOf(this.words.tooMany, answer.retryAfter) });
    if (!answer?.ok) return this.fail("unavailable");
    const { setup_id: setup, frame_url: url, aggregate, version } = answer.content;
    this.begun = aggregate && `${aggregate}:${version}`;
    if (!this.load(url, setup)) this.fail("unavailable");
  }

  async request() {
    const headers = { "content-type": "application/json", "x-csrf-token": document.body.dataset.csrf, "idempotency-key": this.key };
    const answer = await fetch(this.sheet.dataset.begin, {
      method: "POST", headers, body: this.sheet.dataset.shown, signal: AbortSignal.timeout(ANSWER_MS),
    });
    const content = await answer.json().catch(() => ({}));
    return { ok: answer.ok, status: answer.status, content, retryAfter: Number(answer.headers.get("retry-after")) || 60 };
  }

  challenge({ on }) {
    this.ask(on, "answered", DONE_MS);
  }

  done() {
    this.atRest();
    const url = new URL(this.sheet.dataset.result, location.href);
    if (this.begun) url.searchParams.set("after", this.begun);
    this.leave(url.pathname + url.search);
  }

  /** Shows another sheet in the place of this one. */
  leave(url) {
    if (!this.sheet.closest("dialog")) return location.assign(url);
    const target = this.sheet.closest("[data-slot]");
    return window.htmx.ajax("GET", url, { source: this.sheet, target, select: "#sheet", swap: "innerHTML" });
  }

  /** Another attempt is another request; an unanswered one may have begun the charge. */
  fail(code, options) {
    if (code !== "unavailable") this.key = crypto.randomUUID();
    super.fail(code, options);
  }
}

document.addEventListener("htmx:afterSwap", (event) => start(event.detail.target));
start(document);
