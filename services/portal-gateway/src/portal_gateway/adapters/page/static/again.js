// A link that is opened in this tab after another one was refused changes the address in its fragment alone: the browser
// would load nothing.
addEventListener("hashchange", () => location.replace(`/enter?again${location.hash}`));
