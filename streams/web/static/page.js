// Keeps the page true while it is open: the server sends the parts that changed, drawn as it drew them at first.
// Without this script the page is whole, and one looks again by a link: it never renews itself under whoever types.
const live = document.getElementById("live");
const [word, button] = live.children;
let held = false;
const kept = new Map();

function put(id, html) {
  const part = document.getElementById(id);
  if (!part) return;
  // Whoever is inside a part with the keyboard, or marks text in it, is not to lose the place.
  const marked = document.getSelection();
  const busy = part.contains(document.activeElement) || (!marked.isCollapsed && part.contains(marked.anchorNode));
  if (held || busy) {
    kept.set(id, html);
    return;
  }
  kept.delete(id);
  const places = [...part.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  part.innerHTML = html;
  part.querySelectorAll(".scroll").forEach((box, n) => places[n] && box.scrollTo(...places[n]));
}

function say(state, text) {
  live.dataset.state = state;
  word.textContent = text;
}

const source = new EventSource("/live");
source.addEventListener("open", () => say(held ? "held" : "on", held ? "held" : "live"));
source.addEventListener("error", () => say("off", "no connection"));
source.addEventListener("message", (event) => {
  const { title, parts } = JSON.parse(event.data);
  for (const [id, html] of [...kept, ...Object.entries(parts)]) put(id, parts[id] ?? html);
  if (!held) document.title = title;
});

button.addEventListener("click", () => {
  held = !held;
  button.setAttribute("aria-pressed", String(held));
  say(held ? "held" : "on", held ? "held" : "live");
  if (!held) for (const [id, html] of [...kept]) put(id, html);
});
live.hidden = false;
say("off", "connecting");
