"""A checkpoint of ultralytics (YOLOv8, YOLO11, YOLO26, RT-DETR), run by torch.

Our preprocessing, the network's raw output, our postprocessing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeAlias

from provenline.detectors.base import Detections
from provenline.detectors.bundle import Layout
from provenline.detectors.device import torch_device
from provenline.detectors.params import ModelParams
from provenline.detectors.postprocess import decoder_of
from provenline.detectors.preprocess import Image, prepare
from provenline.detectors.quiet import quiet_ultralytics
from provenline.errors import InputError
from provenline.files import sha256_file

Network: TypeAlias = Any  # ultralytics' DetectionModel, whose attributes torch's types hide


class UltralyticsDetector:
    """A detection checkpoint of ultralytics, fused, in float32 and evaluation mode.

    Only its network is used: ultralytics' own prediction cuts the input to each picture's shape, exported
    engines have one input for all, and the two must see the same pixels.
    """

    def __init__(self, path: Path, params: ModelParams, device: str) -> None:
        """Load ``path``, whose hash the caller has verified.

        Raises:
            InputError: It is no checkpoint for detection, or ``params.labels`` names classes and it has
                none of them.
        """
        self.name, self.imgsz = params.name, params.imgsz
        self._device = torch_device(device)
        self._model = load_network(path).to(self._device)
        self.fingerprint = sha256_file(path)
        self.names = class_names(self._model)
        self._decode = decoder_of(params, output_layout(self._model), self.names)

    def predict(self, images: Sequence[Image]) -> list[Detections]:
        """Return the detections of each BGR image (h, w, 3)."""
        import torch

        if not images:
            return []
        batch, places = prepare(images, self.imgsz, self._decode.fit)
        with torch.inference_mode():
            raw = self._model(torch.from_numpy(batch).to(self._device))[0]
        # A network for outlines gives their prototypes beside the boxes.
        outputs = (raw[0] if isinstance(raw, tuple) else raw).float().cpu().numpy()
        return [self._decode(output, place) for output, place in zip(outputs, places, strict=True)]


def open_weights(path: Path, params: ModelParams, device: str) -> UltralyticsDetector:
    """Open verified weights of this family; see `UltralyticsDetector`."""
    return UltralyticsDetector(path, params, device)


def load_network(path: Path) -> Network:
    """Return the network of a verified checkpoint: fused, float32, evaluation mode, on the processor.

    Raises:
        InputError: The file is damaged, no checkpoint, or neither for detection nor for segmentation.
    """
    if path.is_dir():
        raise InputError("a folder, no checkpoint of ultralytics", file=path, mend="Name its model.family")
    quiet_ultralytics()
    from ultralytics.nn import tasks

    load: Any = tasks.load_checkpoint
    try:
        model, _ = load(str(path), device="cpu")
    except (TypeError, AttributeError, KeyError, RuntimeError, EOFError, UnpicklingError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"not a checkpoint of ultralytics ({reason})", file=path) from None
    if model.task not in ("detect", "segment"):
        raise InputError(f"a model for {model.task!r}", file=path, mend="Name a detection model")
    # A network with a second head that needs no suppression is used and exported by that head.
    model.end2end = getattr(model.model[-1], "one2one_cv2", None) is not None
    return model.fuse(verbose=False).eval()


def class_names(model: Network) -> tuple[str, ...]:
    """Return a network's class names in the order of its outputs."""
    return tuple(str(model.names[index]) for index in sorted(model.names))


def output_layout(model: Network) -> Layout:
    """Say how a network's output is laid out, by its head."""
    head = model.model[-1]
    if type(head).__name__ == "RTDETRDecoder":
        return "queries"
    return "end2end" if getattr(head, "end2end", False) else "raw"
