// The sentences: a row each, with its words as buttons.

/** Rows to type in. `ask(texts)` is called when the reader is done, `point(word or null)` when a word is pointed at. */
function sentenceRows({ palette, ask, point, most }) {
  const list = element("ol", { className: "acga-rows" });
  const add = element("button", { type: "button", className: "acga-quiet", textContent: "+ another sentence" });
  const form = element("form", { className: "acga-form" }, list,
    element("div", { className: "acga-buttons" },
      element("button", { type: "submit", className: "acga-ask", textContent: "Ask" }), add));
  let rows = [];
  let pinned = null; // the word that was clicked: {text, index}

  const texts = () => rows.map((row) => row.input.value);
  const submit = () => ask(texts());
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  add.addEventListener("click", () => { makeRow(""); rows.at(-1).input.focus(); });

  function makeRow(text) {
    const colour = palette[rows.length % palette.length];
    const number = rows.length + 1;
    const input = element("input", {
      type: "text", value: text, maxLength: 200, autocomplete: "off", spellcheck: false, enterKeyHint: "go",
      placeholder: "for example: dog on the left", "aria-label": `Sentence ${number}`,
    });
    const remove = element("button", { type: "button", className: "acga-remove", textContent: "×", "aria-label": `Remove sentence ${number}` });
    const words = element("div", { className: "acga-words", role: "group", "aria-label": `Words of sentence ${number}` });
    const problem = element("p", { className: "acga-problem", role: "alert" });
    const verdict = element("output", { className: "acga-verdict", "aria-label": `Is it there? Sentence ${number}` });
    const node = element("li", { className: "acga-row" }, element("div", { className: "acga-line" }, input, verdict, remove), words, problem);
    node.style.setProperty("--ink", colour);
    const row = { input, verdict, remove, words, problem, node, shown: "" };
    input.addEventListener("change", submit); // also when the reader leaves the line
    remove.addEventListener("click", () => {
      const left = texts().filter((_, at) => at !== rows.indexOf(row));
      setTexts(left);
      rows[Math.min(number, rows.length) - 1].input.focus();
      submit();
    });
    rows.push(row);
    list.append(node);
    update();
  }

  function update() {
    add.hidden = rows.length >= most;
    for (const row of rows) row.remove.hidden = rows.length < 2;
  }

  /** Show these sentences, at least one line. */
  function setTexts(wanted) {
    const shown = wanted.length ? wanted : [""];
    while (rows.length > shown.length) rows.pop().node.remove();
    shown.forEach((text, at) => {
      if (at >= rows.length) makeRow(text);
      else if (rows[at].input.value !== text) rows[at].input.value = text;
    });
    update();
  }

  /** Show how the kernel parsed the sentences: [{text, words: [{word, known, near}], problem}]. */
  function setParsed(parsed) {
    rows.forEach((row, at) => {
      const sentence = parsed[at];
      const key = JSON.stringify(sentence || "");
      if (row.shown === key) return;
      row.shown = key;
      row.problem.textContent = sentence ? sentence.problem : "";
      row.words.replaceChildren(...(sentence ? sentence.words.map((word, index) => wordNode(row, sentence.text, word, index)) : []));
    });
  }

  /** Show whether the frame shows what each sentence describes: "found", "unsure", "not here", or nothing where it is not known. */
  function setVerdicts(verdicts) {
    rows.forEach((row, at) => {
      row.verdict.textContent = verdicts[at] || "";
      row.verdict.dataset.verdict = verdicts[at] || "";
    });
  }

  function wordNode(row, text, { word, known, near }, index) {
    if (!known) {
      const offers = near.map((other) => {
        const offer = element("button", { type: "button", className: "acga-offer", textContent: other, "aria-label": `Replace ${word} by ${other}` });
        offer.addEventListener("click", () => {
          row.input.value = replaceWord(row.input.value, word, other);
          submit();
        });
        return offer;
      });
      return element("span", { className: "acga-unknown" },
        element("del", { textContent: word, title: "The model does not know this word" }),
        ...(offers.length ? [element("span", { className: "acga-small", textContent: "try" }), ...offers] : []));
    }
    const here = { text, index, word };
    const button = element("button", { type: "button", className: "acga-word", textContent: word, "aria-pressed": "false" });
    button.addEventListener("pointerenter", () => point(here));
    button.addEventListener("pointerleave", () => point(pinned));
    button.addEventListener("focus", () => point(here));
    button.addEventListener("blur", () => point(pinned));
    button.addEventListener("click", () => {
      pinned = pinned && pinned.text === text && pinned.index === index ? null : here;
      for (const other of list.querySelectorAll(".acga-word")) other.setAttribute("aria-pressed", String(other === button && pinned === here));
      point(pinned);
    });
    return button;
  }

  function unpin() {
    pinned = null;
    for (const word of list.querySelectorAll(".acga-word")) word.setAttribute("aria-pressed", "false");
  }

  return { form, setTexts, setParsed, setVerdicts, texts, unpin };
}

/** A sentence with one of its words replaced, whatever its case. */
function replaceWord(sentence, word, other) {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return sentence.replace(new RegExp(`(^|[^a-z'])${escaped}(?![a-z'])`, "iu"), (_, before) => before + other);
}
