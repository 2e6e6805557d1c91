// Card entry: the portal's side of the talk with the card frame, which owns the fields. No card number ever comes here.
import { isMessage } from "./frame.js";
import { ended, refresh } from "./panes.js";
import { minutesOf } from "./words.js";

const READY_MS = 8000;
const TOKEN_MS = 20000;
const ANSWER_MS = 10000;
const AGAIN_MS = [2000, 4000, 8000, 16000, 30000];
const POLL_MS = [700, 1500, 3000, 5000, 8000, 13000];

// What is heard of the frame, and what it leads to: a token only once after each time that the customer confirms.
const HEARD = {
  opening: { ready: "ready", height: "resize", close: "close", error: "erred" },
  typing: { ready: "ready", height: "resize", submitting: "submitting", close: "close", error: "erred" },
  submitting: { ready: "ready", height: "resize", token: "save", error: "erred" },
  saving: { ready: "doubt", height: "resize" },
};

const pausing = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function start(root) {
  const sheet = root.querySelector("[data-card]");
  if (sheet && !sheet.dataset.started) {
    sheet.dataset.started = "yes";
    new CardEntry(sheet).open();
  }
}

async function call(method, path, body, key = null) {
  const headers = { "content-type": "application/json", "x-csrf-token": document.body.dataset.csrf };
  if (key) headers["idempotency-key"] = key;
  const answer = await fetch(path, { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) });
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401) ended();
  if (told.code === "session_changed") location.replace("/?said=session_changed");
  return { ok: answer.ok, status: answer.status, told, retryAfter: Number(answer.headers.get("retry-after")) || 60 };
}

/** What has become of an invoice; null when nobody answers. */
async function statusOf(invoice) {
  const answer = await fetch(`/api/invoices/${invoice}`, { cache: "no-store" }).catch(() => null);
  return answer?.ok ? (await answer.json()).status : null;
}

class CardEntry {
  constructor(sheet) {
    this.sheet = sheet;
    this.origin = sheet.dataset.cardsOrigin;
    this.words = sheet.querySelector("[data-words]").dataset;
    this.holder = sheet.querySelector("[data-frame]");
    this.back = sheet.querySelector("[data-fallback] [data-close]");
    this.heard = (event) => this.hear(event);
    addEventListener("message", this.heard);
    sheet.querySelector("[data-retry]").addEventListener("click", () => {
      sheet.querySelector("#sheet-title").focus();
      this.open();
    });
  }

  async open() {
    this.state = "opening";
    this.show({ wait: true });
    const answer = await call("POST", "/api/payment-method/setup", {}).catch(() => null);
    if (!this.sheet.isConnected) return;
    if (answer?.status === 429) return this.fail(minutesOf(this.words.tooMany, answer.retryAfter));
    if (!answer?.ok) return this.fail(this.words.unavailable);
    const { setup_id: id, frame_url: url, due, total } = answer.told;
    if (new URL(url).origin !== this.origin) return this.fail(this.words.unavailable);
    this.setup = id;
    this.list(due, total);
    this.frame = Object.assign(document.createElement("iframe"), { src: url, title: this.holder.dataset.title });
    this.frame.tabIndex = 0;
    this.holder.append(this.frame);
    this.timer = setTimeout(() => this.fail(this.words.noAnswer), READY_MS);
  }

  list(due, total) {
    this.due = due ?? [];
    const section = this.sheet.querySelector("[data-due]");
    section.hidden = this.due.length === 0;
    const lines = this.due.map((line) => pair(this.named(line), line.amount.text));
    if (this.due.length > 1 && total) {
      const sum = pair(this.words.total, total.text);
      sum.className = "sum";
      lines.push(sum);
    }
    section.querySelector("dl").replaceChildren(...lines);
  }

  /** `TS-000014 · 14 may 2023`, when its row is on the page. */
  named(line) {
    const date = document.querySelector(`[data-invoice="${CSS.escape(line.invoice_id)}"] .date`);
    return date ? `${line.number} · ${date.textContent}` : line.number;
  }

  hear(event) {
    if (!this.sheet.isConnected) return removeEventListener("message", this.heard);
    if (!this.frame || event.origin !== this.origin || event.source !== this.frame.contentWindow) return undefined;
    if (!isMessage(event.data, this.setup)) return undefined;
    const act = HEARD[this.state][event.data.type];
    return act ? this[act](event.data) : undefined;
  }

  tell(type, more) {
    this.frame?.contentWindow?.postMessage({ v: 1, setup_id: this.setup, type, ...more }, this.origin);
  }

  ready() {
    this.atRest();
    this.show({});
    this.frame.focus();
    this.tell("focus");
  }

  resize({ height }) {
    this.frame.height = String(height);
  }

  submitting() {
    this.state = "submitting";
    this.sheet.dataset.busy = "yes";
    this.say(this.words.saving);
    this.timer = setTimeout(() => this.fail(this.words.noAnswer), TOKEN_MS);
  }

  erred({ code }) {
    this.atRest();
    if (code === "gone" || code === "setup_gone") this.fail(this.words.expired);
  }

  /** Nothing is under way: the dialog may be closed. */
  atRest() {
    clearTimeout(this.timer);
    this.state = "typing";
    delete this.sheet.dataset.busy;
  }

  close() {
    const dialog = this.sheet.closest("dialog");
    if (dialog) dialog.close();
    else location.assign(this.back.dataset.close);
  }

