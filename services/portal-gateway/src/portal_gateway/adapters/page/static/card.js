// Card entry: the portal's side of the protocol with the card frame, which owns the fields. No card number reaches this page.
import { FramedSheet } from "./sheet.js";
import { ended, refresh } from "./panes.js";
import { minutesOf } from "./words.js";

const TOKEN_MS = 20000;
const ANSWER_MS = 10000;
const AGAIN_MS = [2000, 4000, 8000, 16000, 30000];
const POLL_MS = [700, 1500, 3000, 5000, 8000, 13000];
/** Up to so many begun periods have a line of their own in the result. */
const MOST_BEGUN = 12;

// Handles the frame's messages. Each confirmation by the customer accepts one token.
const HEARD = {
  opening: { ready: "ready", height: "resize", close: "close", error: "erred" },
  typing: { ready: "ready", height: "resize", submitting: "submitting", close: "close", error: "erred" },
  submitting: { ready: "ready", height: "resize", challenge: "challenge", token: "save", error: "erred" },
  challenging: { ready: "ready", height: "resize", challenge: "challenge", error: "erred" },
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

/** A card that pays one invoice and is not stored. `shown` is what was shown and is sent with the confirmation. */
const ONCE = {
  home: "/shared-invoice",
  setup: "/api/shared-invoice/setup",
  opening: {},
  confirm: ["POST", "/api/shared-invoice/payment"],
  shown: (due) => totalsOf(due)[0],
};
/** A card that becomes the default and pays what is due. */
const KEPT = {
  setup: "/api/payment-method/setup",
  opening: {},
  confirm: ["PUT", "/api/payment-method"],
  shown: (due) => ({ charge_invoices: due.map((line) => line.invoice_id), totals: totalsOf(due) }),
};
/** A card beside the others. Nothing is charged. */
const ADDED = { ...KEPT, opening: { purpose: "add" }, confirm: ["POST", "/api/payment-methods"], shown: () => ({}) };
/** Refusals that the page of the invoice explains. */
const OVER = ["nothing_owed", "charge_running"];

async function call(method, path, body, key = null) {
  const headers = { "content-type": "application/json", "x-csrf-token": document.body.dataset.csrf };
  if (key) headers["idempotency-key"] = key;
  const answer = await fetch(path, { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) });
  const content = await answer.json().catch(() => ({}));
  if (answer.status === 401 && content.code !== "invoice_session_required") ended();
  if (content.code === "invoice_session_required") location.assign(ONCE.home);
  if (content.code === "session_changed") location.replace("/?said=session_changed");
  return { ok: answer.ok, status: answer.status, content, retryAfter: Number(answer.headers.get("retry-after")) || 60 };
}

