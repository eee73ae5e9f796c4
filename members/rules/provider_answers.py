"""What may go wrong at a provider, in our words. Plain Python."""


class CodeRefused(Exception):
    """The code is wrong, too old or used already: ask the person to try again."""


class ProviderBusy(Exception):
    """The provider has no time for us now: try again later."""


class ProviderFailed(Exception):
    """The provider did not answer, or not as documented, or we are set up wrongly.

    ``detail`` is for the log; it holds codes only, never what was sent.
    """

    def __init__(self, detail: str):
        super().__init__(detail)
        self.detail = detail
