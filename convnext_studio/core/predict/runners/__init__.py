"""One small class per engine, all with the face of `base.Runner`."""