/** An invoice's status and the effect of its payment; null without a response. */
async function stateOf(invoice) {
  const answer = await fetch(`/api/invoices/${invoice}`, { cache: "no-store" }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** The statuses of the newest invoices, by id, including issued invoices of begun periods. */
async function newestStatuses() {
  const answer = await fetch("/api/overview", { cache: "no-store" }).catch(() => null);
  const rows = answer?.ok ? (await answer.json()).invoices.items : [];
  return new Map(rows.map((row) => [row.id, row.status]));
}

/** The total of each currency. */
function totalsOf(due) {
  const sums = new Map();
  for (const { amount } of due) sums.set(amount.currency, (sums.get(amount.currency) ?? 0) + amount.amount_minor);
  return [...sums].map(([currency, minor]) => ({ amount_minor: minor, currency }));
}

class CardEntry extends FramedSheet {
  constructor(sheet) {
    super(sheet, HEARD);
    this.use = "once" in sheet.dataset ? ONCE : sheet.dataset.purpose === "add" ? ADDED : KEPT;
    sheet.querySelector("[data-retry]").addEventListener("click", () => {
      sheet.querySelector("#sheet-title").focus();
      this.open();
    });
  }

  async open() {
    this.state = "opening";
    this.show({ wait: true });
    const answer = await call("POST", this.use.setup, this.use.opening).catch(() => null);
    if (!this.sheet.isConnected) return;
    if (answer?.status === 429) return this.fail("tooMany", { again: false, sentence: minutesOf(this.words.tooMany, answer.retryAfter) });
    if (this.isOver(answer)) return undefined;
    if (!answer?.ok) return this.fail("unavailable");
    const { setup_id: id, frame_url: url } = answer.content;
    if (!this.load(url, id)) return this.fail("unavailable");
    return this.list(answer.content);
  }

  /** The charges of a confirmation and their effects, in the portal's sentences. */
  list({ due, total, lines, statements }) {
    this.due = due ?? [];
    const section = this.sheet.querySelector("[data-due]");
    section.hidden = this.due.length === 0;
    const shown = (lines ?? []).map((line) => pair(line.text, line.amount_text));
    if (this.due.length > 1 && total) {
      const sum = pair(this.words.total, total.text);
      sum.className = "sum";
      shown.push(sum);
    }
    section.querySelector("dl").replaceChildren(...shown);
    section.querySelector("[data-does]").replaceChildren(...(statements ?? []).map(paragraph));
  }

  submitting() {
    this.state = "submitting";
    this.sheet.dataset.busy = "yes";
    this.say(this.words.saving);
    this.timer = setTimeout(() => this.fail("noAnswer"), TOKEN_MS);
  }

  challenge({ on }) {
    this.ask(on, "submitting", TOKEN_MS);
  }

  async save({ token }) {
    clearTimeout(this.timer);
    this.state = "saving";
    const answer = await this.outcome({ setup_id: this.setup, token, ...this.use.shown(this.due) });
    if (answer?.ok && this.use === ONCE) return this.paying();
    if (answer?.ok) return this.saved(answer.content);
    if (this.isOver(answer)) return undefined;
    if (!answer) return this.fail("unknown", { again: false });
    if (!this.frame) return this.fail("notSaved");
    if (answer.status === 404) return this.fail("expired");
    const { code } = answer.content;
    const changed = ["due_changed", "amount_changed"].includes(code);
    if (changed) this.list(answer.content);
    this.atRest();
    if (code === "too_many_payments") return this.fail("tooMany", { again: false, sentence: minutesOf(this.words.tooMany, answer.retryAfter) });
    const known = answer.status === 429 ? "too_many_declines" : changed ? "due_changed" : code ?? "failed";
    return this.tell("result", { ok: false, code: known, retry_after: answer.retryAfter });
  }

  /** The result of a confirmation. While it is unknown, repeats the request with the same idempotency key, which cannot
      charge twice; null if it stays unknown or the dialog was closed. */
  async outcome(confirmation) {
    const key = crypto.randomUUID();
    for (const pause of [0, ...AGAIN_MS]) {
      if (pause) {
        this.doubt();
        await pausing(pause);
        if (!this.sheet.isConnected) return null;
      }
      const answer = await call(...this.use.confirm, confirmation, key).catch(() => null);
      // "Nothing was changed" holds only for the first request: an earlier one may have succeeded.
      if (answer && (answer.status < 500 || (answer.status === 503 && !pause))) return answer;
    }
    return null;
  }

  doubt() {
    if (this.frame) this.fail("asking", { again: false });
  }

  /** The page of the invoice shows what becomes of the payment. */
  paying() {
    this.tell("result", { ok: true });
    location.assign(ONCE.home);
  }

  /** Whether the invoice cannot be paid any more: its page says why. */
  isOver(answer) {
    const over = this.use === ONCE && OVER.includes(answer?.content.code);
    if (over) location.assign(ONCE.home);
    return over;
  }

  async saved({ aggregate, version, charges, payment_method, ...added }) {
    const card = payment_method ?? added;
    this.tell("result", { ok: true });
    removeEventListener("message", this.receive);
    delete this.sheet.dataset.busy;
    this.sheet.replaceChildren(this.sheet.querySelector("[data-done]").content.cloneNode(true));
    const line = this.sheet.querySelector("[data-new-card]");
    const face = `${line.dataset[card.brand] ?? line.dataset.other} •••• ${card.last4}`;
    line.textContent = line.dataset.newCard.replace("%(card)s", face);
    this.sheet.dataset.result = "";
    this.sheet.dataset.toast = this.sheet.querySelector("#sheet-title").textContent;
    window.htmx?.process(this.sheet);
    this.sheet.querySelector("#sheet-title").focus();
    const update = this.follow(charges ?? []);
    await refresh(undefined, { after: `${aggregate}:${version}` });
    for (const pause of POLL_MS) {
      if (!this.sheet.isConnected || await update()) return;
      await pausing(pause);
      await refresh(undefined, { live: true });
    }
  }

  /** Shows a line with the status of each charge. Returns a function that updates them and resolves to whether all are
      settled. */
  follow(charges) {
    if (charges.length === 0) return async () => true;
    const section = this.sheet.querySelector("[data-charges]");
    const advice = this.sheet.querySelector("[data-failed]");
    const became = this.sheet.querySelector("[data-became]");
    const badge = (status) => this.sheet.querySelector(`[data-outcome="${CSS.escape(status)}"]`).content.cloneNode(true);
    const begun = this.due.filter((line) => line.number === null);
    const followed = [...charges.map(({ invoice_id: id }) => this.due.find((line) => line.invoice_id === id) ?? { invoice_id: id }),
      ...(begun.length <= MOST_BEGUN ? begun : [])];
    const list = section.querySelector("dl");
    list.replaceChildren(...followed.map((due) => {
      const line = pair(due.text ? `${due.text} · ${due.amount.text}` : "", "");
      line.dataset.charge = due.invoice_id;
      if (due.number === null) line.dataset.follows = due.subscription_id;
      line.lastElementChild.append(badge("processing"));
      return line;
    }));
    section.hidden = false;
    const sentences = new Set();
    let polls = 0;
    const update = async () => {
      const open = this.sheet.isConnected ? list.querySelectorAll("[data-charge]:not([data-settled])") : [];
      const issued = [...open].some((line) => line.dataset.follows) ? await newestStatuses() : new Map();
      for (const line of open) {
        const { charge: id, follows } = line.dataset;
        const state = follows ? { status: issued.get(id) } : await stateOf(id);
        if (!state?.status || ["processing", "open"].includes(state.status)) continue;
        line.lastElementChild.replaceChildren(badge(state.status));
        if (state.settling) continue;
        line.dataset.settled = state.status;
        if (state.status === "failed" && state.remedy === "authenticate") line.dataset.asked = "";
        if (state.payment_text) sentences.add(state.payment_text);
        // The subscription enters later periods only after this payment.
        if (state.status === "failed") list.querySelectorAll(`[data-follows="${CSS.escape(state.subscription_id)}"]`).forEach((it) => it.remove());
      }
      became.replaceChildren(...[...sentences].map(paragraph));
      const settled = !list.querySelector("[data-charge]:not([data-settled])");
      const failed = list.querySelector('[data-settled="failed"]');
      const asked = list.querySelector("[data-asked]");
      if (failed) this.offerAnother(asked);
      else if (settled && list.querySelector('[data-settled="paid"]')) this.paid();
      advice.dataset.advice = asked ? "asked" : failed ? "failed" : !settled && polls > 0 ? "waiting" : "";
      advice.textContent = advice.dataset[advice.dataset.advice] ?? "";
      polls += 1;
      return settled;
    };
    return update;
  }

  /** The toast after the dialog names the payment, which matters more than the card. */
  paid() {
    Object.assign(this.sheet.dataset, { toast: this.words.paid, toastStays: "" });
  }

  /** The card is saved and a payment failed: names both, and offers another card first, or before it the confirmation at the
      bank if that is what the bank wants of the payment `asked`. The page has a notice of it. */
  offerAnother(asked) {
    delete this.sheet.dataset.toast;
    const title = this.sheet.querySelector("#sheet-title");
    title.textContent = asked ? title.dataset.butAsked : title.dataset.butFailed;
    this.sheet.querySelector(".actions [data-close]").classList.remove("primary");
    const another = this.sheet.querySelector("#another-card");
    another.hidden = false;
    const confirm = this.sheet.querySelector("#confirm-at-bank");
    if (!asked || !confirm.hidden) return;
    another.classList.remove("primary");
    for (const name of ["href", "hx-get"]) {
      confirm.setAttribute(name, confirm.getAttribute(name).replace("/id/", `/${asked.dataset.charge}/`));
    }
    confirm.hidden = false;
    window.htmx?.process(confirm);
  }

  say(sentence) {
    this.sheet.querySelector("[data-said]").textContent = sentence;
  }
}

function paragraph(sentence) {
  const line = document.createElement("p");
  line.textContent = sentence;
  return line;
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

document.addEventListener("htmx:afterSwap", (event) => start(event.detail.target));
start(document);
