"""A trained run as one ONNX file, from a beat in its own unit to a score."""
