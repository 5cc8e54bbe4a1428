"""The paper's claims in short: the differences that each is judged by, beside what the paper reports."""

from __future__ import annotations

from typing import Any

from .claims import SLOWLY, claims
from .records import Study

# By claim: a difference in a few words, how `claims` names it, and what the paper reports for the same step on real videos, in points
# (docs/PAPER.md, "Results to hold ours against"; one training each). Its dynamic convolution is another group's system.
HEADLINES: dict[str, dict[str, tuple[str, float | None]]] = {
    "C1: fusing three resolutions helps": {
        "mean IoU, of the baseline": ("mean IoU, fusion", 1.4),
        "P@0.8, of the baseline": ("P@0.8, fusion", 3.8),
        "mean IoU, of the baseline with the weighted loss": ("mean IoU, fusion with the weighted loss", None),
        "P@0.8, of the baseline with the weighted loss": ("P@0.8, fusion with the weighted loss", None),
        "mean IoU, of ACGA": ("mean IoU, fusion in ACGA", None),
        "P@0.8, of ACGA": ("P@0.8, fusion in ACGA", None),
    },
    "C2: the weighted loss lifts mean IoU more than overall IoU": {
        "the gain in the one less that in the other": ("mean IoU more than overall IoU, weighted loss", 2.3),
    },
    "C3: attention helps": {
        "mean IoU, both branches": ("mean IoU, both attentions", 1.5),
        "P@0.8, both branches": ("P@0.8, both attentions", 2.3),
        "mean IoU, vision guided language alone": ("mean IoU, vision guided language alone", None),
        "mean IoU, language guided vision alone": ("mean IoU, language guided vision alone", None),
        "mean IoU, both, against vision guided language alone": ("mean IoU, both attentions over vision guided language alone", None),
        "… with a residual around the second": (
            "mean IoU, both attentions over vision guided language alone, with that residual",
            None,
        ),
        "mean IoU, both, against dynamic convolution": ("mean IoU, over dynamic convolution", 6.9),
        f"… {SLOWLY} for it": (f"mean IoU, over dynamic convolution, {SLOWLY}", None),
    },
    "C4: with vision guided language attention, phrasing matters less": {
        "mean IoU on new orders of words less that on known ones": (
            "mean IoU on new orders of words less that on known ones, + weighted loss -> + vision guided language",
            None,
        ),
        "… with the words of the query shuffled and as they were": (
            "mean IoU when perturbed (reordered) less that as asked, + weighted loss -> + vision guided language",
            None,
        ),
        "… the same actors in new wordings and in known ones": (
            "mean IoU on new wordings less that on known ones, + weighted loss -> + vision guided language",
            None,
        ),
    },
    "C5: language guided vision attention brings context": {
        "mean IoU where a relation decides, alone": (
            "mean IoU where a relation decides, + weighted loss -> + language guided vision",
            None,
        ),
        "… beside the other branch": ("mean IoU where a relation decides, + vision guided language -> ACGA", None),
    },
    "C6: the gain transfers to J-HMDB, without fine-tuning": {
        "mean IoU, against concatenation": ("mean IoU on J-HMDB, not fine-tuned, over the concatenation baseline", None),
        "mean IoU, against dynamic convolution": ("mean IoU on J-HMDB, not fine-tuned, over dynamic convolution", 4.2),
        f"… {SLOWLY} for it": (f"mean IoU on J-HMDB, not fine-tuned, over dynamic convolution, {SLOWLY}", None),
    },
    "Controls: it reads, and sees motion": {
        "mean IoU, lost when blind to text": ("mean IoU, reading, on all queries: blind to text -> ACGA", None),
        "mean IoU, lost when blind to motion, where it decides": (
            "mean IoU, seeing motion, where only motion decides: blind to motion -> ACGA",
            None,
        ),
    },
}


def headlines(study: Study) -> list[dict[str, Any]]:
    """Those of the differences that were measured, as `claims` gives them, with the claim and the difference in words, and "paper".

    "paper" is the gain that the paper reports, in points, or None. `study` may hold variants trained at a smaller learning rate too, with
    `SLOWLY` in their names (`Study.beside`).
    """
    found = {one["what"]: one for one in claims(study)}
    return [
        found[what] | {"claim": claim, "what": words, "paper": paper}
        for claim, differences in HEADLINES.items()
        for words, (what, paper) in differences.items()
        if what in found
    ]
