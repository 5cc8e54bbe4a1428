// The precomputed demo: clips, sentences, words and threshold, all from the numbers that the page holds.

const clips = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const canvas = at("picture"), context = canvas.getContext("2d", { willReadFrequently: true });
const INK = [230, 70, 20], GLOW = [255, 190, 0];
const state = { clip: 0, query: 0, left: null, frame: 0, share: 0.5, word: null, playing: !matchMedia("(prefers-reduced-motion: reduce)").matches };
const loaded = new Map();

/** The grey values of a strip of maps, once its picture is decoded. */
async function strip(address) {
  if (!loaded.has(address)) {
    loaded.set(address, (async () => {
      const picture = new Image();
      picture.src = address;
      await picture.decode();
      const copy = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
      copy.drawImage(picture, 0, 0);
      const pixels = copy.getImageData(0, 0, picture.width, picture.height).data;
      return { width: picture.width, values: Uint8Array.from({ length: picture.width * picture.height }, (_, i) => pixels[4 * i]) };
    })());
  }
  return loaded.get(address);
}

const query = () => clips[state.clip].queries[state.query];
const asked = () => (state.left === null ? query().text : query().without[state.left]);
const answer = () => clips[state.clip].answers[asked()];

/** A map of `rows` x `columns` at a place of the canvas, between its cells. */
function smooth(values, rows, columns, y, x) {
  const row = Math.min(Math.max(y * rows - 0.5, 0), rows - 1), column = Math.min(Math.max(x * columns - 0.5, 0), columns - 1);
  const top = Math.floor(row), left = Math.floor(column), down = Math.min(top + 1, rows - 1), right = Math.min(left + 1, columns - 1);
  const v = row - top, u = column - left, value = (r, c) => values[r * columns + c];
  return (value(top, left) * (1 - u) + value(top, right) * u) * (1 - v) + (value(down, left) * (1 - u) + value(down, right) * u) * v;
}

async function map(frame) {
  const { maps, rows } = answer(), { width, values } = await strip(maps);
  return { rows, columns: width, values: values.subarray(frame * rows * width, (frame + 1) * rows * width) };
}

/** The attention of all places to a word in a frame. */
async function attention(frame, word) {
  const { attention: address, cells: [rows] } = answer(), { width, values } = await strip(address);
  const words = asked().split(" ").length, start = (frame * words + word) * rows * width;
  return { rows, columns: width, values: values.subarray(start, start + rows * width) };
}

/** Bool, by pixel of the canvas: where the response reaches the share of its maximum. */
async function mask() {
  const { rows, columns, values } = await map(state.frame), { width, height } = canvas, inside = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    inside[y * width + x] = smooth(values, rows, columns, (y + 0.5) / height, (x + 0.5) / width) > 255 * state.share;
  }
  return inside;
}

let drawn = 0;
async function draw() {
  const turn = ++drawn, clip = clips[state.clip], picture = new Image();
  picture.src = clip.frames[state.frame];
  await picture.decode();
  const word = state.word, shown = word === null ? null : await attention(state.frame, word);
  const inside = await mask();
  if (turn !== drawn) return;  // something newer is asked for
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const image = context.getImageData(0, 0, canvas.width, canvas.height), { data } = image, { width, height } = canvas;
  const most = shown ? Math.max(1, ...shown.values) : 1;
  let area = 0;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const i = y * width + x;
    area += inside[i];
    const edge = inside[i] && !(inside[i - 1] && inside[i + 1] && inside[i - width] && inside[i + width]);
    const alpha = shown ? 0.75 * smooth(shown.values, shown.rows, shown.columns, (y + 0.5) / height, (x + 0.5) / width) / most : edge ? 1 : inside[i] ? 0.45 : 0;
    const ink = shown ? GLOW : edge ? [255, 255, 255] : INK;
    if (alpha) for (let c = 0; c < 3; c++) data[4 * i + c] += alpha * (ink[c] - data[4 * i + c]);
  }
  context.putImageData(image, 0, 0);
  at("said").textContent = word === null
    ? `"${asked()}": ${answer().verdict || "no verdict"}; the mask covers ${(100 * area / (width * height)).toFixed(1)} % of frame ${state.frame + 1}.`
    : `Who attends to "${asked().split(" ")[word]}": the brighter, the more.`;
  canvas.dataset.area = area;
}

