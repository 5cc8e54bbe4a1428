// The scene composer: actors on a small stage, by pointer or arrow keys, and what each of them is.

const STEP = 0.03; // of an arrow key, of the stage
const CAST = [
  { noun: "dog", colour: "black", action: "walk", x: 0.25, y: 0.85, heading: 1 },
  { noun: "dog", colour: "white", action: "walk", x: 0.75, y: 0.7, heading: -1 },
];

/** `draw(stage, cast)` is called when the scene is to be drawn. */
function sceneComposer({ options, draw }) {
  const cast = CAST.map((actor) => ({ ...actor }));
  const stages = choice("Stage", options.stages, options.stages[0]);
  const stage = element("div", { className: "acga-set", role: "group", "aria-label": "The stage: move an actor with the pointer or the arrow keys" });
  const list = element("ol", { className: "acga-cast" });
  const add = element("button", { type: "button", className: "acga-quiet", textContent: "+ another actor" });
  const go = element("button", { type: "button", className: "acga-ask", textContent: "Draw and ask" });
  const node = element("section", { className: "acga-composer", hidden: true, "aria-label": "Compose a scene" },
    stage, element("div", { className: "acga-casting" }, element("label", { className: "acga-small" }, "Stage ", stages), list,
      element("div", { className: "acga-buttons" }, go, add)));
  go.addEventListener("click", () => draw(stages.value, cast));
  add.addEventListener("click", () => { cast.push({ ...CAST[0], colour: "brown", x: 0.5, y: 0.95 }); show(); });
  stages.addEventListener("change", () => { stage.dataset.stage = stages.value; });
  stage.dataset.stage = stages.value;

  function show() {
    add.hidden = cast.length >= options.most;
    stage.replaceChildren(...cast.map(token));
    list.replaceChildren(...cast.map(line));
  }

  /** An actor on the stage. */
  function token(actor, at) {
    const made = element("button", { type: "button", className: "acga-token" });
    const place = (x, y) => {
      const within = (value) => Math.min(Math.max(value, 0.05), 0.97);
      Object.assign(actor, { x: within(x), y: within(y) });
      Object.assign(made.style, { left: `${100 * actor.x}%`, top: `${100 * actor.y}%` });
      made.setAttribute("aria-label", `Actor ${at + 1}, ${actor.colour} ${actor.noun}: ${percent(actor.x)} from the left, ${percent(actor.y)} from the top`);
    };
    made.textContent = `${actor.heading < 0 ? "← " : ""}${actor.noun}${actor.heading > 0 ? " →" : ""}`;
    made.style.setProperty("--coat", options.colours[actor.colour]);
    made.addEventListener("pointerdown", (event) => made.setPointerCapture(event.pointerId));
    made.addEventListener("pointermove", (event) => {
      if (!made.hasPointerCapture(event.pointerId)) return;
      const box = stage.getBoundingClientRect();
      place((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
    made.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [0, -STEP], ArrowDown: [0, STEP], ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0] }[event.key];
      if (!step) return;
      place(actor.x + step[0], actor.y + step[1]);
      event.preventDefault();
    });
    place(actor.x, actor.y);
    return made;
  }

  /** What an actor is: lists to choose from. */
  function line(actor, at) {
    const lists = {
      colour: choice(`Colour of actor ${at + 1}`, Object.keys(options.colours), actor.colour),
      noun: choice(`Kind of actor ${at + 1}`, Object.keys(options.actions), actor.noun),
      action: choice(`Action of actor ${at + 1}`, options.actions[actor.noun], actor.action),
    };
    for (const [name, made] of Object.entries(lists)) {
      made.addEventListener("change", () => {
        actor[name] = made.value;
        if (!options.actions[actor.noun].includes(actor.action)) actor.action = options.actions[actor.noun][0];
        const label = made.getAttribute("aria-label");
        show();
        list.querySelector(`[aria-label="${label}"]`).focus();
      });
    }
    const turn = element("button", { type: "button", className: "acga-quiet", textContent: actor.heading > 0 ? "→" : "←", "aria-label": `Turn actor ${at + 1} round` });
    turn.addEventListener("click", () => { actor.heading *= -1; show(); list.querySelector(`[aria-label="Turn actor ${at + 1} round"]`).focus(); });
    const remove = element("button", { type: "button", className: "acga-remove", textContent: "×", "aria-label": `Remove actor ${at + 1}`, hidden: cast.length < 2 });
    remove.addEventListener("click", () => { cast.splice(at, 1); show(); list.querySelector("select").focus(); });
    return element("li", {}, ...Object.values(lists), turn, remove);
  }

  show();
  return { node };
}
