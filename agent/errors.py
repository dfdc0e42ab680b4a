"""Errors of the edge process, by what the person in front of it does."""


class AnswerError(Exception):
    """What was typed cannot be right: nothing is stored, the sentence of catalogue ``key`` is shown."""

    def __init__(self, key: str, **params: str | int) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


class UnknownIntakeError(Exception):
    """No such intake here: the page is stale and must be reloaded."""


class UnknownVehicleError(Exception):
    """No such vehicle in this box's ledger."""


class FactsFullError(Exception):
    """The back office has told more about cars than this box keeps: nothing of it is taken, and it is told so."""


class WorldError(Exception):
    """Something outside the program failed; ``key`` and ``params`` say what to do next. Exit 3."""

    def __init__(self, key: str, **params: str | int) -> None:
        super().__init__(key)
        self.key = key
        self.params = params
