// Reloads when a second link is opened after a refused one: only the fragment of the address changes, so the browser would
// load nothing.
addEventListener("hashchange", () => location.replace(`/enter?again${location.hash}`));
