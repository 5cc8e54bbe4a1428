// Words to choose from: each is added to a sentence with a click.

/** `groups` are words by what they say; `add(words)` is called for those that are clicked. */
function wordChooser({ groups, add }) {
  const filled = Object.entries(groups).filter(([, words]) => words.length);
  return folded("Words to choose from", "acga-chooser", ...filled.map(([about, words]) =>
    element("div", { className: "acga-examples", role: "group", "aria-label": about }, element("span", { className: "acga-small", textContent: about }),
      ...words.map((word) => {
        const made = element("button", { type: "button", className: "acga-quiet", textContent: word, "aria-label": `Add “${word}”` });
        made.addEventListener("click", () => add(word));
        return made;
      }))));
}
