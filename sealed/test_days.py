"""Both engines on real days, and on copies with planted damage: they find the same, and they name it.

HWAN_TEST_SEALED is the folder that the test of hwan's export left: `days`, and the `ledger` that they are of. HWAN_TEST_PROGRAM is
hwan itself, for the export to an S3-compatible store. `cargo xtask sealed` brings both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import run

HOME = Path(os.environ.get("HWAN_TEST_SEALED", "")).resolve()
DAYS = HOME / "days"
DATES = ("2026-11-23", "2026-11-24", "2026-11-25")
DAMAGED = "2026-11-24"
LANE = 1


def damage(copy: Path) -> dict[str, tuple[str, str]]:
    """Plants damage, each in a record of its own; gives by its name which check has to name what."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")

    def path(table: str) -> str:
        return str(copy / table / f"business_date={DAMAGED}" / f"lane={LANE}" / f"{table}.parquet")

    def rows(table: str, columns: str, where: str) -> list[Any]:
        sql = f"SELECT {columns} FROM read_parquet('{path(table)}', hive_partitioning = false) WHERE {where} ORDER BY seq"
        return connection.execute(sql).fetchall()

    def rewrite(table: str, select: str) -> None:
        other = path(table) + ".new"
        source = f"read_parquet('{path(table)}', hive_partitioning = false)"
        connection.execute(f"COPY ({select.format(source=source)}) TO '{other}' (FORMAT parquet)")
        os.replace(other, path(table))

    exchanged = [(seq, account) for seq, account in rows("entries", "seq, account", "kind = 'exchanged' AND leg = 1")]
    (removed, of), (changed, by), (rated, _), (retold, _), (lost, _), (twice, _), (unbooked, _) = exchanged[3:24:3]
    rewrite(
        "entries",
        f"SELECT * REPLACE (CASE WHEN seq = {changed} AND leg = 1 THEN amount_minor - 1 ELSE amount_minor END AS amount_minor, "
        f"CASE WHEN seq = {rated} THEN '9' || terms_rate ELSE terms_rate END AS terms_rate) "
        f"FROM {{source}} WHERE NOT (seq = {removed} AND leg = 1)",
    )
    rewrite(
        "records",
        f"SELECT * REPLACE (CASE WHEN seq = {retold} THEN replace(body, '\"caller\":\"app\"', '\"caller\":\"eve\"') ELSE body END AS body) "
        f"FROM {{source}} WHERE seq <> {lost} UNION ALL SELECT * FROM {{source}} WHERE seq = {twice}",
    )
    rewrite("ledger", f"SELECT * FROM {{source}} WHERE NOT (seq = {unbooked} AND line = 1)")
    held = connection.execute(
        f"SELECT account, currency FROM read_parquet('{path('balances')}', hive_partitioning = false) "
        f"WHERE account NOT IN ('{of}', '{by}') ORDER BY ALL LIMIT 1"
    ).fetchall()
    (account, currency) = held[0]
    rewrite(
        "balances",
        f"SELECT * REPLACE (CASE WHEN account = '{account}' AND currency = '{currency}' THEN closing_minor + 1 ELSE closing_minor END "
        "AS closing_minor) FROM {source}",
    )
    place = f"of lane {LANE}"
    return {
        "an entry removed": ("records_to_entries", f"record {removed} {place}"),
        "an entry removed, by its account": ("versions.gap", f"account {of}"),
        "an amount changed": ("entries_from_records", f"account {by}, leg 1 of record {changed} {place}"),
        "an amount changed, by its account": ("balance_chain.step", f"account {by}, "),
        "an amount changed, by its price": ("exchanges.rounding", f"record {changed} {place}"),
        "a rate changed": ("exchanges.rounding", f"record {rated} {place}"),
        "a rate changed, by its text": ("exchanges.terms", f"record {rated} {place}"),
        "a text changed": ("chain.hash", f"record {retold} {place}"),
        "a record lost": ("sequence.missing", f"record {lost} {place}"),
        "a record lost, by its entries": ("entries_from_records", f"of record {lost} {place}"),
        "a record twice": ("duplicates.record", f"record {twice} {place}"),
        "a line of a journal removed": ("journals.balance", f"journal of record {unbooked} {place}"),
        "a balance changed": ("balances.day", f"account {account}, {currency}"),
        "a balance changed, by its lane": ("controls.accounts", f"lane {LANE}, {currency}"),
        "files written anew": ("files", f"entries/business_date={DAMAGED}/lane={LANE}/entries.parquet"),
    }


