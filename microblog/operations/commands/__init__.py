"""The commands for a whole site: its database, backups, settings, and `doctor`."""

from typing import Any


def includeme(config: Any) -> None:
    here = "microblog.operations.commands"
    config.add_command("database", f"{here}.database.database", order=10)
    config.add_command("worker", f"{here}.worker.worker", order=40)
    config.add_command("settings", f"{here}.settings.settings", order=60)
    config.add_command("doctor", f"{here}.doctor.doctor", order=70)
    config.add_command("backup", f"{here}.backup.backup", order=100)
    config.add_command("restore", f"{here}.backup.restore", order=101)
    config.add_command("copy-database", f"{here}.copying.copy_database", order=102)
