// Opens a link that follows a refused one in the same tab: only the fragment of the address changes, so the browser would load
// nothing.
import { tokenIn } from "./token.js";

const open = () => location.replace(`/enter?again${location.hash}`);
addEventListener("hashchange", open);
// It may have changed before this script ran. A page that was loaded again is not loaded a third time.
if (tokenIn(location.hash) && !location.search.startsWith("?again")) open();
