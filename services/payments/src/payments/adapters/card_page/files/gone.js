// The set-up is over: the portal is told, so that it can offer to begin anew.
"use strict";
(() => {
  const { setup, portal } = document.getElementById("gone").dataset;
  if (window.parent === window) return;
  const send = (type, more) => window.parent.postMessage({ v: 1, setup_id: setup, type, ...more }, portal);
  send("height", { height: document.documentElement.offsetHeight });
  send("error", { code: "setup_gone" });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") send("close"); });
})();
