// Live pages without a framework: listens to /events, fetches what changed, keeps what a person is typing.
// Everything works without this file except that pages then stand still until they are reloaded.
"use strict";
(() => {
  const line = document.querySelector("[data-line]");
  const live = document.querySelector("[data-live]");
  const count = document.querySelector("[data-count]");
  const title = document.title;
  let waiting = 0;
  let source = null;
  let retryMs = 1000;

  const remember = (value) => { try { localStorage.setItem("forecourt.operator", value); } catch { /* private window */ } };
  const remembered = () => { try { return localStorage.getItem("forecourt.operator") || ""; } catch { return ""; } };
  const say = (state) => { if (line) line.dataset.line = state; };

  function prepare(root) {
    for (const box of root.querySelectorAll("input[name=operator]")) if (!box.value) box.value = remembered();
    for (const fold of root.querySelectorAll("details.ack")) {
      fold.addEventListener("toggle", () => { if (fold.open) fold.querySelector("input[required]").focus(); });
    }
  }

  const busy = (item) => item.contains(document.activeElement) && item.querySelector("details[open]") !== null;

  // Items keep their place by id; one that somebody is answering stays as it is until they are done.
  function merge(fresh) {
    const old = new Map([...live.querySelectorAll("[data-key]")].map((item) => [item.dataset.key, item]));
    const next = [...fresh.querySelectorAll("[data-key]")].map((item) => {
      const known = old.get(item.dataset.key);
      if (known && (busy(known) || known.dataset.version === item.dataset.version)) return known;
      if (!known) item.classList.add("fresh");
      return document.adoptNode(item);
    });
    if (!next.length || !old.size) { live.replaceChildren(...fresh.childNodes); prepare(live); return; }
    place(live.querySelector("[data-list]"), next);
  }

  // Only what is out of place is moved: a moved item would lose the focus of whoever types in it.
  function place(list, next) {
    const active = document.activeElement;
    const wanted = new Set(next);
    for (const item of [...list.children]) if (!wanted.has(item)) item.remove();
    let cursor = list.firstElementChild;
    for (const item of next) {
      if (item === cursor) { cursor = cursor.nextElementSibling; continue; }
      const arrived = !item.isConnected;
      list.insertBefore(item, cursor);
      if (arrived) prepare(item);
    }
    if (active !== document.activeElement && active.isConnected) active.focus();
  }

  async function refresh() {
    waiting = 0;
    try {
      const answer = await fetch(live ? live.dataset.live : "/alerts/count", { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      if (count) {
        count.textContent = answer.headers.get("X-Open-Alerts") || "0";
        count.dataset.count = count.textContent;
        document.title = (count.textContent === "0" ? "" : `(${count.textContent}) `) + title;
      }
      if (!live) return;
      const body = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      merge(body);
    } catch { /* the stream says when the server is back */ }
  }

  const soon = () => { if (!waiting) waiting = setTimeout(refresh, 120); };

  function vehicleChanged(event) {
    const page = document.querySelector("[data-vehicle]");
    if (page && JSON.parse(event.data).id === page.dataset.vehicle) document.querySelector("[data-stale]").hidden = false;
    soon();
  }

  function listen() {
    source = new EventSource("/events");
    source.addEventListener("hello", () => { retryMs = 1000; say("open"); soon(); });
    source.addEventListener("alert", soon);
    source.addEventListener("vehicle", vehicleChanged);
    source.onerror = () => {
      say("lost");
      // The browser retries by itself unless the server refused: then we do, with growing pauses.
      if (source.readyState === EventSource.CLOSED) { setTimeout(listen, retryMs); retryMs = Math.min(retryMs * 2, 30000); }
    };
  }

  document.addEventListener("submit", (event) => {
    const box = event.target.querySelector("input[name=operator]");
    if (box && box.value.trim()) remember(box.value.trim());
  });
  // A browser opens few lines to one server: pages in the background give theirs back, but for the alerts.
  document.addEventListener("visibilitychange", () => {
    if (live && live.id === "alerts") return;
    if (document.hidden) { source.close(); say("wait"); } else if (source.readyState === EventSource.CLOSED) listen();
  });
  addEventListener("pagehide", () => { if (source) source.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  prepare(document);
  listen();
})();
