// The precomputed demo: clips, sentences, words and threshold, all from the numbers that the page holds.

const { clips, palette } = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const canvas = at("picture");
// `left`: the word that is crossed out; `word`: the one that is pointed at; `place`: [x, y] of the frame that is pointed at
const state = { clip: 0, query: 0, left: null, frame: 0, share: 0.5, word: null, place: null, playing: !matchMedia("(prefers-reduced-motion: reduce)").matches };
const loaded = new Map();

/** A picture from its address, decoded once. */
async function decoded(address) {
  if (!loaded.has(address)) {
    const picture = new Image();
    picture.src = address;
    loaded.set(address, picture.decode().then(() => picture));
  }
  return loaded.get(address);
}

/** The grey values of a strip of maps. */
async function strip(address) {
  const picture = await decoded(address);
  if (!picture.grey) {
    const copy = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    copy.drawImage(picture, 0, 0);
    const pixels = copy.getImageData(0, 0, picture.width, picture.height).data;
    picture.grey = Uint8Array.from({ length: picture.width * picture.height }, (_, i) => pixels[4 * i]);
  }
  return { width: picture.width, values: picture.grey };
}

const query = () => clips[state.clip].queries[state.query];
const asked = () => (state.left === null ? query().text : query().without[state.left]);
const answer = () => clips[state.clip].answers[asked()];
const words = () => asked().split(" ");
const ink = () => palette[state.query % palette.length];

/** A map of `rows` x `columns` at a place (shares of the frame), between its samples. */
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

/** The attention of all cells of the square to a word in a frame, in 255ths. */
async function attention(frame, word) {
  const { attention: address, cells: rows } = answer(), { width, values } = await strip(address);
  const start = (frame * words().length + word) * rows * width;
  return { rows, columns: width, values: values.subarray(start, start + rows * width) };
}

/** The heaviest connected part of where the response reaches the share of its maximum, as the package keeps it. */
async function mask({ width, height }) {
  const { rows, columns, values } = await map(state.frame), response = new Float32Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    response[y * width + x] = smooth(values, rows, columns, (y + 0.5) / height, (x + 0.5) / width);
  }
  const bytes = new Uint8Array(Math.ceil(width * height / 8));
  for (const bit of heaviestPiece(response, 255 * state.share, width)) bytes[bit >> 3] |= 128 >> (bit & 7);
  return new Mask(bytes, width, height);
}

/** The places of the connected part above a threshold whose responses have the largest sum. */
function heaviestPiece(response, threshold, width) {
  const seen = new Uint8Array(response.length);
  let best = [], most = 0;
  for (let start = 0; start < response.length; start++) {
    if (seen[start] || response[start] <= threshold) continue;
    const piece = [start];
    let sum = 0;
    seen[start] = 1;
    for (let next = 0; next < piece.length; next++) {
      const at = piece[next], x = at % width;
      sum += response[at];
      for (let dy = -width; dy <= width; dy += width) for (let dx = x ? -1 : 0; dx <= (x < width - 1 ? 1 : 0); dx++) {
        const near = at + dy + dx;
        if (near >= 0 && near < response.length && !seen[near] && response[near] > threshold) { seen[near] = 1; piece.push(near); }
      }
    }
    if (sum > most) [best, most] = [piece, sum];
  }
  return best;
}

let asking = 0;
async function draw() {
  const turn = ++asking, { size: [width, height], frames } = clips[state.clip], { frame, word, place } = state, { verdict } = answer();
  const picture = await decoded(frames[frame]), found = await mask({ width, height });
  const maps = answer().attention ? await Promise.all(words().map((_, number) => attention(frame, number))) : [];
  if (turn !== asking) return; // something newer is asked for
  const clip = { width, height, pictures: { [frame]: picture } }, context = prepare(canvas, clip);
  drawFrame(context, clip, frame);
  if (word !== null && maps.length) {
    const most = Math.max(1, ...maps[word].values);
    drawMap(context, clip, { ...maps[word], values: maps[word].values.map((value) => 255 * value / most) });
    drawOutline(context, found, ink());
  } else drawMask(context, found, ink(), 0.45);
  let said = `The mask of “${asked()}” covers ${percent(found.coverage)} of this picture${verdict && `. Verdict: ${verdict}`}.`;
  const cell = place && maps.length ? placeOf(clip, maps[0], ...place) : null;
  const weights = cell && maps.map(({ columns, values }) => values[cell[0] * columns + cell[1]] / 255);
  if (cell) {
    drawPlace(context, clip, maps[0], cell, ink());
    const most = weights.indexOf(Math.max(...weights));
    said = `The marked cell attends most to “${words()[most]}”: ${percent(weights[most])}.`;
  }
  if (word !== null) said = `Bright: the cells that attend to “${words()[word]}”.`;
  if (!state.playing || cell || word !== null) at("said").textContent = said;
  else at("said").textContent = verdict ? `Verdict on “${asked()}”: ${verdict}.` : `Shown: “${asked()}”.`;
  shade(weights);
  canvas.dataset.area = found.area;
}

