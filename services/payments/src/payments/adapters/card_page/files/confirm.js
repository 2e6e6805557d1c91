// The customer confirms a charge at their bank: in the sandbox's question, or in the window of the provider's script.
"use strict";
(() => {
  const LOAD_SECONDS = 8;
  const ANSWER_SECONDS = 15;
  const AGAIN_SECONDS = 1;
  const page = document.getElementById("confirmation");
  const { state, script, bank, ...opening } = page.dataset;
  const words = JSON.parse(page.dataset.words);
  const frame = globalThis.cardFrame(page);
  const [status, problem, back] = ["status", "problem", "back"].map((id) => document.getElementById(id));
  let asking = false;

  function challenge(on) {
    asking = on;
    frame.send("challenge", { on });
  }

  function showProblem(code) {
    status.textContent = "";
    problem.textContent = words[code];
    problem.dataset.code = code;
    problem.hidden = back.hidden = false;
    back.focus();
  }

  async function send(answer) {
    const sent = await fetch(location.pathname, {
      method: "POST", body: JSON.stringify({ answer, secret: opening.secret }), headers: { "content-type": "application/json" },
      credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
    }).catch(() => null);
    if (sent?.ok) return done();
    return showProblem("not_sent");
  }

  function done() {
    status.textContent = words.answered;
    frame.send("done");
  }

  async function askOurs() {
    const { ask } = await import(bank);
    status.textContent = "";
    challenge(true);
    const question = ask(page, words);
    const answer = await question.answered;
    question.remove();
    challenge(false);
    if (answer === "close") return frame.send("close");
    return send(answer);
  }

  async function askTheirs() {
    const stripe = globalThis.stripeCalls;
    const late = new Promise((_, reject) => { setTimeout(() => reject(new Error("late")), LOAD_SECONDS * 1000); });
    const Stripe = await Promise.race([stripe.load(script), late]);
    challenge(true);
    // A refusal is an answer too: the service reads the outcome from the provider.
    await stripe.handleNextAction(Stripe, opening).catch(() => null);
    challenge(false);
    return send("done");
  }

  if (!frame.framed) return showProblem("alone");
  back.addEventListener("click", () => frame.send("close"));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !asking) frame.send("close"); });
  frame.measure();
  frame.send("ready");
  if (state === "over") return done();
  status.textContent = words.asking;
  if (state === "ask") return (script ? askTheirs() : askOurs()).catch(() => showProblem("not_loaded"));
  // The charge has not reached the bank yet.
  back.hidden = false;
  return setTimeout(() => location.reload(), AGAIN_SECONDS * 1000);
})();
