#!/usr/bin/env python3
"""Proves a sealed business day by the checks in checks/*.sql, on Spark or on DuckDB.

Knows nothing of hwan but the files: docs/sealed-days.md explains them. Both engines run the same SQL over the same views and find the
same; only how a file is read and a hash computed is each engine's own, and stands here.

Exit codes: 0 nothing is wrong, 1 something was found, 2 the day could not be read or the command line is wrong.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, Sequence

CHECKS = Path(__file__).resolve().parent / "checks"
TABLES = ("records", "entries", "balances", "ledger", "trial_balance", "controls")
# Findings that one check brings at most: more of them say no more.
FINDINGS_MAX = 1_000

Row = tuple[Any, ...]


class Unreadable(Exception):
    """The day is not there, or cannot be read."""


@dataclass(frozen=True)
class Check:
    """A file of SQL: what it proves, and which tables it looks at."""

    id: str
    looks_at: tuple[str, ...]
    proves: str
    sql: str


@dataclass(frozen=True)
class Finding:
    """What is wrong, with what, and how it should be."""

    check: str
    subject: str
    expected: str
    found: str


@dataclass
class Result:
    """How a check ended."""

    id: str
    proves: str
    looked_at: int
    findings: list[Finding] = field(default_factory=list)


class Engine(Protocol):
    """What runs SQL."""

    name: str

    def text(self, url: str) -> str | None:
        """A small file, if it is there."""

    def table(self, name: str, url: str, pattern: str) -> None:
        """Makes Parquet files below a folder a view."""

    def run(self, sql: str) -> None:
        """Runs a statement."""

    def rows(self, sql: str) -> list[Row]:
        """Runs a query."""

    # Expressions that differ: microseconds of an instant, SHA-256 over bytes and a text, in hexadecimal.
    micros: str
    chained: str


class Duck:
    """DuckDB: on this machine, in this process."""

    name = "duckdb"
    micros = 'epoch_us("at")'
    chained = "sha256(previous_hash || encode(body))"

    def __init__(self, remote: bool) -> None:
        import duckdb

        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        if remote:
            self.connection.execute("INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws")
            endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
            plain = endpoint.startswith("http://")
            other = f", ENDPOINT '{endpoint.split('://')[1].rstrip('/')}', URL_STYLE 'path'" if endpoint else ""
            other += ", USE_SSL false" if plain else ""
            self.connection.execute(f"CREATE SECRET (TYPE s3, PROVIDER credential_chain{other})")

    def text(self, url: str) -> str | None:
        found = self.connection.execute("SELECT content FROM read_text(?)", [url]).fetchall()
        return found[0][0] if found else None

    def table(self, name: str, url: str, pattern: str) -> None:
        files = f"{url}/{pattern}/*/*.parquet".replace("'", "''")
        self.run(f"CREATE OR REPLACE VIEW raw_{name} AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)")

    def run(self, sql: str) -> None:
        self.connection.execute(sql)

    def rows(self, sql: str) -> list[Row]:
        return self.connection.execute(sql).fetchall()


class Spark:
    """Spark: on this machine, or on a cluster by --master or spark-submit."""

    name = "spark"
    micros = "unix_micros(`at`)"
    chained = "sha2(concat(previous_hash, encode(body, 'UTF-8')), 256)"

    def __init__(self, master: str | None) -> None:
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.appName("sealed-day").config("spark.sql.session.timeZone", "UTC")
        submitted = "PYSPARK_GATEWAY_PORT" in os.environ
        if master or not submitted:
            builder = builder.master(master or "local[*]")
        if not master and not submitted:
            builder = (
                builder.config("spark.ui.enabled", "false")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.ui.showConsoleProgress", "false")
                .config("spark.log.level", "ERROR")
            )
            if "PYSPARK_SUBMIT_ARGS" not in os.environ:
                builder = builder.config("spark.sql.shuffle.partitions", str(2 * (os.cpu_count() or 1)))
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")

    @staticmethod
    def _url(url: str) -> str:
        return "s3a://" + url.removeprefix("s3://") if url.startswith("s3://") else url

    def text(self, url: str) -> str | None:
        files = self.session.sparkContext.wholeTextFiles(self._url(url)).collect()
        return files[0][1] if files else None

    def table(self, name: str, url: str, pattern: str) -> None:
        url = self._url(url)
        frame = self.session.read.option("basePath", url).parquet(f"{url}/{pattern}")
        frame.createOrReplaceTempView(f"raw_{name}")

    def run(self, sql: str) -> None:
        self.session.sql(sql)

    def rows(self, sql: str) -> list[Row]:
        return [tuple(row) for row in self.session.sql(sql).collect()]


def read_check(path: Path) -> Check:
    """A check with its header."""
    text = path.read_text(encoding="utf-8")
    header = dict(re.findall(r"^-- (id|looks at|proves): (.+)$", text, re.MULTILINE))
    missing = {"id", "looks at", "proves"} - header.keys()
    if missing:
        raise ValueError(f"{path.name} does not say: {', '.join(sorted(missing))}")
    looks_at = tuple(name.strip() for name in header["looks at"].split(","))
    return Check(header["id"], looks_at, header["proves"], text)


def read_checks(folder: Path = CHECKS) -> list[Check]:
    """All of them, in the order of their files."""
    return [read_check(path) for path in sorted(folder.glob("*.sql"))]


def is_local(data: str) -> bool:
    """Whether the day lies in a directory of this machine."""
    return "://" not in data


def manifest_of(engine: Engine, data: str, date: str) -> dict[str, Any] | None:
    """A day's manifest, if the day is there."""
    path = f"{data}/manifest/business_date={date}/manifest.json"
    if is_local(data):
        text = Path(path).read_text(encoding="utf-8") if Path(path).exists() else None
    else:
        try:
            text = engine.text(path)
        except Exception as error:  # each engine has its own way to say that a file is missing
            if not re.search("not exist|not found|404|No files found|FileNotFound", str(error), re.IGNORECASE):
                raise
            text = None
    if text is None:
        return None
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("format") != 1 or manifest.get("business_date") != date:
        raise Unreadable(f"{path} is no manifest of {date} in a form that is known here")
    return manifest


