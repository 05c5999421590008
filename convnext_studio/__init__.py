"""ConvNeXt Studio: classify images with ConvNeXt, fine-tune it on your own pictures, and see why it decides."""

__version__ = "0.1.0"
