// Shows only the items that contain a text. Without this script, the page shows all of them.
const filter = document.getElementById("filter");

if (filter) {
  const items = [...document.querySelectorAll(".items li")];
  const noMatch = document.getElementById("no-match");

  filter.hidden = false;
  filter.querySelector("input").addEventListener("input", (event) => {
    const text = event.target.value.trim().toLowerCase();
    for (const item of items) {
      item.hidden = !item.textContent.toLowerCase().includes(text);
    }
    noMatch.hidden = !items.every((item) => item.hidden);
  });
}

// After a form that was not accepted, the first wrong field is where to go on.
document.querySelector("[aria-invalid]")?.focus();
