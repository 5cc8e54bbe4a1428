// The page of the query demo: what the kernel sends is kept in `clip`, and every change ends in `draw`.

function render({ model, el }) {
  const palette = model.get("palette"), limits = model.get("limits");
  let clip = null; // {id, width, height, frames, pauses, pictures, predictions: by text {masks, maps, ranges, verdicts}}
  let pointed = null; // the word that is pointed at: {text, index, word}
  let chosen = null; // the place that was clicked: {row, column, frame, text, map}
  let cursor = [0, 0]; // the place that the arrow keys moved to
  let playing = null;

  // What is on the page
  const sentences = sentenceRows({ palette, ask, point, most: palette.length });
  const examples = element("div", { className: "acga-examples" });
  const compare = element("input", { type: "checkbox", checked: model.get("compare") });
  const status = element("p", { className: "acga-status", role: "status" });
  const problem = element("p", { className: "acga-problem", role: "alert" });
  const file = element("input", { type: "file", accept: "video/mp4,video/quicktime,video/webm,image/gif,.mp4,.mov,.webm,.gif", className: "acga-file", "aria-label": "Upload a clip" });
  const upload = element("label", { className: "acga-upload" }, file, element("span", { textContent: "Upload a clip" }));
  const canvas = element("canvas", { className: "acga-canvas", tabIndex: 0, role: "application" });
  const caption = element("p", { className: "acga-caption", "aria-live": "polite" });
  const play = element("button", { type: "button", className: "acga-play" });
  const frames = slider("Frame", { min: 0, max: 0, step: 1, value: 0 });
  const opacity = slider("Opacity of the masks", { min: 0, max: 1, step: 0.05, value: model.get("opacity") });
  const thresholdRatio = slider("Threshold, of the largest response", { min: 0.05, max: 0.95, step: 0.05, value: model.get("threshold_ratio") });
  const phrasings = element("div", { className: "acga-phrasings", hidden: true });
  el.replaceChildren(element("div", { className: "acga" },
    element("div", { className: "acga-source" }, upload, element("span", { className: "acga-small", textContent: limits.text })),
    element("div", { className: "acga-body" },
      element("div", { className: "acga-side" }, sentences.form, examples,
        element("label", { className: "acga-check" }, compare, "Compare the sentences: do phrasings of one actor agree?"), status, problem),
      element("div", { className: "acga-stage" }, canvas, caption,
        element("div", { className: "acga-transport" }, play, frames.node),
        element("div", { className: "acga-sliders" }, opacity.node, thresholdRatio.node)),
      phrasings)));

  // What the reader does
  function ask(texts) {
    const said = texts.filter((text, at) => text.trim() || at === 0);
    unchoose();
    if (said.join("\n") === model.get("queries").join("\n")) return model.send({ kind: "again" });
    model.set("queries", said); // not by a message: the answer to an earlier question must not undo what was typed since
    model.save_changes();
  }

  function point(word) {
    pointed = word;
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
  }

  function choose([row, column]) {
    const text = active();
    if (!text) return;
    setPlaying(false);
    sentences.unpin();
    pointed = null;
    cursor = [row, column];
    chosen = { row, column, frame: model.get("frame"), text, map: null };
    model.send({ kind: "attention", query: text, frame: chosen.frame, place: [row, column], clip: clip.id });
    draw();
  }

  function unchoose() {
    chosen = pointed = null;
    sentences.unpin();
  }

  /** The sentence that a click on the picture is about: the one that was last pointed at or typed in, if it was answered. */
  let latest = "";
  function active() {
    if (!clip) return "";
    const answered = model.get("queries").filter((text) => clip.predictions.has(text));
    return answered.includes(latest) ? latest : answered[0] || "";
  }

  play.addEventListener("click", () => {
    setPlaying(!playing);
    if (!playing) model.save_changes(); // the kernel need not hear of every frame in between
  });
  frames.input.addEventListener("input", () => { setPlaying(false); show(Number(frames.input.value)); model.save_changes(); });
  opacity.input.addEventListener("input", () => { model.set("opacity", Number(opacity.input.value)); model.save_changes(); draw(); });
  thresholdRatio.input.addEventListener("input", () => { model.set("threshold_ratio", Number(thresholdRatio.input.value)); model.save_changes(); draw(); });
  compare.addEventListener("change", () => { model.set("compare", compare.checked); model.save_changes(); draw(); });
  sentences.form.addEventListener("focusin", (event) => {
    const at = [...sentences.form.querySelectorAll(".acga-row")].findIndex((row) => row.contains(event.target));
    if (at >= 0) latest = sentences.texts()[at];
  });
  canvas.addEventListener("click", (event) => {
    const grid = gridOf(active());
    if (!grid) return;
    const box = canvas.getBoundingClientRect();
    choose(placeOf(clip, grid, ((event.clientX - box.left) / box.width) * clip.width, ((event.clientY - box.top) / box.height) * clip.height));
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const grid = gridOf(active());
    if (step && grid) {
      const within = (at, count) => Math.min(Math.max(at, 0), count - 1);
      choose([within(cursor[0] + step[0], grid.rows), within(cursor[1] + step[1], grid.columns)]);
    } else if (event.key === "Enter" && grid) choose(cursor);
    else if (event.key === "Escape") { unchoose(); draw(); }
    else if (event.key === " ") setPlaying(!playing);
    else return;
    event.preventDefault();
  });
  file.addEventListener("change", () => { take(file.files[0]); file.value = ""; });
  el.addEventListener("dragover", (event) => event.preventDefault());
  el.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); });

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
      setPlaying(false);
      unchoose();
      const next = { ...message, pictures: [], predictions: new Map() };
      clip = next;
      frames.input.max = clip.frames - 1;
      model.set("frame", message.frame);
      await Promise.all(buffers.map(async (bytes, at) => { next.pictures[at] = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })); }));
      draw();
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
        prediction.masks[frame] = unpackMask(masks.subarray(at * size, (at + 1) * size), clip.width, clip.height);
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
    file(message, buffers) {
      const address = URL.createObjectURL(new Blob(buffers, { type: message.type }));
      element("a", { href: address, download: message.name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    },
  };
  const receive = (message, buffers) => receivers[message.kind]?.(message, buffers);
  model.on("msg:custom", receive);

  // What is drawn
  function gridOf(text) {
    const prediction = clip && clip.predictions.get(text);
    return prediction && prediction.rows ? prediction : null;
  }

  function draw() {
    const frame = model.get("frame"), queries = model.get("queries");
    if (clip) {
      frames.set(frame, `${frame + 1} of ${clip.frames}`);
      const context = prepare(canvas, clip);
      drawFrame(context, clip, frame);
      caption.textContent = drawReason(context, frame) || drawMasks(context, frame, queries);
      el.querySelector(".acga").dataset.answered = queries.length && queries.every((text) => clip.predictions.get(text)?.masks[frame]) ? "yes" : "no";
    }
    sentences.setVerdicts(sentences.texts().map((text) => clip?.predictions.get(text.trim())?.verdicts[frame] || ""));
    drawPhrasings(frame, queries);
  }

  const inkOf = (text) => palette[Math.max(0, model.get("queries").indexOf(text)) % palette.length];

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

  function drawMasks(context, frame, queries) {
    const said = [];
    queries.forEach((text, at) => {
      const mask = clip.predictions.get(text)?.masks[frame];
      drawMask(context, mask, palette[at % palette.length], model.get("opacity"));
      if (mask) said.push(`“${text}” covers ${percent(mask.coverage)}`);
    });
    canvas.setAttribute("aria-label", `Frame ${frame + 1} of ${clip.frames}. ${said.join(", ")}. Arrow keys choose a place and show which places it listens to, Escape goes back, space plays.`);
    return said.length ? "Point at a word to see where it is heard. Click the picture to see which places that place listens to." : "";
  }

  function drawPhrasings(frame, queries) {
    const on = model.get("compare") && clip && queries.length > 0;
    phrasings.hidden = !on;
    if (!on) return;
    while (phrasings.children.length > queries.length + 1) phrasings.lastChild.remove();
    while (phrasings.children.length < queries.length + 1) {
      phrasings.append(phrasings.children.length ? element("figure", {}, element("canvas"), element("figcaption")) : element("p", { className: "acga-agreement" }));
    }
    const agreement = model.get("agreement"), here = agreement[frame];
    const mean = agreement.reduce((sum, value) => sum + value, 0) / agreement.length;
    phrasings.firstChild.textContent = queries.length < 2 ? "Add another sentence for the same actor to compare." :
      here === undefined || here === null ? "Comparing …" :
      `Agreement (mean IoU of each two masks): ${here.toFixed(2)} in this frame, ${mean.toFixed(2)} over the clip.`;
    queries.forEach((text, at) => {
      const [picture, label] = phrasings.children[at + 1].children;
      const context = prepare(picture, clip, 400);
      drawFrame(context, clip, frame);
      drawMask(context, clip.predictions.get(text)?.masks[frame], palette[at % palette.length], model.get("opacity"));
      picture.setAttribute("role", "img");
      picture.setAttribute("aria-label", `The mask of: ${text}`);
      label.textContent = text;
      phrasings.children[at + 1].style.setProperty("--ink", palette[at % palette.length]);
    });
  }

  function drawExamples() {
    const groups = model.get("examples").filter((group) => group.length), all = model.get("compare");
    examples.replaceChildren(...(groups.length ? [element("span", { className: "acga-small", textContent: all ? "Phrasings of:" : "Try:" })] : []),
      ...groups.map((group) => {
        const example = element("button", { type: "button", className: "acga-quiet", textContent: group[0] });
        example.addEventListener("click", () => {
          const wanted = all ? group : [...sentences.texts().filter((text) => text.trim() && text !== group[0]), group[0]].slice(-palette.length);
          sentences.setTexts(wanted);
          ask(wanted);
        });
        return example;
      }));
  }

  // What changes without the reader
  const watch = {
    "change:queries": () => { if (!sameTexts(sentences.texts(), model.get("queries"))) sentences.setTexts(model.get("queries")); draw(); },
    "change:rows": () => sentences.setParsed(model.get("rows")),
    "change:examples": drawExamples,
    "change:compare": () => { compare.checked = model.get("compare"); drawExamples(); draw(); },
    "change:frame": draw,
    "change:opacity": () => { opacity.set(model.get("opacity"), percent(model.get("opacity"))); draw(); },
    "change:threshold_ratio": () => thresholdRatio.set(model.get("threshold_ratio"), percent(model.get("threshold_ratio"))),
    "change:agreement": draw,
    "change:status": () => { status.textContent = model.get("status"); },
    "change:problem": () => { problem.textContent = model.get("problem"); },
    "comm_live_update": () => { problem.textContent = "The kernel was restarted or stopped: run the cell again to go on."; setPlaying(false); },
  };
  for (const [event, react] of Object.entries(watch)) model.on(event, react);
  sentences.setTexts(model.get("queries"));
  for (const event of ["change:rows", "change:compare", "change:opacity", "change:threshold_ratio", "change:status", "change:problem"]) watch[event]();
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
