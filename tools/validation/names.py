"""Names that were met before, in bounded memory."""

MOST = 500_000
"""Names that are kept, some 35 MB; a file with more is hostile or no VCF, and hears of some of them again."""


class Names:
    """A set of names by their hashes. Full, it forgets all, so that no file can fill the memory."""

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def add(self, name: object) -> bool:
        """Remember a name; whether it is new."""
        number = hash(name)
        if number in self._hashes:
            return False
        if len(self._hashes) >= MOST:
            self._hashes.clear()
        self._hashes.add(number)
        return True
