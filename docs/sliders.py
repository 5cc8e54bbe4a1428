"""The series' sliders for a site without kernels: a saved notebook holds their pictures, and a line of JavaScript shows one at a time."""

from __future__ import annotations

import html
from typing import Any

STATE, VIEW = "application/vnd.jupyter.widget-state+json", "application/vnd.jupyter.widget-view+json"
SHOW = (
    "for (const [at, picture] of [...this.closest('div').querySelectorAll('img')].entries()) picture.hidden = at != this.value;"
    " this.nextElementSibling.textContent = this.value"
)


def with_live_sliders(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook whose outputs that show a `Scrubber` hold a slider in HTML, made of what the notebook saved of it; changed in place."""
    state = notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            shown = slider(state, data.get(VIEW, {}).get("model_id", ""))
            if shown is not None:
                output["data"] = {"text/html": shown, "text/plain": data.get("text/plain", "")}
    return notebook


def slider(state: dict[str, Any], model: str) -> str | None:
    """The slider in HTML of a widget; None if it has no pictures to slide through."""
    parts = [part for part in _tree(state, model) if part in state]
    stack = next((state[part]["state"] for part in parts if state[part]["model_name"] == "StackModel"), None)
    control = next((state[part]["state"] for part in parts if state[part]["model_name"] == "IntSliderModel"), None)
    if stack is None or control is None:
        return None
    at = stack.get("selected_index") or 0
    pictures = [_data(state[name.removeprefix("IPY_MODEL_")]) for name in stack["children"]]
    shown = "".join(
        f'<img src="data:image/jpeg;base64,{picture}" alt="picture {number}"{"" if number == at else " hidden"}>'
        for number, picture in enumerate(pictures)
    )
    label = html.escape(control.get("description") or "picture")
    return (
        f'<div class="acga-slider"><label>{label} <input type="range" aria-label="{label}" min="0" max="{len(pictures) - 1}" value="{at}"'
        f' oninput="{SHOW}"><output>{at}</output></label><br>{shown}</div>'
    )


def _tree(state: dict[str, Any], model: str) -> list[str]:
    """A widget's model and those inside it."""
    found = [model]
    for child in state.get(model, {}).get("state", {}).get("children", []):
        found += _tree(state, child.removeprefix("IPY_MODEL_"))
    return found


def _data(image: dict[str, Any]) -> str:
    return next(buffer["data"] for buffer in image["buffers"] if buffer["path"] == ["value"])
