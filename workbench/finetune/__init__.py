"""Training adapters: data checks, LoRA, SFT, preference methods, seam healing."""
