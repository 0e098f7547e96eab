"""Fine-tune, relayer and merge language models; re-evaluate every output beside its parents."""

__version__ = "0.1.0"
