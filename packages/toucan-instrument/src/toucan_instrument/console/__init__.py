"""What toucan's command lines share, behind the extra ``[cli]``: only the commands themselves load it."""

from __future__ import annotations

__all__: list[str] = []
