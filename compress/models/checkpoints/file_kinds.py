"""What a file is by its first bytes, where it is no checkpoint: downloads that failed, archives, other formats."""

from __future__ import annotations

import codecs

_PAGE = "It is a web page, such as a site shows before a download: open it in a browser, and fetch the file itself."
_UNPACK = "Unpack it, and give the checkpoint that is in it."
_OTHER = "Give the checkpoint of PyTorch that it was made from."
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs.github.com", "It is a Git LFS pointer, not the file itself: run `git lfs pull` there."),
    (b"\x1f\x8b", f"It is packed by gzip. {_UNPACK}"),
    (b"BZh", f"It is packed by bzip2. {_UNPACK}"),
    (b"\xfd7zXZ\0", f"It is packed by xz. {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"It is packed by zstd. {_UNPACK}"),
    (b"\x04\x22\x4d\x18", f"It is packed by lz4. {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"It is a 7z archive. {_UNPACK}"),
    (b"Rar!\x1a\x07", f"It is a RAR archive. {_UNPACK}"),
    (b"\x89HDF", f"It is an HDF5 file, as Keras writes. {_OTHER}"),
    (b"\x93NUMPY", f"It is a NumPy array. {_OTHER}"),
    (b"GGUF", f"It is a GGUF file. {_OTHER}"),
    (b"%PDF", "It is a PDF document. Give the checkpoint file."),
    (b"\x7fELF", f"It is a program or a TensorRT engine. {_OTHER}"),
    (b"ftrt", f"It is a TensorRT engine. {_OTHER}"),
    (b"\x08", f"It is probably an ONNX graph. {_OTHER}"),
)
_TAR_AT, _TAR = 257, b"ustar"
HEAD = 1024
"""Bytes from the beginning that `not_weights` looks at."""


def not_weights(head: bytes) -> str:
    """What a file that is neither safetensors nor of PyTorch is, and what to do: a sentence or two."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "It is empty: fetch it again, and look whether the disk is full."
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<!--", b"<error", b"<script")):
        return _PAGE
    if head[_TAR_AT:].startswith(_TAR):
        return f"It is a tar archive. {_UNPACK}"
    for beginning, words in _BEGINNINGS:
        if head.startswith(beginning):
            return words
    if not any(head):
        return "It holds zeros, as of a download that was stopped: fetch it again."
    if _is_text(head):
        return "It is a text, perhaps the answer of a server: look into it, and fetch the file again."
    return "It is damaged, or of another program: fetch it again, or give a .pth, .pth.tar or .safetensors file."


def _is_text(head: bytes) -> bool:
    try:
        text, _ = codecs.utf_8_decode(head, "strict", False)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()
