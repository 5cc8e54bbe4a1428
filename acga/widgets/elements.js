// What the page is built of. All text from outside goes through textContent, so markup stays text.

/** An element with properties ("aria-…" and "data-…" as attributes) and children. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** A labelled slider that shows its value. */
function slider(label, properties) {
  const input = element("input", { type: "range", ...properties, "aria-label": label });
  const shown = element("output", { className: "acga-small" });
  const node = element("label", { className: "acga-slider" }, element("span", { className: "acga-small", textContent: label }), input, shown);
  const set = (value, text) => {
    input.value = value;
    input.setAttribute("aria-valuetext", text);
    shown.textContent = text;
  };
  return { node, input, set };
}

/** A labelled list to choose from. */
function choice(label, options, value) {
  const node = element("select", { "aria-label": label }, ...options.map((option) => element("option", { value: option, textContent: option })));
  node.value = value;
  return node;
}

/** A part that can be folded away. */
function folded(summary, className, ...children) {
  return element("details", { className: `acga-folded ${className}` }, element("summary", { textContent: summary }), ...children);
}

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const percent = (value) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
const percents = ([low, high]) => `${percent(low)} to ${percent(high)}`;