def literal(value: object) -> str:
    """A value of the manifest in SQL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"CAST({value} AS BIGINT)"
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9_.\-]*", text):
        raise Unreadable(f"the manifest says {text!r}, which cannot be")
    return f"'{text}'"


def view_of(name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A view that holds these rows."""
    if not rows:
        nothing = ", ".join(f"CAST(NULL AS {'BIGINT' if c in ('lane', 'seq') else 'STRING'}) AS {c}" for c in columns)
        return f"CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT {nothing} WHERE 1 = 0"
    values = ", ".join(f"({', '.join(literal(value) for value in row)})" for row in rows)
    return f"CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT * FROM (VALUES {values}) AS t({', '.join(columns)})"


def prepare(engine: Engine, data: str, date: str) -> dict[str, Any]:
    """Makes the views that checks see; gives the manifest."""
    manifest = manifest_of(engine, data, date)
    if manifest is None:
        raise Unreadable(f"{date} does not lie in {data}: no manifest")
    before = (datetime.date.fromisoformat(date) - datetime.timedelta(days=1)).isoformat()
    previous = manifest_of(engine, data, before)
    for table in TABLES:
        engine.table(table, f"{data}/{table}", f"business_date={date}")
    for table in ("entries", "balances", "trial_balance"):
        day = before if previous else date
        engine.table(f"previous_{table}", f"{data}/{table}", f"business_date={day}")
    lane = "CAST(lane AS BIGINT) AS lane"
    views = {
        "records": f"{lane}, seq, kind, {engine.micros} AS at_micros, caller, customer, body, lower(hex(hash)) AS hash, "
        f"lower(hex(previous_hash)) AS previous_hash, {engine.chained} AS computed_hash",
        "entries": f"{lane}, seq, leg, kind, side, account, customer, currency, amount_minor, balance_after_minor, version, "
        "terms_side, terms_currency, terms_round, terms_mid, terms_rate, terms_unit",
        "balances": f"{lane}, account, currency, opening_minor, closing_minor",
        "ledger": f"{lane}, seq, line, kind, account, role, of_currency, side, currency, amount_minor",
        "trial_balance": f"{lane}, account, role, of_currency, currency, debit_minor, credit_minor",
        "controls": f"{lane}, currency, total_minor",
    }
    for name, columns in views.items():
        engine.run(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT {columns} FROM raw_{name}")
    for name in ("entries", "balances", "trial_balance"):
        only = "" if previous else " WHERE 1 = 0"
        engine.run(
            f"CREATE OR REPLACE TEMPORARY VIEW previous_{name} AS SELECT {views[name]} FROM raw_previous_{name}{only}"
        )
    lane_columns = ("lane", "after_seq", "after_hash", "last_seq", "last_hash")

    def lanes(of: dict[str, Any] | None) -> list[list[object]]:
        return [[lane[column] for column in lane_columns] for lane in (of or {"lanes": []})["lanes"]]

    engine.run(view_of("lanes", lane_columns, lanes(manifest)))
    engine.run(view_of("previous_lanes", lane_columns, lanes(previous)))
    totals = [[of["lane"], total["currency"], total["minor"]] for of in manifest["lanes"] for total in of["totals"]]
    engine.run(view_of("lane_totals", ("lane", "currency", "total_minor"), totals))
    files = [[of["table"], of["lane"], of["rows"]] for of in manifest["files"]]
    engine.run(view_of("files", ("table_name", "lane", "row_count"), files))
    currencies = [[of["code"], of["minor_digits"]] for of in manifest["currencies"]]
    engine.run(view_of("coded", ("code", "digits"), currencies))
    engine.run(
        "CREATE OR REPLACE TEMPORARY VIEW currencies AS SELECT code, CAST(digits AS INT) AS minor_digits FROM coded"
    )
    first = all(lane["after_seq"] == 0 for lane in manifest["lanes"])
    day = [[date, manifest["has_books"], previous is not None, first]]
    engine.run(view_of("day", ("business_date", "has_books", "has_previous", "is_first"), day))
    return manifest


def check_files(data: str, manifest: dict[str, Any]) -> Result:
    """The bytes of every file, where they lie on this machine."""
    proves = "every file has the bytes and the SHA-256 that the manifest says."
    result = Result("files", proves, len(manifest["files"]))
    for entry in manifest["files"]:
        path = Path(data) / entry["path"]
        if not path.exists():
            result.findings.append(Finding("files", entry["path"], entry["sha256"], "is missing"))
            continue
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != entry["sha256"]:
            result.findings.append(Finding("files", entry["path"], entry["sha256"], digest))
    return result


def run_check(engine: Engine, check: Check, counts: dict[str, int]) -> Result:
    """One check."""
    for table in check.looks_at:
        if table not in counts:
            counts[table] = int(engine.rows(f"SELECT count(*) FROM {table}")[0][0])
    looked_at = sum(counts[table] for table in check.looks_at)
    ordered = f"SELECT * FROM ({check.sql.strip()}\n) q ORDER BY 1, 2, 3, 4 LIMIT {FINDINGS_MAX + 1}"
    rows = engine.rows(ordered)
    return Result(check.id, check.proves, looked_at, [Finding(*map(str, row)) for row in rows])


def prove(engine: Engine, data: str, date: str, checks: Sequence[Check]) -> list[Result]:
    """All checks of a day."""
    manifest = prepare(engine, data, date)
    results = [check_files(data, manifest)] if is_local(data) else []
    counts: dict[str, int] = {}
    return results + [run_check(engine, check, counts) for check in checks]


def table_of(results: Sequence[Result], shown_max: int = 20) -> str:
    """As people read it."""
    width = max(len(result.id) for result in results)
    lines = [f"{'CHECK':<{width}}  {'LOOKED AT':>12}  {'FOUND':>7}  PROVES"]
    for result in results:
        more = "+" if len(result.findings) > FINDINGS_MAX else ""
        found = f"{min(len(result.findings), FINDINGS_MAX)}{more}"
        lines.append(f"{result.id:<{width}}  {result.looked_at:>12,}  {found:>7}  {result.proves}")
    for result in (result for result in results if result.findings):
        lines += ["", f"{result.id}:"]
        for finding in result.findings[:shown_max]:
            lines.append(f"  {finding.check}: {finding.subject}: expected {finding.expected}, found {finding.found}")
        if len(result.findings) > shown_max:
            lines.append(f"  and {len(result.findings) - shown_max} more: --format json shows them")
    return "\n".join(lines)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("spark", "duckdb"), required=True)
    parser.add_argument("--data", required=True, help="where the days lie: a directory or s3://bucket/prefix")
    parser.add_argument("--date", required=True, type=lambda text: datetime.date.fromisoformat(text).isoformat())
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--master", help="of a Spark cluster, such as spark://host:7077; without it local[*]")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Proves a day; gives the exit code."""
    asked = arguments(words)
    data = asked.data.removeprefix("file://").rstrip("/")
    if is_local(data):
        data = str(Path(data).resolve())
    began = time.monotonic()
    try:
        checks = read_checks()
        engine: Engine = Spark(asked.master) if asked.engine == "spark" else Duck(not is_local(data))
        results = prove(engine, data, asked.date, checks)
    except Exception as error:  # whatever the engines raise: the day was not proved
        print(f"{asked.date} could not be checked: {error}", file=sys.stderr)
        return 2
    findings = sum(len(result.findings) for result in results)
    seconds = round(time.monotonic() - began, 1)
    if asked.format == "json":
        shown = {"engine": engine.name, "seconds": seconds, "business_date": asked.date, "findings": findings}
        print(json.dumps(shown | {"checks": [asdict(result) for result in results]}, indent=2, ensure_ascii=False))
    else:
        print(table_of(results))
        print(f"\n{asked.date} by {engine.name} in {seconds} s: {findings or 'nothing'} found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
