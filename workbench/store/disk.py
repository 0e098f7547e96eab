"""Telling a full disk from other failures, however a library says it."""

from __future__ import annotations

import errno

#: How a full disk reads in the errors of libraries that do not raise an ``OSError`` for it:
#: safetensors and tokenizers (Rust), and torch.save.
_SIGNS = ("No space left on device", "os error 28", "Disk quota exceeded", "unexpected pos")


def is_full(error: BaseException | None) -> bool:
    """Whether ``error``, or one that led to it, says that nothing more can be written."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(sign in str(error) for sign in _SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False
