"""What measures a kit on a device: Python 3.8, numpy and onnxruntime, packed by `compress.measure.kit.measure_pyz`."""
