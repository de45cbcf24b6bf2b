"""Finding people by the words of their names and of what they say about themselves (docs/adr/0037)."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts.events import AccountCreated, AccountDeleted, ProfileChanged
    from microblog.people.interfaces import IPeopleSearch
    from microblog.search.people.finding import PeopleSearch, update_words
    from microblog.search.people.tasks import SECONDS_BETWEEN_LOOKS, compare_words

    config.add_models("microblog.search.people.models")
    config.registry.registerUtility(PeopleSearch(), IPeopleSearch)
    config.add_subscriber(update_words, AccountCreated)
    config.add_subscriber(update_words, ProfileChanged)
    config.add_subscriber(update_words, AccountDeleted)
    config.add_worker_task("words of people", compare_words, every=SECONDS_BETWEEN_LOOKS)
