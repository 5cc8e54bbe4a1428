// Masks, outlines and maps of attention over a frame. Lengths are pixels of the frame unless said otherwise.

const CANVAS = 900; // pixels: the longer side of the canvas, at most, if the frame is smaller
const DARK = 0.8; // how dark the places are that get least

/** Fit a canvas to frames of this size; returns a context that is scaled so that one unit is one pixel of the frame. */
function prepare(canvas, clip, most = CANVAS) {
  const scale = Math.max(1, Math.floor(most / Math.max(clip.width, clip.height)));
  if (canvas.width !== clip.width * scale || canvas.height !== clip.height * scale) {
    canvas.width = clip.width * scale;
    canvas.height = clip.height * scale;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.imageSmoothingQuality = "high";
  return context;
}

function drawFrame(context, clip, frame) {
  const picture = clip.pictures[frame];
  if (picture) context.drawImage(picture, 0, 0, clip.width, clip.height);
}

function drawMask(context, mask, colour, opacity) {
  if (!mask || !opacity) return;
  context.globalAlpha = opacity;
  context.fillStyle = colour;
  context.fill(mask.outline);
  context.globalAlpha = Math.min(1, 2 * opacity);
  drawOutline(context, mask, colour);
}

/** An outline with white around it, or a mask would drown in clothes of its colour; `dashes` are pixels of the screen. */
function drawOutline(context, mask, colour, dashes = []) {
  const pixel = 1 / context.getTransform().a;
  context.lineCap = context.lineJoin = "round";
  context.setLineDash(dashes.map((length) => length * pixel));
  for (const [ink, width] of [["white", 4], [colour, 2]]) {
    context.strokeStyle = ink;
    context.lineWidth = width * pixel;
    context.stroke(mask.outline);
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** Darken a frame but where a map {values, rows, columns} is bright. The map lies on the square that the frame is centred in. */
function drawMap(context, clip, map) {
  const small = document.createElement("canvas");
  small.width = map.columns;
  small.height = map.rows;
  const pixels = new ImageData(map.columns, map.rows);
  map.values.forEach((value, at) => pixels.data.set([8, 12, 24, 255 * DARK * (1 - value / 255)], 4 * at));
  small.getContext("2d").putImageData(pixels, 0, 0);
  const { left, top, side } = square(clip);
  context.imageSmoothingEnabled = true;
  context.save();
  context.beginPath();
  context.rect(0, 0, clip.width, clip.height);
  context.clip();
  context.drawImage(small, left, top, side, side);
  context.restore();
}

/** Mark the place [row, column] of a map. */
function drawPlace(context, clip, map, [row, column], colour) {
  const { left, top, side } = square(clip);
  const [height, width] = [side / map.rows, side / map.columns];
  const line = 2 / context.getTransform().a;
  for (const [ink, factor] of [["white", 2.4], [colour, 1]]) {
    context.strokeStyle = ink;
    context.lineWidth = factor * line;
    context.strokeRect(left + column * width, top + row * height, width, height);
  }
}

/** The network's square, around the frame. */
function square(clip) {
  const side = Math.max(clip.width, clip.height);
  return { left: (clip.width - side) / 2, top: (clip.height - side) / 2, side };
}

/** The place [row, column] of a point of the frame. */
function placeOf(clip, map, x, y) {
  const { left, top, side } = square(clip);
  const within = (at, count) => Math.min(Math.max(Math.floor(at * count), 0), count - 1);
  return [within((y - top) / side, map.rows), within((x - left) / side, map.columns)];
}
