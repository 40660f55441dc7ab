"""What runs on a device from a kit: Python 3.8, numpy and onnxruntime, joined into one file by `script.py`."""
