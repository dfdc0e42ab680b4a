// Sends the forms of an intake's page as JSON and its photos as they are; what was refused is said in the reader's words.
"use strict";

const said = document.body.dataset;

async function send(path, type, body) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": type }, body });
    if (answer.ok) return location.reload();
    tell((await answer.json()).text[said.lang]);
  } catch {
    tell(said.failed);
  }
}

function tell(words) {
  const line = document.getElementById("lost");
  line.textContent = words;
  line.hidden = false;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.post) return;
  event.preventDefault();
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  send(form.dataset.post, "application/json", JSON.stringify(Object.fromEntries(new FormData(form)))).finally(() => {
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  });
});

document.addEventListener("change", (event) => {
  const { upload } = event.target.dataset;
  const [file] = event.target.files || [];
  if (upload && file) send(upload, file.type || "image/jpeg", file);
});
