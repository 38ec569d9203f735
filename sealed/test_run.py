"""The runner by itself: what it makes of checks, manifests and rows. Needs no engine."""

from __future__ import annotations

import unittest

import run


class Runner(unittest.TestCase):
    def test_every_check_says_what_it_proves_and_names_tables_that_there_are(self) -> None:
        checks = run.read_checks()
        self.assertGreaterEqual(len(checks), 15)
        self.assertEqual(len({check.id for check in checks}), len(checks))
        for check in checks:
            self.assertLessEqual(set(check.looks_at), set(run.TABLES) | {"files"}, check.id)
            self.assertTrue(check.sql.lower().count("select"), check.id)

    def test_what_a_manifest_says_cannot_become_another_statement(self) -> None:
        self.assertEqual(run.literal(7), "CAST(7 AS BIGINT)")
        self.assertEqual(run.literal(True), "true")
        self.assertEqual(run.literal("-12"), "'-12'")
        for wrong in ("a'b", "a;b", "a\\b", "a\nb"):
            with self.assertRaises(run.Unreadable):
                run.literal(wrong)

    def test_a_view_of_no_rows_has_its_columns(self) -> None:
        self.assertIn("WHERE 1 = 0", run.view_of("v", ("lane", "x"), []))
        self.assertIn("(VALUES (CAST(1 AS BIGINT), 'a'))", run.view_of("v", ("lane", "x"), [[1, "a"]]))

    def test_findings_are_shown_with_their_subject(self) -> None:
        finding = run.Finding("chain.hash", "record 7 of lane 1", "aa", "bb")
        text = run.table_of([run.Result("chain", "the chain holds", 9, [finding]), run.Result("rows", "all", 3)])
        self.assertIn("chain.hash: record 7 of lane 1: expected aa, found bb", text)

    def test_a_day_that_is_not_there_is_no_clean_day(self) -> None:
        self.assertEqual(run.main(["--engine", "duckdb", "--data", "/nowhere", "--date", "2026-11-23"]), 2)


if __name__ == "__main__":
    unittest.main()
