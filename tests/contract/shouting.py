"""A translator that writes everything in capitals: the example of docs/translation.md."""

from __future__ import annotations

from zope.interface import implementer

from microblog.settings import Setting, Settings, text
from microblog.translation.interfaces import ITranslator, ITranslatorSettings, UnsupportedLanguage
from microblog.translation.masking import HTML, MaskedText

END = Setting("microblog.translator.shouting.end", text, "", "What stands at the end of each line.")


@implementer(ITranslator, ITranslatorSettings)
class Shouting:
    """`microblog.translator = tests.contract.shouting.Shouting`"""

    name = "shouting"
    title = "Somebody loud"
    seconds = 1.0
    SETTINGS = (END,)

    def configure(self, settings: Settings) -> None:
        self._end = settings[END]

    def translate(self, text: str, source: str, target: str) -> str:
        if target == "tlh":
            raise UnsupportedLanguage("Nobody shouts in Klingon.")
        return MaskedText(text, HTML).translate(self._send, most_texts=50, most_characters=5_000)

    def _send(self, texts: list[str]) -> list[str]:
        """A service would be asked here; it leaves alone what stands between our tags."""
        return [shout(markup) + self._end for markup in texts]

    def check(self) -> str:
        return "It can be heard."


def shout(markup: str) -> str:
    """In capitals, but for tags, what is between ours, and `&amp;`."""
    parts = markup.split("<span ")
    shouted = [parts[0].upper()]
    for part in parts[1:]:
        kept, _, rest = part.partition("</span>")
        shouted.append(f"<span {kept}</span>{rest.upper()}")
    return "".join(shouted).replace("&AMP;", "&amp;").replace("&LT;", "&lt;").replace("&GT;", "&gt;")
