// The sandbox's bank: asks the customer, as the bank of a real card does in its own window.

/** Shows the question in the page. Resolves to "approve", "reject" or "close". The question stays until `remove`. */
export function ask(page, words) {
  const section = document.createElement("section");
  section.className = "bank";
  section.setAttribute("aria-labelledby", "bank-title");
  const title = Object.assign(document.createElement("h1"), { id: "bank-title", textContent: words.title, tabIndex: -1 });
  const mode = Object.assign(document.createElement("p"), { className: "sandbox", textContent: words.sandbox });
  const question = Object.assign(document.createElement("p"), { id: "bank-question", textContent: words.question });
  const actions = Object.assign(document.createElement("div"), { className: "actions" });
  section.append(mode, title, question, actions);
  const buttons = ["close", "reject", "approve"].map((answer) => Object.assign(document.createElement("button"), {
    id: `bank-${answer}`, className: answer === "approve" ? "button primary" : "button", type: "button", textContent: words[answer],
  }));
  actions.append(...buttons);
  page.append(section);
  title.focus();
  const answered = new Promise((resolve) => {
    for (const button of buttons) {
      button.addEventListener("click", () => {
        for (const each of buttons) each.disabled = true;
        resolve(button.id.replace("bank-", ""));
      });
    }
  });
  return { answered, remove: () => section.remove() };
}
