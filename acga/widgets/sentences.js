// The sentences: a row each, with its words as buttons that cross them out.

/** Rows to type in. `ask(texts)` is called when the reader is done, `point(word or null)` when a word is pointed at. */
function sentenceRows({ palette, ask, point, most }) {
  const list = element("ol", { className: "acga-rows" });
  const add = element("button", { type: "button", className: "acga-quiet", textContent: "+ another sentence" });
  const form = element("form", { className: "acga-form" }, list,
    element("div", { className: "acga-buttons" },
      element("button", { type: "submit", className: "acga-ask", textContent: "Ask" }), add));
  let rows = [];
  let latest = null; // the row that was last typed in or pointed at

  /** What a row asks: its sentence without the words that are crossed out. */
  const textOf = (row) => (row.crossed.size ? row.said.filter((_, at) => !row.crossed.has(at)).join(" ") : row.input.value);
  const texts = () => rows.map(textOf);
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
    const words = element("div", { className: "acga-words", role: "group", "aria-label": `Words of sentence ${number}: click one to cross it out` });
    const problem = element("p", { className: "acga-problem", role: "alert" });
    const verdict = element("output", { className: "acga-verdict", "aria-label": `Is it there? Sentence ${number}` });
    const truth = element("span", { className: "acga-small acga-truth" });
    const node = element("li", { className: "acga-row" }, element("div", { className: "acga-line" }, input, verdict, remove), words, truth, problem);
    node.style.setProperty("--ink", colour);
    // `said`: the words; `crossed`: numbers of those that are left out; `shown`: what is parsed, to tell whether it changed
    const row = { input, verdict, truth, remove, words, problem, node, said: [], crossed: new Set(), shown: "" };
    input.addEventListener("input", () => row.crossed.clear());
    input.addEventListener("change", submit); // also when the reader leaves the line
    node.addEventListener("focusin", () => { latest = row; });
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
      else if (textOf(rows[at]) !== text) {
        rows[at].crossed.clear();
        rows[at].input.value = text;
      }
    });
    update();
  }

  /** Show how the kernel parsed the sentences: [{text, words: [{word, known, near}], problem}]. */
  function setParsed(parsed) {
    rows.forEach((row, at) => {
      const sentence = parsed[at];
      row.problem.textContent = sentence ? sentence.problem : "";
      if (row.crossed.size) return; // the words of the whole sentence stay
      const key = JSON.stringify(sentence || "");
      if (row.shown === key) return;
      row.shown = key;
      row.said = sentence ? sentence.words.map(({ word }) => word) : [];
      row.words.replaceChildren(...(sentence ? sentence.words.map((word, index) => wordNode(row, word, index)) : []));
    });
    markCrossed();
  }

  /** Show beside each sentence whether the clip shows it ("found", "unsure", "not here" or ""), and a line on the truth. */
  function setFindings(findings) {
    rows.forEach((row, at) => {
      const { verdict, truth } = findings[at];
      if (row.verdict.textContent !== verdict) row.verdict.textContent = verdict;
      row.verdict.dataset.verdict = verdict;
      row.truth.textContent = truth;
    });
  }

  function wordNode(row, { word, known, near }, index) {
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
    const button = element("button", { type: "button", className: "acga-word", textContent: word, title: "Click to cross the word out" });
    button.dataset.index = index;
    const here = () => (row.crossed.has(index) ? null : { text: textOf(row), word, index: row.said.slice(0, index).filter((_, at) => !row.crossed.has(at)).length });
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => point(here()));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => point(null));
    button.addEventListener("click", () => {
      if (row.crossed.delete(index)) submit();
      else if (row.said.length - row.crossed.size > 1) { // one word stays
        row.crossed.add(index);
        submit();
      }
      markCrossed();
      point(here());
    });
    return button;
  }

  function markCrossed() {
    for (const row of rows) {
      for (const word of row.words.querySelectorAll(".acga-word")) word.setAttribute("aria-pressed", String(row.crossed.has(Number(word.dataset.index))));
    }
  }

  /** Add words to the sentence that was last typed in. */
  function addWords(words) {
    const row = rows.includes(latest) ? latest : rows[0];
    row.input.value = `${textOf(row).trim()} ${words}`.trim();
    row.crossed.clear();
    submit();
  }

  /** For each row, what it asks, and if words are crossed out the sentence that it had been and those words. */
  const asked = () => rows.map((row) => ({ text: textOf(row).trim(), whole: row.input.value.trim(), crossed: row.said.filter((_, at) => row.crossed.has(at)) }));
  /** The number of the row that was last typed in or pointed at. */
  const current = () => Math.max(0, rows.indexOf(latest));

  return { form, setTexts, setParsed, setFindings, texts, asked, current, addWords };
}

/** A sentence with one of its words replaced, whatever its case. */
function replaceWord(sentence, word, other) {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return sentence.replace(new RegExp(`(^|[^a-z'])${escaped}(?![a-z'])`, "iu"), (_, before) => before + other);
}
