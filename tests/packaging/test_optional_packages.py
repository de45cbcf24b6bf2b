"""A site on SQLite needs only what `requirements.lock` has: what setup.py calls optional stays that."""

import sys

from tests.packaging.machine import CHECKOUT, run

# Stands before all other finders: these packages are not there.
SITE_WITHOUT_THEM = """
import sys

missing = {"psycopg", "psycopg_binary", "elasticsearch", "elastic_transport", "boto3", "botocore"}

class Missing:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing)

from microblog import configure

settings = {
    "microblog.database.url": f"sqlite+pysqlite:///{sys.argv[1]}",
    "microblog.secret": "only for tests, but long enough to be one",
}
configure(settings).make_wsgi_app()
print("It starts.")
"""


def test_a_site_on_sqlite_starts_without_the_packages_of_postgresql_elasticsearch_and_s3(tmp_path):
    said = run(sys.executable, "-c", SITE_WITHOUT_THEM, tmp_path / "site.sqlite3", folder=CHECKOUT)
    assert said.splitlines()[-1] == "It starts."
