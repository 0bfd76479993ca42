// Runs only where the person opted in: tells the extension's own worker that a page was opened.
(() => {
  const api = globalThis.browser ?? globalThis.chrome;
  const tell = () => api.runtime.sendMessage({ visit: true }).catch(() => {});
  tell();
  // Pages that change their address without being loaded again.
  globalThis.navigation?.addEventListener("currententrychange", tell);
})();
