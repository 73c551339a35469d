"""H.264 in MP4, the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av

from provenline.files import atomic_path
from provenline.simline.canvas import Image


def write_video(path: Path, images: Iterable[Image], size: tuple[int, int], fps: int, crf: int) -> None:
    """Encode planar YUV 4:2:0 images (h * 3 / 2, w) of one size; the file appears whole or not at all.

    One encoder thread: x264's output depends on how many threads share a frame.

    Args:
        path: The MP4 file.
        images: In order; frame ``i`` is presented at ``i / fps`` seconds.
        size: Width and height in pixels, even.
        fps: Frames per second.
        crf: Constant rate factor.
    """
    # With AVX-512, x264's macroblock tree gives other bytes from run to run; below that it does not.
    tuning = "threads=1:lookahead_threads=1:me=dia:subme=1:trellis=0:rc-lookahead=5:asm=sse4"
    options = {"preset": "veryfast", "crf": str(crf), "threads": "1", "x264-params": tuning}
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = 5 * fps  # a keyframe every 5 s: seeking stays cheap
        stream.codec_context.thread_count = 1
        for image in images:
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="yuv420p")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