/** Shade the words by what a place of the picture attends to. */
async function shade(y, x) {
  const buttons = [...at("words").children], here = answer();
  if (!here.attention) return;
  const words = asked().split(" ").length, weights = [];
  for (let word = 0; word < words; word++) {
    const { rows, columns, values } = await attention(state.frame, word);
    weights.push(values[Math.min(Math.floor(y * rows), rows - 1) * columns + Math.min(Math.floor(x * columns), columns - 1)] / 255);
  }
  buttons.filter((_, word) => word !== state.left).forEach((button, word) => {
    button.style.setProperty("--weight", weights[word]);
    button.title = `${(100 * weights[word]).toFixed(0)} % of the attention of this place`;
    button.dataset.weight = weights[word];
  });
}

function unshade() {
  for (const button of at("words").children) { button.style.removeProperty("--weight"); button.title = ""; }
}

function button(label, pressed, onclick) {
  const made = document.createElement("button");
  made.type = "button";
  made.append(...[label].flat());
  made.setAttribute("aria-pressed", pressed);
  made.addEventListener("click", onclick);
  return made;
}

function small(text) {
  const made = document.createElement("small");
  made.textContent = text;
  return made;
}

/** Change what is shown by a button, which keeps the focus. */
function choose(group, number, changes) {
  Object.assign(state, { word: null, ...changes });
  show();
  at(group).children[number].focus();
}

function show() {
  const clip = clips[state.clip];
  [canvas.width, canvas.height] = clip.size;
  at("frame").max = clip.frames.length - 1;
  at("clips").replaceChildren(...clips.map((one, number) => {
    const still = new Image();
    still.src = one.frames[one.frames.length >> 1];
    still.alt = "";
    return button([still, one.title], number === state.clip, () => choose("clips", number, { clip: number, query: 0, left: null, frame: 0 }));
  }));
  at("sentences").replaceChildren(...clip.queries.map((one, number) => button(
    [one.text, small(clip.answers[one.text].verdict)], number === state.query,
    () => choose("sentences", number, { query: number, left: null }))));
  at("words").replaceChildren(...query().words.map((word, number) => {
    const made = button(word, number === state.left, () => {
      if (query().words.length > 1) choose("words", number, { left: state.left === number ? null : number });
    });
    const place = () => (state.left === null || number < state.left ? number : number - 1);
    const hover = (over) => () => { state.word = over && number !== state.left ? place() : null; draw(); };
    made.addEventListener("mouseenter", hover(true));
    made.addEventListener("mouseleave", hover(false));
    return made;
  }));
  draw();
}

function move(to) {
  state.frame = (to + clips[state.clip].frames.length) % clips[state.clip].frames.length;
  at("frame").value = state.frame;
  draw();
}

function play(playing) {
  state.playing = playing;
  at("play").textContent = playing ? "Pause" : "Play";
}

at("play").addEventListener("click", () => play(!state.playing));
at("frame").addEventListener("input", (event) => { play(false); move(Number(event.target.value)); });
at("threshold").addEventListener("input", (event) => {
  state.share = Number(event.target.value) / 100;
  at("share").textContent = `${event.target.value} %`;
  draw();
});
canvas.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) { event.preventDefault(); play(false); move(state.frame + step); }
});
canvas.addEventListener("mousemove", (event) => shade(event.offsetY / canvas.clientHeight, event.offsetX / canvas.clientWidth));
canvas.addEventListener("mouseleave", unshade);

let last = 0;
function tick(now) {
  if (state.playing && state.word === null && now - last > 1000 * clips[state.clip].seconds) { last = now; move(state.frame + 1); }
  requestAnimationFrame(tick);
}
play(state.playing);
show();
requestAnimationFrame(tick);
