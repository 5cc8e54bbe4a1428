// The sentences' masks side by side: do phrasings of one actor agree?

/** Pictures that `draw` brings up to date; `agreement` is the mean IoU of each two masks, by frame. */
function phrasingComparison({ palette }) {
  const node = element("div", { className: "acga-phrasings", hidden: true });

  function draw({ clip, frame, queries, opacity, agreement }) {
    node.hidden = !clip || !queries.length;
    if (node.hidden) return;
    while (node.children.length > queries.length + 1) node.lastChild.remove();
    while (node.children.length < queries.length + 1) {
      node.append(node.children.length ? element("figure", {}, element("canvas"), element("figcaption")) : element("p", { className: "acga-agreement" }));
    }
    const here = agreement[frame], mean = agreement.reduce((sum, value) => sum + value, 0) / agreement.length;
    node.firstChild.textContent = queries.length < 2 ? "Add another sentence for the same actor to compare." :
      here === undefined || here === null ? "Comparing …" :
      `Agreement (mean IoU of each two masks): ${here.toFixed(2)} in this frame, ${mean.toFixed(2)} over the clip.`;
    queries.forEach((text, at) => {
      const [picture, label] = node.children[at + 1].children;
      const context = prepare(picture, clip, 400);
      drawFrame(context, clip, frame);
      drawMask(context, clip.predictions.get(text)?.masks[frame], palette[at % palette.length], opacity);
      picture.setAttribute("role", "img");
      picture.setAttribute("aria-label", `The mask of: ${text}`);
      label.textContent = text;
      node.children[at + 1].style.setProperty("--ink", palette[at % palette.length]);
    });
  }

  return { node, draw, hide: () => { node.hidden = true; } };
}
