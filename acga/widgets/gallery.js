// The clips to choose from, as pictures; the reader's own; and the way to a scene of one's own.

/** `choose(title)` is called for a clip, `take(file)` for a file that is chosen or dropped, `compose()` for the composer. */
function clipGallery({ limits, choose, take, compose }) {
  const pictures = new Map(); // addresses of thumbnails, by title
  const tiles = element("div", { className: "acga-tiles", role: "group", "aria-label": "Clips" });
  const file = element("input", {
    type: "file", accept: "video/mp4,video/quicktime,video/webm,image/gif,.mp4,.mov,.webm,.gif", className: "acga-file", "aria-label": "Upload a clip",
  });
  const upload = element("label", { className: "acga-tile acga-upload", title: limits.text }, file,
    element("span", { className: "acga-sign", textContent: "⇪", "aria-hidden": "true" }), element("span", { textContent: "Your own: drop a clip here, or choose one" }));
  const composing = element("button", { type: "button", className: "acga-tile acga-compose", "aria-expanded": "false" },
    element("span", { className: "acga-sign", textContent: "✎", "aria-hidden": "true" }), element("span", { textContent: "Compose a scene" }));
  const expectations = element("p", { className: "acga-small", textContent: `Your own clip: ${limits.text}. ${limits.expect}` });
  const node = element("div", { className: "acga-gallery" }, tiles, folded("What to expect of your own clip", "acga-expect", expectations));
  composing.addEventListener("click", compose);
  file.addEventListener("change", () => { take(file.files[0]); file.value = ""; });

  function show(titles, chosen) {
    const focused = document.activeElement?.dataset?.title;
    tiles.replaceChildren(...titles.map((title) => {
      const picture = element("img", { alt: "", draggable: false });
      if (pictures.has(title)) picture.src = pictures.get(title);
      const tile = element("button", { type: "button", className: "acga-tile", "aria-pressed": String(title === chosen), "data-title": title }, picture, element("span", { textContent: title }));
      tile.addEventListener("click", () => choose(title));
      return tile;
    }), upload, composing);
    if (focused) [...tiles.children].find((tile) => tile.dataset.title === focused)?.focus();
  }

  function setPicture(title, bytes) {
    URL.revokeObjectURL(pictures.get(title));
    pictures.set(title, URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" })));
    const tile = [...tiles.children].find((tile) => tile.dataset.title === title);
    if (tile) tile.querySelector("img").src = pictures.get(title);
  }

  return { node, show, setPicture, setComposing: (on) => composing.setAttribute("aria-expanded", String(on)) };
}
