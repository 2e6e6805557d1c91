// The other tabs of this browser look whether what they show may still be shown.
new BroadcastChannel("session").postMessage(null);
