"""The network and its parts; each can be built and run alone."""

from .attention import Attended, CrossGuidedAttention, LanguageGuidedVisionAttention, VisionGuidedLanguageAttention
from .baselines import Concatenation, DynamicConvolution
from .checkpoints import load_model, save_model
from .decoder import Classifier, Decoder, Deconvolution, Responses
from .encoders import TextEncoder, coordinates, encode_video
from .folding import fold
from .i3d import I3D
from .image_stem import ImageBackbone
from .network import ACGA

__all__ = [
    "ACGA",
    "I3D",
    "Attended",
    "Classifier",
    "Concatenation",
    "CrossGuidedAttention",
    "Decoder",
    "Deconvolution",
    "DynamicConvolution",
    "ImageBackbone",
    "LanguageGuidedVisionAttention",
    "Responses",
    "TextEncoder",
    "VisionGuidedLanguageAttention",
    "coordinates",
    "encode_video",
    "fold",
    "load_model",
    "save_model",
]
