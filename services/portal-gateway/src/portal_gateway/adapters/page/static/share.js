// Copies the link to the clipboard.
const field = document.getElementById("invoice-link");
field.addEventListener("focus", () => field.select());
document.getElementById("copy-link").addEventListener("click", async () => {
  field.select();
  await navigator.clipboard.writeText(field.value).catch(() => document.execCommand("copy"));
  document.querySelector("[data-copy-status]").textContent = field.dataset.copied;
  document.getElementById("copy-link").textContent = field.dataset.copied;
});