def shown(results: list[run.Result]) -> list[Any]:
    """What both engines have to say alike."""
    return [(of.id, of.looked_at, [(f.check, f.subject, f.expected, f.found) for f in of.findings]) for of in results]


@unittest.skipUnless(DAYS.is_dir(), "no days at HWAN_TEST_SEALED")
class Days(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.checks = run.read_checks()
        cls.engines = [run.Duck(False), run.Spark(None)]

    def test_both_engines_find_nothing_in_a_whole_day_and_look_at_the_same(self) -> None:
        for date in DATES:
            whole = run.prove(self.engines[0], str(DAYS), date, self.checks)
            self.assertEqual([of.findings for of in whole if of.findings], [], date)
        # One of them by both: a day that another one comes before.
        duck, spark = (run.prove(engine, str(DAYS), DAMAGED, self.checks) for engine in self.engines)
        self.assertEqual(shown(duck), shown(spark))
        looked_at = {of.id: of.looked_at for of in duck}
        self.assertGreater(looked_at["chain"], 100)
        self.assertGreater(looked_at["entries_from_records"], 100)

    def test_both_engines_name_every_damage_that_is_planted(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "days"
            shutil.copytree(DAYS, copy)
            planted = damage(copy)
            duck, spark = (run.prove(engine, str(copy), DAMAGED, self.checks) for engine in self.engines)
        self.assertEqual(shown(duck), shown(spark))
        found = [(finding.check, finding.subject) for of in duck for finding in of.findings]
        for name, (check, subject) in planted.items():
            with self.subTest(name):
                named = any(of == check and subject in at for of, at in found)
                self.assertTrue(named, f"{check}: {subject} is not among {found}")

    def test_the_command_says_what_it_found_by_its_exit_code(self) -> None:
        command = [sys.executable, str(Path(run.__file__)), "--engine", "duckdb", "--data", str(DAYS), "--date", DATES[0]]
        done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["findings"], 0)
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "days"
            shutil.copytree(DAYS, copy)
            (copy / "entries" / f"business_date={DATES[0]}" / f"lane={LANE}" / "entries.parquet").unlink()
            command[command.index(str(DAYS))] = str(copy)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("entries.parquet: expected", done.stdout)


@unittest.skipUnless(DAYS.is_dir() and os.environ.get("HWAN_TEST_PROGRAM"), "no program at HWAN_TEST_PROGRAM")
class Bucket(unittest.TestCase):
    """An S3-compatible store on this machine, in this process."""

    def test_a_day_goes_to_a_bucket_as_it_goes_to_a_directory(self) -> None:
        import boto3
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            endpoint = f"http://{host}:{port}"
            keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
            client = boto3.client(
                "s3",
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            client.create_bucket(Bucket="days")
            command = [os.environ["HWAN_TEST_PROGRAM"], "export", "--data", str(HOME / "ledger"), "--date", DATES[0]]
            command += ["--to", "s3://days/bank"]
            environment = {**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint}
            for said in ("exported to s3://days/bank", "lies there already, the same: s3://days/bank"):
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(said, done.stdout)
            local = json.loads((DAYS / "manifest" / f"business_date={DATES[0]}" / "manifest.json").read_text())
            for entry in local["files"]:
                body = client.get_object(Bucket="days", Key=f"bank/{entry['path']}")["Body"].read()
                self.assertEqual(body, (DAYS / entry["path"]).read_bytes(), entry["path"])
            # No TLS beyond this machine, whatever the environment allows.
            environment |= {"AWS_ENDPOINT_URL": "http://192.0.2.1:9000", "AWS_ALLOW_HTTP": "true"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("has no TLS", done.stderr)
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()
