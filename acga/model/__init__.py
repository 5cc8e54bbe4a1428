"""The network and its parts; each can be built and run alone."""

from .attention import Attended, CrossGuidedAttention, LanguageGuidedVisionAttention, VisionGuidedLanguageAttention
from .decoder import Decoder, Responses
from .encoders import TextEncoder, coordinates, encode_video
from .i3d import I3D
from .network import ACGA

__all__ = [
    "ACGA",
    "I3D",
    "Attended",
    "CrossGuidedAttention",
    "Decoder",
    "LanguageGuidedVisionAttention",
    "Responses",
    "TextEncoder",
    "VisionGuidedLanguageAttention",
    "coordinates",
    "encode_video",
]
