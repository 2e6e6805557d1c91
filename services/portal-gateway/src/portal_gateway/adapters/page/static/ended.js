// Makes the other tabs of this browser check their session.
new BroadcastChannel("session").postMessage(null);
