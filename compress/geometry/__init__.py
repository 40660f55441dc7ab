"""Boxes, crops, windows and the frame loop around any network, in numpy and OpenCV."""

from compress.geometry.boxes import (
    check_box,
    clip_boxes,
    cxcywh_to_xywh,
    iou,
    xywh_to_cxcywh,
    xywh_to_xyxy,
    xyxy_to_xywh,
)
from compress.geometry.cascade import (
    AnyNetwork,
    AnySettings,
    CascadeNetwork,
    CascadeSettings,
    CascadeTracker,
    frame_tracker,
)
from compress.geometry.crop import Crop, crop_target, crop_window, normalise, preprocess
from compress.geometry.decode import clip_box, decode, hann_window, map_back
from compress.geometry.image_files import ImageFiles, NumberedNames, has_images, image_files, is_image
from compress.geometry.images import MAX_PIXELS, check_image, image_size, read_image
from compress.geometry.loop import FrameTracker, Prediction
from compress.geometry.network import BatchNetwork, Maps, Network, NetworkOutput
from compress.geometry.pictures import Pictures, ReducedFrame, picture_folder
from compress.geometry.settings import LoopSettings
from compress.geometry.templates import UpdateRule, template_box

__all__ = [
    "AnyNetwork",
    "AnySettings",
    "BatchNetwork",
    "CascadeNetwork",
    "CascadeSettings",
    "CascadeTracker",
    "NetworkOutput",
    "NumberedNames",
    "Crop",
    "FrameTracker",
    "ImageFiles",
    "LoopSettings",
    "MAX_PIXELS",
    "Maps",
    "Network",
    "Pictures",
    "Prediction",
    "ReducedFrame",
    "UpdateRule",
    "check_box",
    "check_image",
    "clip_box",
    "clip_boxes",
    "crop_target",
    "crop_window",
    "cxcywh_to_xywh",
    "decode",
    "frame_tracker",
    "hann_window",
    "has_images",
    "image_files",
    "image_size",
    "iou",
    "is_image",
    "map_back",
    "normalise",
    "picture_folder",
    "preprocess",
    "read_image",
    "template_box",
    "xywh_to_cxcywh",
    "xywh_to_xyxy",
    "xyxy_to_xywh",
]
