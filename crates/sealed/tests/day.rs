//! A day as files: the same rows give the same bytes, a day that lies there is compared, large ones leave group by group.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{fs, path::Path};

use hwan_sealed::{
    CurrencyDigits, DayWriter, LaneEntry, Manifest, Place, SealedError, Written,
    day::{self, Existing},
    row::{ControlRow, EntryRow, RecordRow, TermsRow},
    table::Table,
};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

const DATE: &str = "2026-11-23";

/// Writes a day of so many exchanges, the first of which has `body`.
async fn export(
    place: &Place,
    existing: Existing,
    records: i64,
    body: &str,
) -> Result<(Manifest, Written), SealedError> {
    let mut day = DayWriter::begin(place, DATE, existing).await?;
    let (mut journal, mut entries) = (day.create(Table::Records, 1)?, day.create(Table::Entries, 1)?);
    for seq in 1..=records {
        let record = RecordRow {
            seq,
            kind: "exchanged",
            at: seq,
            caller: "app",
            customer: (seq % 2 == 0).then_some("cus_1"),
            body: if seq == 1 { body } else { "{\"v\":2}" },
            hash: [u8::try_from(seq % 251).unwrap(); 32],
            previous_hash: [0; 32],
        };
        journal.push(&record).await?;
        let terms = TermsRow { side: "buy", currency: "USD", round: "r", mid: "1300", rate: "1300.5", unit: 1 };
        let entry = EntryRow { seq, terms: (seq % 3 == 0).then_some(terms), ..entry() };
        entries.push(&entry).await?;
    }
    day.keep(journal).await?;
    day.keep(entries).await?;
    let mut controls = day.create(Table::Controls, 1)?;
    for (currency, total_minor) in [("KRW", i128::from(i64::MAX) * 4), ("USD", -1)] {
        controls.push(&ControlRow { currency, total_minor, closing_hash: None }).await?;
    }
    day.keep(controls).await?;
    let lane = LaneEntry {
        lane: 1,
        after_seq: 0,
        after_hash: "00".to_owned(),
        last_seq: records.unsigned_abs(),
        last_hash: "11".to_owned(),
        totals: Vec::new(),
    };
    let currencies = vec![CurrencyDigits { code: "KRW".to_owned(), minor_digits: 0 }];
    day.finish(vec![lane], currencies, true, None).await
}

fn entry() -> EntryRow<'static> {
    EntryRow {
        seq: 1,
        leg: 1,
        kind: "exchanged",
        side: "debit",
        account: "acc_1",
        customer: "cus_1",
        currency: "KRW",
        amount_minor: -1,
        balance_after_minor: i64::MAX,
        version: 1,
        terms: None,
    }
}

/// Rows and row groups of a file.
fn rows(folder: &Path, path: &str) -> (i64, usize) {
    let file = SerializedFileReader::new(fs::File::open(folder.join(path)).unwrap()).unwrap();
    (file.metadata().file_metadata().num_rows(), file.num_row_groups())
}

#[tokio::test]
async fn the_same_rows_are_the_same_bytes_and_a_day_that_lies_there_is_compared() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = Place::open(one.path().to_str().unwrap()).unwrap();
    assert_eq!(day::manifest(&place, DATE).await.unwrap(), None);
    let (first, written) = export(&place, Existing::Keep, 1_000, "{}").await.unwrap();
    assert_eq!((written, first.rows_of(Table::Records)), (Written::New, 1_000));
    assert_eq!(day::manifest(&place, DATE).await.unwrap().as_ref(), Some(&first));
    let elsewhere = Place::open(&format!("file://{}", other.path().display())).unwrap();
    let (second, _) = export(&elsewhere, Existing::Keep, 1_000, "{}").await.unwrap();
    assert_eq!(first, second);
    for file in &first.files {
        let bytes = fs::read(one.path().join(&file.path)).unwrap();
        assert_eq!(bytes, fs::read(other.path().join(&file.path)).unwrap());
        assert_eq!(bytes.len() as u64, file.bytes);
        assert_eq!(place.bytes_of(&file.path).await.unwrap(), Some(file.bytes));
    }
    assert_eq!(export(&place, Existing::Keep, 1_000, "{}").await.unwrap().1, Written::There);
    let error = export(&place, Existing::Keep, 1_000, "{ }").await.unwrap_err();
    let SealedError::Differs { differences, .. } = &error else { panic!("{error}") };
    assert!(differences.len() == 1 && differences[0].contains("records/business_date=2026-11-23/lane=1"), "{error}");
    assert_eq!(day::manifest(&place, DATE).await.unwrap(), Some(first), "nothing was changed");
    let (third, written) = export(&place, Existing::Replace, 1_000, "{ }").await.unwrap();
    assert_eq!((written, day::manifest(&place, DATE).await.unwrap()), (Written::New, Some(third)));
}

#[tokio::test]
async fn a_large_day_leaves_group_by_group() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::open(folder.path().to_str().unwrap()).unwrap();
    let (manifest, _) = export(&place, Existing::Keep, 140_000, &"x".repeat(70 * 1_024 * 1_024)).await.unwrap();
    let path = |table: &str| manifest.files.iter().find(|file| file.table == table).unwrap().path.clone();
    // The first record alone fills a group by its bytes; entries fill one by their number.
    assert_eq!(rows(folder.path(), &path("records")), (140_000, 3));
    assert_eq!(rows(folder.path(), &path("entries")), (140_000, 2));
}

#[tokio::test]
async fn what_was_not_finished_is_no_day() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::open(folder.path().to_str().unwrap()).unwrap();
    let day = DayWriter::begin(&place, DATE, Existing::Keep).await.unwrap();
    let mut file = day.create(Table::Controls, 0).unwrap();
    file.push(&ControlRow { currency: "KRW", total_minor: 1, closing_hash: Some([7; 32]) }).await.unwrap();
    assert!(file.push(&entry()).await.is_err(), "a row of another table");
    file.abandon().await;
    assert_eq!(day::manifest(&place, DATE).await.unwrap(), None);
    for date in ["", "2026-1-23", "../../etc/x", "2026-11-2x"] {
        assert!(matches!(DayWriter::begin(&place, date, Existing::Keep).await, Err(SealedError::Date(_))), "{date}");
    }
}
