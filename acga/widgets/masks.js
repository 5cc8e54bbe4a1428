// Masks: their bits, their smooth outlines, and how far two of them overlap. Lengths are pixels of the frame.

const SMOOTHING = 3; // corners of an outline on each side that a point is averaged over, twice
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => [...byte.toString(2)].filter((bit) => bit === "1").length);

/** A mask from its bits, eight to a byte, row by row. */
class Mask {
  constructor(bytes, width, height) {
    Object.assign(this, { bytes, width, height });
  }

  inside(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return 0;
    const at = y * this.width + x;
    return (this.bytes[at >> 3] >> (7 - (at & 7))) & 1;
  }

  get area() {
    return this.bytes.reduce((sum, byte) => sum + ONES[byte], 0);
  }

  get coverage() {
    return this.area / (this.width * this.height);
  }

  /** Intersection over union with another mask of the same frame; of two empty ones, 0. */
  overlap(other) {
    let both = 0, either = 0;
    this.bytes.forEach((byte, at) => {
      both += ONES[byte & other.bytes[at]];
      either += ONES[byte | other.bytes[at]];
    });
    return either ? both / either : 0;
  }

  /** The outline, to fill or to stroke; made when it is first drawn. */
  get outline() {
    return (this.path ??= smoothPath(borders(this)));
  }
}

/** The borders of a mask: closed loops of corners [x, y] of pixels, the mask on the right of each step. */
function borders(mask) {
  const row = mask.width + 1; // corners in a row
  const next = new Map(); // from a corner to those that a side of the border leads to
  const side = (from, to) => (next.has(from) ? next.get(from).push(to) : next.set(from, [to]));
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      if (!mask.inside(x, y)) continue;
      const corner = y * row + x;
      if (!mask.inside(x, y - 1)) side(corner, corner + 1);
      if (!mask.inside(x + 1, y)) side(corner + 1, corner + 1 + row);
      if (!mask.inside(x, y + 1)) side(corner + 1 + row, corner + row);
      if (!mask.inside(x - 1, y)) side(corner + row, corner);
    }
  }
  const loops = [];
  for (const start of next.keys()) {
    const loop = [];
    for (let corner = start; next.get(corner).length; corner = next.get(corner).pop()) loop.push([corner % row, Math.floor(corner / row)]);
    if (loop.length) loops.push(loop);
  }
  return loops;
}

/** Closed loops of points as one path of curves. */
function smoothPath(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    const points = averaged(averaged(loop));
    const middle = (at) => [0, 1].map((axis) => (points[at][axis] + points[(at + 1) % points.length][axis]) / 2);
    path.moveTo(...middle(points.length - 1));
    points.forEach((point, at) => path.quadraticCurveTo(...point, ...middle(at)));
    path.closePath();
  }
  return path;
}

/** Each point of a closed loop as the mean of those around it; small loops are smoothed less. */
function averaged(loop) {
  const reach = Math.min(SMOOTHING, loop.length >> 4), count = 2 * reach + 1;
  return loop.map((_, at) => {
    const sum = [0, 0];
    for (let step = -reach; step <= reach; step++) {
      const [x, y] = loop[(at + step + loop.length) % loop.length];
      sum[0] += x;
      sum[1] += y;
    }
    return [sum[0] / count, sum[1] / count];
  });
}
