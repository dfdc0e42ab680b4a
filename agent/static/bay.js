// Keeps the cards as the box draws them, and never touches what somebody is typing.
"use strict";

const said = document.body.dataset;
const DRAFT = "draft:";
const FIELDS = ["vin", "dash_km", "dash_after_km", "dash_unit", "province", "plate", "stock_number", "operator", "model"];

function draftOf(form) {
  const values = {};
  for (const name of FIELDS) if (form.elements[name]) values[name] = form.elements[name].value;
  return values;
}

function keepDraft(form) {
  sessionStorage.setItem(DRAFT + form.dataset.intake, JSON.stringify(draftOf(form)));
}

function restoreDraft(form) {
  const kept = sessionStorage.getItem(DRAFT + form.dataset.intake);
  if (kept) {
    for (const [name, value] of Object.entries(JSON.parse(kept)))
      if (form.elements[name] && value) form.elements[name].value = value;
  } else {
    const remembered = { province: localStorage.getItem("province"), operator: localStorage.getItem("operator") };
    for (const [name, value] of Object.entries(remembered))
      if (form.elements[name] && value && !form.elements[name].value) form.elements[name].value = value;
  }
  markOperator(form);
}

function markOperator(form) {
  const name = form.elements.operator.value.trim();
  for (const chip of form.querySelectorAll("[data-operator]"))
    chip.setAttribute("aria-pressed", String(chip.dataset.operator === name));
}

function answersOf(form) {
  const values = draftOf(form);
  const plate = values.plate.trim();
  const whole = /^[\u4e00-\u9fff]/.test(plate) ? plate : plate && values.province + plate;
  const given = { plate: whole, stock_number: values.stock_number, dash_km: values.dash_km, operator: values.operator };
  if (values.dash_km && values.dash_unit === "mi") given.dash_unit = "mi";
  if (values.dash_after_km) {
    given.dash_after_km = values.dash_after_km;
    given.dash_unit = values.dash_unit;
    if (values.dash_unit === "mi") delete given.dash_km; // what stands there is shown in kilometres
  }
  if (values.vin) given.vin = values.vin;
  if (values.model) given.model = values.model;
  for (const name of Object.keys(given)) if (!given[name].trim()) delete given[name];
  return given;
}

async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    if (answer.ok) return "";
    const refusal = await answer.json();
    return refusal.text[said.lang];
  } catch {
    return said.failed;
  }
}

async function save(form) {
  const line = form.querySelector(".answer");
  const button = form.querySelector(".save");
  button.disabled = true;
  const refusal = await post(`/api/intakes/${form.dataset.intake}/answers`, answersOf(form));
  button.disabled = false;
  line.hidden = !refusal;
  line.textContent = refusal;
  if (refusal) return;
  localStorage.setItem("operator", form.elements.operator.value.trim());
  if (form.elements.province.value) localStorage.setItem("province", form.elements.province.value);
  sessionStorage.removeItem(DRAFT + form.dataset.intake);
  delete form.closest(".card").dataset.typing;
  document.activeElement?.blur(); // the phone's keyboard goes away, and the card may be drawn anew
}

const told = new Map(); // the box sends a card only when it changed

function takeCards(cards, sections) {
  for (const card of cards) told.set(card.key, card);
  const placed = new Set(Object.values(sections).flat());
  for (const key of told.keys()) if (!placed.has(key)) told.delete(key);
}

function showCards(section, keys) {
  const list = section.querySelector(".cards");
  const focused = document.activeElement;
  const wanted = new Set(keys);
  for (const old of [...list.children]) if (!wanted.has(old.id)) old.remove();
  let next = list.firstElementChild;
  for (const key of keys) {
    const article = document.getElementById(key) ?? emptyCard(key);
    showCard(article, told.get(key), focused);
    if (article === next) next = next.nextElementSibling;
    else list.insertBefore(article, next);
  }
  section.hidden = section.id !== "bays" && keys.length === 0;
  const nothing = section.querySelector(".nothing");
  if (nothing) nothing.hidden = keys.length > 0;
}

const PARTS = ["head", "body", "tail"];

function emptyCard(key) {
  const article = Object.assign(document.createElement("article"), { className: "card", id: key });
  article.append(...PARTS.map((name) => Object.assign(document.createElement("div"), { className: name })));
  return article;
}

function showCard(article, card, focused) {
  article.shown ??= {};
  const [head, body, tail] = article.children;
  for (const [part, html] of [[head, card.head], [tail, card.tail]]) redraw(article, part, html);
  const busy = article.dataset.typing || body.contains(focused);
  if (article.dataset.form !== card.form || (!busy && article.shown.body !== card.body)) {
    const open = [...body.querySelectorAll("details")].map((fold) => fold.open);
    body.innerHTML = card.body;
    if (article.dataset.form === card.form) body.querySelectorAll("details").forEach((fold, i) => { fold.open = open[i]; });
    article.dataset.form = card.form;
    delete article.dataset.typing;
    body.querySelectorAll("form").forEach(restoreDraft);
    article.shown.body = card.body;
  }
}

function redraw(article, part, html) {
  if (article.shown[part.className] === html) return;
  const open = [...part.querySelectorAll("details")].map((fold) => fold.open);
  part.innerHTML = html;
  part.querySelectorAll("details").forEach((fold, i) => { fold.open = open[i] ?? false; });
  article.shown[part.className] = html;
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("form");
  if (!form) return;
  form.closest(".card").dataset.typing = "yes";
  keepDraft(form);
  markOperator(form);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  save(event.target);
});

// A folded form is a template until somebody opens it: browsers look over every form of a page at each change of it.
document.addEventListener("toggle", (event) => {
  const form = event.target.open && event.target.querySelector(":scope > template");
  if (!form) return;
  form.replaceWith(form.content);
  event.target.querySelectorAll("form").forEach(restoreDraft);
}, true);

// A barcode scanner types the VIN and presses Enter: go on to the next field instead of sending half a form.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.name !== "vin") return;
  event.preventDefault();
  event.target.form.elements.dash_km.focus();
});

document.addEventListener("click", async (event) => {
  const chip = event.target.closest("[data-operator]");
  const purpose = event.target.closest("[data-purpose]");
  const withdraw = event.target.closest("[data-withdraw]");
  if (chip) {
    const form = chip.closest("form");
    form.elements.operator.value = chip.dataset.operator;
    form.elements.operator.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (purpose) {
    await post(`/api/intakes/${purpose.dataset.intake}/answers`, { purpose: purpose.dataset.purpose });
  } else if (withdraw && confirm(withdraw.dataset.sure)) {
    await post(`/api/intakes/${withdraw.dataset.withdraw}/withdraw`, {});
  }
});

document.querySelectorAll("form").forEach(restoreDraft);

const events = new EventSource(`/events?lang=${said.lang}`);
const lost = document.getElementById("lost");
events.addEventListener("cards", (event) => {
  const shown = JSON.parse(event.data);
  takeCards(shown.cards, shown.sections);
  for (const [name, keys] of Object.entries(shown.sections)) showCards(document.getElementById(name), keys);
  document.getElementById("link").textContent = shown.link;
});
events.onopen = () => { lost.hidden = true; };
events.onerror = () => {
  lost.textContent = said.lost;
  lost.hidden = false;
};
