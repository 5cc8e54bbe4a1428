"""Video reading and writing, by the name that users import: `acga.video.read_frames(path)`."""

from .data.video import VideoInfo, VideoWriter, probe, read_frames

__all__ = ["VideoInfo", "VideoWriter", "probe", "read_frames"]