/** Shade the words by what the marked cell attends to. */
function shade(weights) {
  [...at("words").children].forEach((button, number) => {
    const word = number - (state.left !== null && number > state.left ? 1 : 0), shown = weights && number !== state.left;
    if (shown) {
      button.style.setProperty("--weight", weights[word]);
      button.dataset.weight = weights[word];
      button.dataset.percent = percent(weights[word]);
    } else {
      button.style.removeProperty("--weight");
      delete button.dataset.weight;
      delete button.dataset.percent;
    }
  });
}

function button(label, pressed, onclick) {
  const made = document.createElement("button");
  made.type = "button";
  made.append(...[label].flat());
  made.setAttribute("aria-pressed", pressed);
  made.addEventListener("click", onclick);
  return made;
}

/** Change what is shown by a button, which keeps the focus. */
function choose(group, number, changes) {
  Object.assign(state, { word: null, place: null, ...changes });
  show();
  at(group).children[number].focus();
}

function show() {
  const clip = clips[state.clip];
  at("frame").max = clip.frames.length - 1;
  at("clips").replaceChildren(...clips.map((one, number) => {
    const still = new Image();
    still.src = one.frames[one.frames.length >> 1];
    still.alt = "";
    return button([still, one.title], number === state.clip, () => choose("clips", number, { clip: number, query: 0, left: null, frame: 0 }));
  }));
  at("sentences").replaceChildren(...clip.queries.map((one, number) => button(
    [one.text, element("small", { textContent: clip.answers[one.text].verdict, "data-verdict": clip.answers[one.text].verdict })], number === state.query,
    () => choose("sentences", number, { query: number, left: null }))));
  at("words").replaceChildren(...query().words.map((word, number) => {
    const place = number - (state.left !== null && number > state.left ? 1 : 0), crossed = number === state.left;
    const point = (over) => { state.word = over && !crossed ? place : null; state.place = null; draw(); };
    const made = button(word, crossed, (event) => {
      if (event.pointerType === "touch" && !crossed && state.word !== place) point(true); // a finger cannot hover: it asks first
      else if (query().words.length > 1) choose("words", number, { left: crossed ? null : number });
    });
    for (const [event, over] of [["pointerenter", true], ["pointerleave", false]]) {
      made.addEventListener(event, ({ pointerType }) => { if (pointerType === "mouse") point(over); });
    }
    made.addEventListener("focus", () => { if (made.matches(":focus-visible")) point(true); });
    made.addEventListener("blur", () => { if (state.word === place) point(false); });
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
  draw();
}

at("play").addEventListener("click", () => play(!state.playing));
at("frame").addEventListener("input", (event) => { play(false); move(Number(event.target.value)); });
at("threshold").addEventListener("input", (event) => {
  state.share = Number(event.target.value) / 100;
  at("share").textContent = `${event.target.value} %`;
  draw();
});
canvas.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!step) return;
  event.preventDefault();
  const { size } = clips[state.clip], side = Math.max(...size) / answer().cells;
  mark((state.place ?? size.map((length) => length / 2)).map((from, axis) => Math.min(Math.max(from + side * step[axis], 0), size[axis] - 1)));
});
for (const event of ["pointermove", "pointerdown"]) {
  canvas.addEventListener(event, ({ offsetX, offsetY }) => {
    const [width, height] = clips[state.clip].size;
    mark([offsetX / canvas.clientWidth * width, offsetY / canvas.clientHeight * height]);
  });
}
canvas.addEventListener("pointerleave", ({ pointerType }) => { if (pointerType === "mouse") mark(null); });
canvas.addEventListener("blur", () => mark(null));

/** Point at a place of the frame. */
function mark(place) {
  Object.assign(state, { place, word: null });
  draw();
}

let last = 0;
function tick(now) {
  if (state.playing && state.word === null && state.place === null && now - last > 1000 * clips[state.clip].seconds) { last = now; move(state.frame + 1); }
  requestAnimationFrame(tick);
}
show();
play(state.playing);
requestAnimationFrame(tick);
