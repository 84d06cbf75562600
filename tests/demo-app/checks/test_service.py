import pathlib
import unittest

import service


class Service(unittest.TestCase):
    def test_greets_by_name(self):
        self.assertEqual(service.greeting("tide"), "Hello, tide!")

    def test_public_version_is_the_service_version(self):
        public = pathlib.Path(service.HERE / "public" / "version.txt").read_text().strip()
        self.assertEqual(public, service.VERSION)

    def test_needs_no_setting_that_is_missing(self):
        settings = {"PORT": "1", "DATA": "/nowhere", "MAIL_RELAY": "mail.example.com"}
        self.assertEqual(service.missing_settings(settings), [])
