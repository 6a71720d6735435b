// Tells how strong a new password is while it is typed: a hint, the server decides.
"use strict";

for (const field of document.querySelectorAll("input[data-strength]")) {
  const said = document.getElementById(field.dataset.strength);
  const words = said.dataset.words.split("|");
  field.addEventListener("input", () => {
    const password = field.value;
    said.hidden = password === "";
    said.textContent = words[grade(password)];
  });
}

function grade(password) {
  if ([...password].length < 10) return 0;
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(password)).length;
  const different = new Set(password).size;
  if (different < 5) return 1;
  const bits = Math.min(password.length, different * 1.5) * Math.log2(8 + kinds * 12);
  return bits < 45 ? 1 : bits < 60 ? 2 : bits < 80 ? 3 : 4;
}
