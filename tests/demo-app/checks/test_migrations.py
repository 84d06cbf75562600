import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import service


class Migrations(unittest.TestCase):
    def migrate(self, data, direction):
        environment = {"DATA": data, "PATH": os.environ["PATH"]}
        done = subprocess.run([sys.executable, "bin/migrate", direction], cwd=service.HERE, env=environment,
                              check=True, capture_output=True, text=True)
        return done.stdout

    def test_up_reaches_the_schema_of_the_service_and_down_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as data:
            self.migrate(data, "up")
            with service.database(data) as connection:
                self.assertEqual(service.schema_of(connection), service.SCHEMA)
            self.migrate(data, "down")
            self.assertEqual(self.migrate(data, "status"), "0\n")

    def test_each_step_up_has_its_step_down(self):
        folder = pathlib.Path(service.HERE / "migrations")
        up = {path.name[:3] for path in folder.glob("*.up.sql")}
        down = {path.name[:3] for path in folder.glob("*.down.sql")}
        self.assertEqual(up, down)
