// Shows what answers make as soon as they are given. Without this file the form does it when it is sent.
"use strict";

const form = document.getElementById("answers");
const preview = document.getElementById("preview");
const summary = document.getElementById("summary");
const PAUSE = 300;
let waiting = 0;
let running = new AbortController();

function query() {
  return new URLSearchParams(new FormData(form)).toString();
}

function control(name) {
  const found = form.elements[name];
  return found instanceof RadioNodeList || found?.name ? found : null;
}

function showValues(shown) {
  for (const [name, value] of Object.entries(shown.values)) {
    const field = control(name);
    const box = form.querySelector(`[data-question="${name}"]`);
    if (!field || !box) continue;
    const problem = shown.problems[name] ?? "";
    // What is being typed, and what is wrong, stays as it is.
    const typed = field === document.activeElement || problem;
    if (!typed && field.value !== value) field.value = value;
    box.hidden = !shown.asked.includes(name) && !box.querySelector("textarea");
    box.querySelector(".error").textContent = problem;
    if (field instanceof HTMLElement) {
      field.toggleAttribute("aria-invalid", Boolean(problem));
      if (problem) field.setAttribute("aria-invalid", "true");
    }
  }
}

function showPreview(shown) {
  const problems = Object.values(shown.problems);
  preview.classList.toggle("stale", problems.length > 0);
  form.querySelector("button").disabled = problems.length > 0;
  if (problems.length) {
    summary.textContent = problems.join(" ");
    return;
  }
  const tree = preview.querySelector(".tree");
  const top = tree.scrollTop;
  const closed = [...tree.querySelectorAll("details:not([open]) > summary")].map((s) => s.firstChild.data);
  preview.innerHTML = shown.preview;
  for (const folder of preview.querySelectorAll(".tree summary")) {
    if (closed.includes(folder.firstChild.data)) folder.parentElement.open = false;
  }
  preview.querySelector(".tree").scrollTop = top;
  summary.textContent = shown.summary;
}

async function ask(path, text) {
  const answer = await fetch(`${path}?${text}`, { signal: running.signal });
  const body = await answer.json();
  if (!answer.ok) throw new Error(typeof body.detail === "string" ? body.detail : "That failed.");
  return body;
}

async function showConsequences(link) {
  const brings = await ask(form.dataset.consequences, link);
  for (const hint of form.querySelectorAll("[data-hint]")) {
    const [name, answer] = hint.dataset.hint.split("=");
    hint.textContent = brings[name]?.[answer] ?? "";
  }
}

async function show(text, isChange) {
  running.abort();
  running = new AbortController();
  try {
    const shown = await ask(form.dataset.draft, text);
    if (isChange) showValues(shown);
    showPreview(shown);
    if (Object.keys(shown.problems).length || !isChange) return;
    form.elements.before.value = shown.link;
    history.replaceState(null, "", `?${shown.link}`);
    for (const preset of form.querySelectorAll(".presets [data-query]")) {
      const link = new URLSearchParams(preset.dataset.query);
      const current = new URLSearchParams(shown.link);
      for (const name of preset.dataset.names.split(" ")) current.set(name, link.get(name));
      current.set("before", shown.link);
      preset.dataset.query = current.toString();
    }
    await showConsequences(shown.link);
  } catch (error) {
    if (error.name !== "AbortError") summary.textContent = `${error.message} Try again.`;
  }
}

form.addEventListener("change", () => {
  clearTimeout(waiting);
  show(query(), true);
});

form.addEventListener("input", (event) => {
  if (event.target.type === "radio") return;
  clearTimeout(waiting);
  waiting = setTimeout(() => show(query(), true), PAUSE);
});

form.addEventListener("click", (event) => {
  const preset = event.target.closest(".presets [data-query]");
  if (!preset) return;
  event.preventDefault();
  show(preset.dataset.query, true);
});

preview.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-file]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const file = link.dataset.file;
  form.elements.file.value = file;
  await show(link.search.slice(1), false);
  preview.querySelector(`[data-file="${CSS.escape(file)}"]`)?.focus({ preventScroll: true });
  preview.querySelector("#file").scrollIntoView({ block: "nearest" });
});

// A field that is only read is there to be copied.
preview.addEventListener("focusin", (event) => {
  if (event.target.readOnly) event.target.select();
});

document.getElementById("show").hidden = true;
