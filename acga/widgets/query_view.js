// The page of the query demo: what the kernel sends is kept in `clip`, and every change ends in `draw`.

const VERDICTS = ["not here", "unsure", "found"];
const FAINT = 0.3; // opacity of a mask that the network itself takes for wrong

function render({ model, el }) {
  const palette = model.get("palette"), limits = model.get("limits");
  let clip = null; // {id, width, height, frames, pauses, pictures, truth, predictions: by text {masks, maps, ranges, verdicts}}
  let pointed = null; // the word that is pointed at: {text, index, word}
  let chosen = null; // the place that was clicked: {row, column, frame, text, map}
  let cursor = [0, 0]; // the place that the arrow keys moved to
  let playing = null;

  // What is on the page
  const gallery = clipGallery({ limits, take, choose: chooseClip, compose: () => showComposer(composer.node.hidden) });
  const composer = sceneComposer({ options: model.get("composer"), draw: (stage, cast) => model.send({ kind: "compose", stage, cast }) });
  const sentences = sentenceRows({ palette, ask, point, most: palette.length });
  const chooser = wordChooser({ groups: model.get("words"), add: sentences.addWords });
  const phrasings = phrasingComparison({ palette });
  const examples = element("div", { className: "acga-examples", role: "group", "aria-label": "Sentences to try" });
  const fooling = element("div", { className: "acga-examples", role: "group", "aria-label": "Sentences that fool networks" });
  const status = element("p", { className: "acga-status", role: "status" });
  const problem = element("p", { className: "acga-problem", role: "alert" });
  const stop = element("button", { type: "button", className: "acga-quiet", textContent: "Stop", hidden: true });
  const canvas = element("canvas", { className: "acga-canvas", tabIndex: 0, role: "application" });
  const caption = element("p", { className: "acga-caption" });
  const play = element("button", { type: "button", className: "acga-play" });
  const frames = slider("Frame", { min: 0, max: 0, step: 1, value: 0 });
  const opacity = slider("Opacity of the masks", { min: 0, max: 1, step: 0.05, value: model.get("opacity") });
  const thresholdRatio = slider("Threshold, of the largest response", { min: 0.05, max: 0.95, step: 0.05, value: model.get("threshold_ratio") });
  const compare = element("input", { type: "checkbox", checked: model.get("compare") });
  const showTruth = element("input", { type: "checkbox" });
  const truthLine = element("label", { className: "acga-check", hidden: true }, showTruth, "Show the truth, dashed");
  const saving = ["overlay.mp4", "masks.zip"].map((name) => {
    const button = element("button", { type: "button", className: "acga-quiet", textContent: `Save ${name.startsWith("masks") ? "masks" : "video"}` });
    button.addEventListener("click", () => model.send({ kind: "save", name }));
    return button;
  });
  const expert = folded("Expert view: why?", "acga-expert",
    element("p", { className: "acga-small", textContent: "While this is open: point at a word to see where in the picture it is heard, click the picture to see which places that place listens to." }),
    element("div", { className: "acga-sliders" }, opacity.node, thresholdRatio.node),
    element("label", { className: "acga-check" }, compare, "Compare the sentences: do phrasings of one actor agree?"));
  el.replaceChildren(element("section", { className: "acga", "aria-label": "Ask a video" }, gallery.node, composer.node,
    element("div", { className: "acga-body" },
      element("div", { className: "acga-stage" }, canvas, element("div", { className: "acga-transport" }, play, frames.node), caption),
      element("div", { className: "acga-side" }, sentences.form, examples, fooling, chooser, truthLine, expert,
        element("div", { className: "acga-buttons" }, ...saving, stop), status, problem),
      phrasings.node)));

  // What the reader does
  function ask(texts) {
    const said = texts.filter((text, at) => text.trim() || at === 0);
    unchoose();
    if (said.join("\n") === model.get("queries").join("\n")) return model.send({ kind: "again" });
    model.set("queries", said); // not by a message: the answer to an earlier question must not undo what was typed since
    model.save_changes();
  }

  function chooseClip(title) {
    showComposer(false);
    model.set("clip", title);
    model.save_changes();
  }

  function showComposer(on) {
    composer.node.hidden = !on;
    gallery.setComposing(on);
  }

  function point(word) {
    pointed = expert.open ? word : null;
    draw();
  }

  function show(frame) {
    if (!clip || frame === model.get("frame")) return;
    model.set("frame", frame);
    if (chosen && chosen.frame !== frame) chosen = null;
    draw();
  }

  function setPlaying(on) {
    clearTimeout(playing);
    const next = () => {
      show((model.get("frame") + 1) % clip.frames);
      wait();
    };
    const wait = () => (playing = setTimeout(next, 1000 * clip.pauses[model.get("frame")]));
    if (on && clip) wait();
    else playing = null;
    play.textContent = playing ? "❚❚" : "▶";
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    caption.setAttribute("aria-live", playing ? "off" : "polite"); // or it would be read out frame by frame
  }

  function choosePlace([row, column]) {
    const text = active();
    setPlaying(false);
    pointed = null;
    cursor = [row, column];
    chosen = { row, column, frame: model.get("frame"), text, map: null };
    model.send({ kind: "attention", query: text, frame: chosen.frame, place: [row, column], clip: clip.id });
    draw();
  }

  function unchoose() {
    chosen = pointed = null;
  }

  /** The sentence that a click on the picture is about: the one that was last typed in, if it was answered. */
  function active() {
    const answered = clip ? model.get("queries").filter((text) => clip.predictions.has(text)) : [];
    const latest = sentences.texts()[sentences.current()];
    return answered.includes(latest) ? latest : answered[0] || "";
  }

  /** The places of the map that the expert's click is about, if there is one. */
  function grid() {
    const prediction = expert.open && clip?.predictions.get(active());
    return prediction && prediction.rows ? prediction : null;
  }

  play.addEventListener("click", () => {
    setPlaying(!playing);
    if (!playing) model.save_changes(); // the kernel need not hear of every frame in between
  });
  frames.input.addEventListener("input", () => { setPlaying(false); show(Number(frames.input.value)); model.save_changes(); });
  opacity.input.addEventListener("input", () => { model.set("opacity", Number(opacity.input.value)); model.save_changes(); draw(); });
  thresholdRatio.input.addEventListener("input", () => { model.set("threshold_ratio", Number(thresholdRatio.input.value)); model.save_changes(); draw(); });
  compare.addEventListener("change", () => { model.set("compare", compare.checked); model.save_changes(); draw(); });
  showTruth.addEventListener("change", draw);
  expert.addEventListener("toggle", () => { unchoose(); draw(); });
  stop.addEventListener("click", () => model.send({ kind: "stop" }));
  canvas.addEventListener("click", (event) => {
    if (!grid()) return setPlaying(!playing);
    const box = canvas.getBoundingClientRect();
    choosePlace(placeOf(clip, grid(), ((event.clientX - box.left) / box.width) * clip.width, ((event.clientY - box.top) / box.height) * clip.height));
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const map = grid();
    if (step && map) {
      const within = (at, count) => Math.min(Math.max(at, 0), count - 1);
      choosePlace([within(cursor[0] + step[0], map.rows), within(cursor[1] + step[1], map.columns)]);
    } else if (event.key === "Enter" && map) choosePlace(cursor);
    else if (event.key === "Escape") { unchoose(); draw(); }
    else if (event.key === " ") setPlaying(!playing);
    else return;
    event.preventDefault();
  });
  const dragging = (on) => (event) => { event.preventDefault(); el.firstChild.classList.toggle("acga-dragging", on); };
  el.addEventListener("dragover", dragging(true));
  el.addEventListener("dragleave", dragging(false));
  el.addEventListener("drop", (event) => { dragging(false)(event); take(event.dataTransfer.files[0]); });

  async function take(given) {
    if (!given) return;
    if (given.size > limits.bytes) { // too large a message would cut the connection to the kernel
      problem.textContent = `The uploaded file has ${Math.ceil(given.size / 1048576)} MB, and ${Math.round(limits.bytes / 1048576)} are the limit; shorten it or make it smaller.`;
      return;
    }
    problem.textContent = "";
    status.textContent = "Sending the clip …";
    model.send({ kind: "upload" }, undefined, [await given.arrayBuffer()]);
  }

  // What the kernel sends
  const receivers = {
    async clip(message, buffers) {
      const { width, height, frames: count } = message;
      setPlaying(false);
      unchoose();
      const next = { ...message, pictures: [], truth: [], predictions: new Map() };
      buffers.slice(count).forEach((bits, at) => { // an actor after the other
        if (at % count === 0) next.truth.push([]);
        next.truth.at(-1).push(new Mask(bytesOf(bits), width, height));
      });
      clip = next;
      frames.input.max = count - 1;
      truthLine.hidden = !clip.truth.length;
      model.set("frame", message.frame);
      await Promise.all(buffers.slice(0, count).map(async (bytes, at) => { next.pictures[at] = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })); }));
      draw();
      if (clip === next && !matchMedia("(prefers-reduced-motion: reduce)").matches) setPlaying(true);
    },
    prediction(message, buffers) {
      if (!clip || message.clip !== clip.id) return;
      const [masks, maps] = buffers.map(bytesOf);
      const prediction = clip.predictions.get(message.query) || { masks: [], maps: [], ranges: [], verdicts: [] };
      clip.predictions.set(message.query, prediction);
      Object.assign(prediction, { rows: message.rows, columns: message.columns });
      const size = Math.ceil((clip.width * clip.height) / 8), cells = message.rows * message.columns;
      message.frames.forEach((frame, at) => {
        prediction.verdicts[frame] = message.verdicts[at];
        prediction.masks[frame] = new Mask(masks.subarray(at * size, (at + 1) * size), clip.width, clip.height);
        if (maps.length) {
          prediction.maps[frame] = maps.subarray(at * message.words * cells, (at + 1) * message.words * cells);
          prediction.ranges[frame] = message.ranges[at];
        }
      });
      draw();
    },
    attention(message, buffers) {
      if (!chosen || chosen.frame !== message.frame || chosen.text !== message.query || message.place.join() !== `${chosen.row},${chosen.column}`) return;
      chosen.map = { values: bytesOf(buffers[0]), rows: message.rows, columns: message.columns, range: message.range };
      draw();
    },
    thumbnail: (message, buffers) => gallery.setPicture(message.title, buffers[0]),
    file(message, buffers) {
      const address = URL.createObjectURL(new Blob(buffers, { type: message.type }));
      element("a", { href: address, download: message.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    },
  };
  const receive = (message, buffers) => receivers[message.kind]?.(message, buffers);
  model.on("msg:custom", receive);

  // What is drawn
  const inkOf = (text) => palette[Math.max(0, model.get("queries").indexOf(text)) % palette.length];

  function draw() {
    const frame = model.get("frame"), queries = model.get("queries"), agreement = model.get("agreement");
    const asked = sentences.asked();
    if (clip) {
      frames.set(frame, `${frame + 1} of ${clip.frames}`);
      const context = prepare(canvas, clip);
      drawFrame(context, clip, frame);
      caption.textContent = drawReason(context, frame) || drawMasks(context, frame, asked);
      el.firstChild.dataset.answered = queries.length && queries.every((text) => clip.predictions.get(text)?.masks[frame]) ? "yes" : "no";
    }
    sentences.setFindings(asked.map(({ text, whole }) => ({ verdict: verdictOn(text), truth: truthOn(text, whole, frame) })));
    if (model.get("compare")) phrasings.draw({ clip, frame, queries, opacity: model.get("opacity"), agreement });
    else phrasings.hide();
  }

  /** Whether the clip shows it: the verdict in the middle of those of its frames. */
  function verdictOn(text) {
    const known = (clip?.predictions.get(text)?.verdicts || []).filter(Boolean).map((verdict) => VERDICTS.indexOf(verdict)).sort();
    return known.length ? VERDICTS[known[known.length >> 1]] : "";
  }

  /** How far a mask is right in a frame whose truth is known. */
  function truthOn(text, whole, frame) {
    const mask = clip?.predictions.get(text)?.masks[frame];
    if (!mask || !clip.truth.length) return "";
    const described = model.get("examples"), overlaps = clip.truth.map((masks) => mask.overlap(masks[frame]));
    const meant = described.findIndex((group) => group.includes(whole) || group.includes(text));
    if (meant >= 0) return `IoU ${overlaps[meant].toFixed(2)} with the truth in this frame`;
    const most = overlaps.indexOf(Math.max(...overlaps));
    return overlaps[most] ? `lies most on “${described[most][0]}” (IoU ${overlaps[most].toFixed(2)})` : "lies on none of the actors";
  }

  /** Why: what a word or a place attends to. Returns the caption, or nothing if there is no such map. */
  function drawReason(context, frame) {
    const prediction = clip.predictions.get(chosen ? chosen.text : pointed ? pointed.text : "");
    if (!prediction) return "";
    if (chosen && !pointed) {
      if (chosen.map) drawMap(context, clip, chosen.map);
      drawPlace(context, clip, prediction, [chosen.row, chosen.column], inkOf(chosen.text));
      if (!chosen.map) return "Asking which places it listens to …";
      return `The marked place listens to the bright ones: each gives it ${percents(chosen.map.range)} of what it takes (all alike: ${percent(1 / chosen.map.values.length)}).`;
    }
    const values = pointed && prediction.maps[frame];
    if (!values) return "";
    const cells = prediction.rows * prediction.columns;
    drawMap(context, clip, { values: values.subarray(pointed.index * cells, (pointed.index + 1) * cells), rows: prediction.rows, columns: prediction.columns });
    if (prediction.masks[frame]) drawOutline(context, prediction.masks[frame], inkOf(pointed.text));
    return `“${pointed.word}” gets from ${percents(prediction.ranges[frame][pointed.index])} of the attention of a place: dark to bright.`;
  }

  function drawMasks(context, frame, asked) {
    const said = [], moved = [];
    asked.forEach(({ text, whole, crossed }, at) => {
      const colour = palette[at % palette.length], prediction = clip.predictions.get(text);
      const mask = prediction?.masks[frame], before = crossed.length && clip.predictions.get(whole)?.masks[frame];
      if (!mask) return;
      drawMask(context, mask, colour, model.get("opacity") * (verdictOn(text) === "not here" ? FAINT : 1));
      if (before) {
        drawOutline(context, before, colour, [2, 7]);
        moved.push(`Without ${crossed.map((word) => `“${word}”`).join(", ")} the mask shares ${percent(mask.overlap(before))} with the one before (IoU, dotted).`);
      }
      said.push(`“${text}” covers ${percent(mask.coverage)}`);
    });
    if (showTruth.checked) clip.truth.forEach((masks) => drawOutline(context, masks[frame], "black", [6, 6]));
    const expertKeys = expert.open ? " Arrow keys choose a place and show which places it listens to, Escape goes back." : "";
    canvas.setAttribute("aria-label", `Frame ${frame + 1} of ${clip.frames}. ${said.join(", ")}.${expertKeys} Space plays.`);
    return moved.join(" ") || (said.length ? "Click a word to cross it out, and see whether the mask needs it." : "");
  }

  function drawExamples() {
    const groups = model.get("examples").filter((group) => group.length), all = model.get("compare");
    const button = (text, wanted) => {
      const made = element("button", { type: "button", className: "acga-quiet", textContent: text });
      made.addEventListener("click", () => { const texts = wanted(); sentences.setTexts(texts); ask(texts); });
      return made;
    };
    const added = (text) => () => [...sentences.texts().filter((other) => other.trim() && other !== text), text].slice(-palette.length);
    examples.replaceChildren(element("span", { className: "acga-small", textContent: all ? "Phrasings of:" : "Try:" }),
      ...groups.map((group) => button(group[0], all ? () => group : added(group[0]))));
    fooling.replaceChildren(element("span", { className: "acga-small", textContent: "Fool it:" }), ...model.get("fooling").map((text) => button(text, added(text))));
    examples.hidden = !groups.length;
    fooling.hidden = !model.get("fooling").length;
    draw();
  }

  // What changes without the reader
  const watch = {
    "change:clips": () => gallery.show(model.get("clips"), model.get("clip")),
    "change:clip": () => { showComposer(false); el.firstChild.dataset.answered = "no"; gallery.show(model.get("clips"), model.get("clip")); },
    "change:queries": () => { if (!sameTexts(sentences.texts(), model.get("queries"))) sentences.setTexts(model.get("queries")); draw(); },
    "change:rows": () => sentences.setParsed(model.get("rows")),
    "change:examples": drawExamples,
    "change:fooling": drawExamples,
    "change:compare": () => { compare.checked = model.get("compare"); drawExamples(); },
    "change:frame": draw,
    "change:opacity": () => { opacity.set(model.get("opacity"), percent(model.get("opacity"))); draw(); },
    "change:threshold_ratio": () => thresholdRatio.set(model.get("threshold_ratio"), percent(model.get("threshold_ratio"))),
    "change:agreement": draw,
    "change:progress": () => { stop.hidden = !model.get("progress")[1]; },
    "change:status": () => { status.textContent = model.get("status"); },
    "change:problem": () => { problem.textContent = model.get("problem"); },
    "comm_live_update": () => { problem.textContent = "The kernel was restarted or stopped: run the cell again to go on."; setPlaying(false); },
  };
  for (const [event, react] of Object.entries(watch)) model.on(event, react);
  sentences.setTexts(model.get("queries"));
  for (const event of ["clips", "rows", "compare", "opacity", "threshold_ratio", "progress", "status", "problem"]) watch[`change:${event}`]();
  setPlaying(false);
  caption.textContent = "Waiting for the kernel. In a saved notebook, run the cell to bring the demo to life.";
  model.send({ kind: "ready" });

  return () => {
    clearTimeout(playing);
    model.off("msg:custom", receive);
    for (const [event, react] of Object.entries(watch)) model.off(event, react);
  };
}

const sameTexts = (some, others) => some.filter((text) => text.trim()).join("\n") === others.filter((text) => text.trim()).join("\n");

export default { render };
