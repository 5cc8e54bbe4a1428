"""Video reading and writing, by the name that users import: `acga.video.read_frames(path)`."""

from .data.video import ShownFrame, StoredPicture, VideoInfo, VideoWriter, probe, read_clip, read_frames, read_shown_frames

__all__ = ["ShownFrame", "StoredPicture", "VideoInfo", "VideoWriter", "probe", "read_clip", "read_frames", "read_shown_frames"]
