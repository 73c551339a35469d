"""A detector of transformers (RT-DETR, DETR and their kin) from a local folder; a family in one file.

The folder is what `save_pretrained` of a model and of its image processor write: `config.json`,
`model.safetensors` (whole or in shards) and `preprocessor_config.json`. Nothing is looked up by name, no
pickle is read, and no code that lies in the folder runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from provenline.detectors.base import Detections
from provenline.detectors.device import torch_device
from provenline.detectors.params import ModelParams
from provenline.detectors.postprocess import decoder_of
from provenline.detectors.preprocess import Image, Letterbox
from provenline.detectors.size import Size
from provenline.errors import InputError
from provenline.files import sha256_tree

Untyped: TypeAlias = Any  # transformers picks its classes at run time
STATE = Path(".state") / "huggingface"
_FILES = ("config.json", "preprocessor_config.json")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


class TransformersDetector:
    """A detection model of transformers, in float32 and evaluation mode, with its own image processor.

    Boxes and scores are those of the processor's `post_process_object_detection`.
    """

    def __init__(self, path: Path, params: ModelParams, device: str) -> None:
        """Load the folder ``path``, whose hash the caller has verified.

        Raises:
            InputError: Transformers is not installed, the folder is incomplete or holds no detection
                model, its processor has another size than ``params.imgsz``, or none of its classes is in
                ``params.labels``.
        """
        import torch

        _complete(path)
        self.name, self.imgsz = params.name, params.imgsz
        self.fingerprint = sha256_tree(path)
        self._torch, self._device = torch, torch_device(device)
        self._processor, model = _load(path)
        _same_size(self._processor, params.imgsz, path)
        self._model = model.to(self._device).eval()
        named = model.config.id2label
        self.names = tuple(str(named[index]) for index in range(model.config.num_labels))
        self._decode = decoder_of(params, "end2end", self.names)

    def predict(self, images: Sequence[Image]) -> list[Detections]:
        """Return the detections of each BGR image (h, w, 3)."""
        # A processor that pads lays images beside each other into one size, and what is found in one would
        # depend on its neighbours.
        step = 1 if getattr(self._processor, "do_pad", False) else max(len(images), 1)
        parts = [images[start : start + step] for start in range(0, len(images), step)]
        return [found for part in parts for found in self._together(part)]

    def _together(self, images: Sequence[Image]) -> list[Detections]:
        pixels = [np.ascontiguousarray(image[..., ::-1]) for image in images]
        sizes = self._torch.tensor([image.shape[:2] for image in images])
        with self._torch.inference_mode():
            inputs = self._processor(
                images=pixels, return_tensors="pt", input_data_format="channels_last"
            ).to(self._device)
            found = self._processor.post_process_object_detection(
                self._model(**inputs), threshold=self._decode.score_floor, target_sizes=sizes.to(self._device)
            )
        return [self._detections(one, image) for one, image in zip(found, images, strict=True)]

    def _detections(self, found: dict[str, Untyped], image: Image) -> Detections:
        columns = [found["boxes"], found["scores"][:, None], found["labels"][:, None].float()]
        rows = self._torch.cat(columns, dim=1).float().cpu().numpy()
        height, width = image.shape[:2]
        return self._decode(rows, Letterbox(width, height, 0, 0, width, height))


def open_weights(path: Path, params: ModelParams, device: str) -> TransformersDetector:
    """Open verified weights of this family; see `TransformersDetector`."""
    return TransformersDetector(path, params, device)


def quiet_transformers() -> Untyped:
    """Import transformers with everything off that asks a hub or tells one; return the module.

    Raises:
        InputError: It is not installed.
    """
    os.environ.update(
        {
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "DISABLE_SAFETENSORS_CONVERSION": "1",
            "HF_HOME": str(STATE.resolve()),
        }
    )
    try:
        import transformers
        from huggingface_hub import constants
    except ImportError as error:
        mend = "Install the extra: pip install 'provenline[train,transformers]'"
        raise InputError(f"transformers cannot be imported ({error})", mend=mend) from None
    # The variables are read once, at the first import, which may have been before us.
    constants.HF_HUB_OFFLINE = constants.HF_HUB_DISABLE_TELEMETRY = True
    logging: Any = transformers.logging  # untyped
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return transformers


def _complete(path: Path) -> None:
    if not path.is_dir():
        raise InputError("no folder", file=path, mend="Name the folder that save_pretrained wrote")
    missing = [name for name in _FILES if not (path / name).is_file()]
    if not any((path / name).is_file() for name in _WEIGHTS):
        missing.append(_WEIGHTS[0])
    if missing:
        mend = "Save model and image processor there with save_pretrained (pickled weights are not read)"
        raise InputError(f"{', '.join(missing)} missing", file=path, mend=mend)


def _load(path: Path) -> tuple[Untyped, Untyped]:
    """Return image processor and model of a folder."""
    transformers = quiet_transformers()
    here = {"local_files_only": True, "trust_remote_code": False}
    how = {"use_safetensors": True, "dtype": "float32", "output_loading_info": True}
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(str(path), **here)
        kind = transformers.AutoModelForObjectDetection
        model, loaded = kind.from_pretrained(str(path), **here, **how)
    except Exception as error:  # noqa: BLE001 - what transformers and safetensors raise has no other base
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"not a detection model of transformers ({reason})", file=path) from None
    # What the file lacks would be filled with random numbers, and only warned of.
    if lacking := sorted({*loaded["missing_keys"], *(str(key) for key in loaded["mismatched_keys"])}):
        raise InputError(f"{len(lacking)} weights missing, the first is {lacking[0]}", file=path)
    return processor, model


def _same_size(processor: Untyped, imgsz: Size, path: Path) -> None:
    size: Untyped = dict(processor.size)
    short = size.get("shortest_edge")
    wanted = Size(size.get("height", short), size.get("width", short))
    if imgsz != wanted:
        mend = f"Write imgsz: {wanted.plain} in conf/model: the model knows no other"
        raise InputError(f"its images are {size}, not of {imgsz}", file=path, mend=mend)