  async save({ token }) {
    clearTimeout(this.timer);
    this.state = "saving";
    const answer = await this.outcome({
      setup_id: this.setup, token, charge_invoices: this.due.map((line) => line.invoice_id),
    });
    if (answer?.ok) return this.saved(answer.told);
    if (!answer) return this.fail(this.words.unknown, { again: false });
    if (!this.frame) return this.fail(this.words.notSaved);
    if (answer.status === 404) return this.fail(this.words.expired);
    const { code, due, total } = answer.told;
    if (code === "due_changed") this.list(due, total);
    this.atRest();
    const known = answer.status === 429 ? "too_many_declines" : code ?? "failed";
    return this.tell("result", { ok: false, code: known, retry_after: answer.retryAfter });
  }

  /** The answer to a confirmation. While nobody can say it, the same is asked again under the same key, which can do
      nothing twice; null when it never became known, or nobody waits for it any more. */
  async outcome(confirmation) {
    const key = crypto.randomUUID();
    for (const pause of [0, ...AGAIN_MS]) {
      if (pause) {
        this.doubt();
        await pausing(pause);
        if (!this.sheet.isConnected) return null;
      }
      const answer = await call("PUT", "/api/payment-method", confirmation, key).catch(() => null);
      // Only of the first does "nothing was changed" tell: an earlier one may have got through.
      if (answer && (answer.status < 500 || (answer.status === 503 && !pause))) return answer;
    }
    return null;
  }

  doubt() {
    if (this.frame) this.fail(this.words.asking, { again: false });
  }

  async saved({ aggregate, version, payment_method: card, charges }) {
    this.tell("result", { ok: true });
    removeEventListener("message", this.heard);
    delete this.sheet.dataset.busy;
    this.sheet.replaceChildren(this.sheet.querySelector("[data-done]").content.cloneNode(true));
    const line = this.sheet.querySelector("[data-new-card]");
    const face = `${line.dataset[card.brand] ?? line.dataset.other} •••• ${card.last4}`;
    line.textContent = line.dataset.newCard.replace("%(card)s", face);
    this.sheet.querySelector("#sheet-title").focus();
    const told = this.follow(charges ?? []);
    await refresh(undefined, { after: `${aggregate}:${version}` });
    for (const pause of POLL_MS) {
      if (!this.sheet.isConnected || await told()) return;
      await pausing(pause);
      await refresh(undefined, { live: true });
    }
  }

  /** A line per invoice that is being charged, which says what becomes of it. What it returns asks how they stand, and
      answers whether all is settled. */
  follow(charges) {
    if (charges.length === 0) return async () => true;
    const section = this.sheet.querySelector("[data-charges]");
    const advice = this.sheet.querySelector("[data-failed]");
    const badge = (status) => this.sheet.querySelector(`[data-outcome="${CSS.escape(status)}"]`).content.cloneNode(true);
    const lines = charges.map((charge) => {
      const due = this.due.find((line) => line.invoice_id === charge.invoice_id);
      const line = pair(due ? `${due.number} · ${due.amount.text}` : "", "");
      line.dataset.charge = charge.invoice_id;
      line.lastElementChild.append(badge("processing"));
      return line;
    });
    section.querySelector("dl").replaceChildren(...lines);
    section.hidden = false;
    let asked = 0;
    const told = async () => {
      const open = this.sheet.isConnected ? lines.filter((line) => !line.dataset.settled) : [];
      for (const line of open) {
        const status = await statusOf(line.dataset.charge);
        if (status === null || status === "processing") continue;
        line.lastElementChild.replaceChildren(badge(status));
        line.dataset.settled = status;
      }
      const settled = lines.every((line) => line.dataset.settled);
      const failed = lines.some((line) => line.dataset.settled === "failed");
      advice.textContent = failed ? advice.dataset.failed : !settled && asked > 0 ? advice.dataset.waiting : "";
      asked += 1;
      return settled;
    };
    return told;
  }

  /** Says why the fields are gone, and offers what is left to do: to begin `again`, or only to go back. */
  fail(sentence, { again = true } = {}) {
    this.atRest();
    this.show({ fallback: true });
    this.problem(sentence, { warns: !again });
    const retry = this.sheet.querySelector("[data-retry]");
    retry.hidden = !again;
    (again ? retry : this.back).focus();
  }

  problem(sentence, { warns }) {
    const line = this.sheet.querySelector("[data-problem]");
    line.textContent = sentence;
    line.classList.toggle("warn", warns);
    line.hidden = false;
  }

  show({ wait = false, fallback = false }) {
    if (wait || fallback) {
      this.holder.replaceChildren();
      this.frame = null;
    }
    this.sheet.querySelector("[data-problem]").hidden = true;
    this.sheet.querySelector("[data-wait]").hidden = !wait;
    this.sheet.querySelector("[data-fallback]").hidden = !fallback;
    this.holder.ariaBusy = String(wait);
    this.holder.hidden = fallback;
  }

  say(sentence) {
    this.sheet.querySelector("[data-said]").textContent = sentence;
  }
}

function pair(name, value) {
  const line = document.createElement("div");
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  description.className = "num money";
  line.append(term, description);
  return line;
}

// The dialog's own refusal to close holds for one press only.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.querySelector("[data-busy]")) event.preventDefault();
});

document.addEventListener("htmx:afterSwap", (event) => start(event.detail.target));
start(document);
